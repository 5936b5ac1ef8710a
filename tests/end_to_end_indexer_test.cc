// The real vitrine-indexer: how it is asked to end, and how it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpGet;
using testing::Process;

constexpr std::chrono::minutes kPatience(2);

TEST(Indexer, EndsWellWhenItIsAskedTo) {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir / "catalogue");
  testing::WriteAll(dir / "catalogue/a.jpg", DrawPicture(1, 20, 200, 60));
  // More than once: which of its threads a signal reaches is the system's
  // choice.
  for (int run = 0; run < 3; ++run) {
    Process indexer({(testing::BinDir() / "vitrine-indexer").string(),
                     "--catalog=" + (dir / "catalogue").string(),
                     "--index=" + (dir / "index").string()},
                    dir / ("log" + std::to_string(run)));
    ASSERT_TRUE(Eventually(
        [&] { return indexer.log().find("watching ") != std::string::npos; },
        kPatience))
        << indexer.log();
    indexer.Signal(run == 2 ? SIGINT : SIGTERM);
    EXPECT_EQ(indexer.Wait(kPatience), 0) << indexer.log();
    EXPECT_THAT(indexer.log(), HasSubstr("all that was read is published"));
  }
}

TEST(Indexer, TellsHowItIs) {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir / "catalogue");
  testing::WriteAll(dir / "catalogue/a.jpg", DrawPicture(1, 20, 200, 60));
  testing::WriteAll(dir / "catalogue/bad.jpg", "no picture");
  Process indexer(
      {(testing::BinDir() / "vitrine-indexer").string(),
       "--catalog=" + (dir / "catalogue").string(),
       "--index=" + (dir / "index").string(), "--status=127.0.0.1:0"},
      dir / "log");
  const std::string before = "status at http://";
  ASSERT_TRUE(Eventually(
      [&] { return indexer.log().find(before) != std::string::npos; },
      kPatience))
      << indexer.log();
  std::string address = indexer.log();
  address = address.substr(address.find(before) + before.size());
  address = address.substr(0, address.find('/'));
  EXPECT_TRUE(Eventually(
      [&] { return HttpGet(address, "/readyz").starts_with("HTTP/1.1 200 "); },
      kPatience))
      << HttpGet(address, "/readyz");
  // Those that were there before it started have not come while it ran.
  testing::WriteAll(dir / "catalogue/b.jpg", DrawPicture(2, 20, 200, 60));
  EXPECT_TRUE(Eventually(
      [&] {
        return HttpGet(address, "/metrics").find("vitrine_images 2\n") !=
               std::string::npos;
      },
      kPatience));
  const std::string metrics = HttpGet(address, "/metrics");
  EXPECT_THAT(metrics, HasSubstr("vitrine_pictures_refused_total{reason=\""));
  EXPECT_THAT(metrics, HasSubstr("vitrine_pictures_total{outcome=\"accepted\","
                                 "source=\"directory\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("vitrine_publication_seconds_count "));
  EXPECT_THAT(metrics, HasSubstr("vitrine_write_amplification "));
  const testing::Output wrong = testing::RunToEnd(
      {(testing::BinDir() / "vitrine-indexer").string(),
       "--catalog=" + (dir / "catalogue").string(),
       "--index=" + (dir / "other").string(), "--status=9091"},
      kPatience);
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--status: '9091' is no address to listen"));
  // A second one cannot have the port.
  const testing::Output second = testing::RunToEnd(
      {(testing::BinDir() / "vitrine-indexer").string(),
       "--catalog=" + (dir / "catalogue").string(),
       "--index=" + (dir / "other").string(), "--status=" + address, "--once"},
      kPatience);
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("cannot listen on " + address));
}

TEST(Indexer, HelpsInGroupsAndNamesFlagsThatDoNotGoTogether) {
  const std::string program = (testing::BinDir() / "vitrine-indexer").string();
  const testing::Output help = testing::RunToEnd({program, "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("\n\nCatalogue:\n  --catalog=…\n"));
  // No flag is in no group.
  EXPECT_THAT(help.out, HasSubstr("\n\nOther flags:\n  --flagfile="));
  const std::pair<std::vector<std::string>, std::string> wrong[] = {
      {{"--queue=redis://h/s", "--index=x", "--on-delete=keep"},
       "--on-delete does nothing without --catalog"},
      {{"--catalog=c", "--index=x", "--queue-trim"},
       "--queue-trim does nothing without --queue"},
      {{"--catalog=c", "--index=x", "--insecure-status"},
       "--insecure-status does nothing without --status"},
      {{"--catalog=c", "--index=x", "--takeover-seconds=9"},
       "--takeover-seconds does nothing without --partition"},
      {{"--catalog=c", "--index=x", "--partition=0/2", "--takeover-seconds=-1"},
       "--takeover-seconds=-1 is not right; it is 0 to 86400"},
      {{"--catalog=c", "--index=x", "--graph-rows=0"},
       "--graph-rows=0 is not right; it is at least 1"},
      {{"--catalog=c", "--index=x", "--keep-minutes=nan"},
       "--keep-minutes=nan is not right; it is at least 0"},
      {{"--index=x", "--verify", "--repair"},
       "--repair and --verify contradict each other"},
      {{"--catalog=c", "--index=x", "--log-format=xml"},
       "--log-format: \"xml\" is not right; it is text or json"}};
  for (const auto& [flags, message] : wrong) {
    std::vector<std::string> argv = {program};
    argv.insert(argv.end(), flags.begin(), flags.end());
    const testing::Output output = testing::RunToEnd(argv);
    EXPECT_EQ(output.status, 2) << output.err;
    EXPECT_THAT(output.err, HasSubstr(message));
  }
}

}  // namespace
}  // namespace vitrine
