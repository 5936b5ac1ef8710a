// What `cmake --install` puts into a folder, used from there: programs that
// find each other, their model and their flags, and nothing of the source tree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/process.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::Output;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::minutes kPatience(2);

// ctest sets both.
std::string FromEnvironment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

std::vector<std::string> Names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class EndToEndInstallTest : public ::testing::Test {
 protected:
  void SetUp() override { Install(); }
  void Install() {
    const Output cmake = testing::RunToEnd(
        {FromEnvironment("VITRINE_CMAKE", "/usr/bin/cmake"), "--install",
         FromEnvironment("VITRINE_BUILD_DIR",
                         (testing::SourceDir() / "build/release").string()),
         "--prefix", prefix_.string(), "--strip"});
    ASSERT_EQ(cmake.status, 0) << cmake.err;
  }
  std::string Program(const std::string& name) const {
    return (prefix_ / "bin" / name).string();
  }
  std::string FlagFile(const std::string& name) const {
    return "--flagfile=" + (prefix_ / "etc/vitrine" / name).string();
  }

  testing::TempDir dir_;
  const fs::path prefix_ = dir_ / "prefix";
};

TEST_F(EndToEndInstallTest, DrawsIndexesServesAndFinds) {
  const fs::path photos = dir_ / "photos";
  const std::string index = "--index=" + (dir_ / "index").string();
  const Output sample =
      testing::RunToEnd({Program("vitrine"), "sample",
                         "--out=" + photos.string(), "--products=6"});
  ASSERT_EQ(sample.status, 0) << sample.err;
  const Output indexer = testing::RunToEnd(
      {Program("vitrine-indexer"), FlagFile("indexer.flags"),
       "--catalog=" + photos.string(), index, "--status=", "--once"});
  ASSERT_EQ(indexer.status, 0) << indexer.err;

  testing::Process server(
      {Program("vitrine-server"), FlagFile("server.flags"), index,
       "--listen=127.0.0.1:0", "--status=", "--drain-seconds=0"},
      dir_ / "log");
  const std::string address = testing::AwaitAddress(server, kPatience);
  ASSERT_NE(address, "") << server.log();
  const fs::path photo = fs::directory_iterator(photos / "images")->path();
  const Output search =
      testing::RunToEnd({Program("vitrine"), "search", "--server=" + address,
                         "--image=" + photo.string(), "--k=3", "--format=json",
                         "--sheet=" + (dir_ / "sheet.png").string()});
  EXPECT_EQ(search.status, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("\"same_content\":true"));
  EXPECT_TRUE(fs::exists(dir_ / "sheet.png"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(kPatience), 0) << server.log();
}

TEST_F(EndToEndInstallTest, BringsWhatIsForUsersAndNamesThePlace) {
  EXPECT_THAT(Names(prefix_ / "bin"),
              UnorderedElementsAre("vitrine", "vitrine-eval", "vitrine-gallery",
                                   "vitrine-indexer", "vitrine-pictures",
                                   "vitrine-server"));
  EXPECT_THAT(Names(prefix_ / "share/vitrine/proto/vitrine/v1"),
              UnorderedElementsAre("search.proto", "catalog.proto",
                                   "complements.proto", "service_config.json"));
  EXPECT_TRUE(
      fs::exists(prefix_ / "share/vitrine/proto/vitrine-protos.tar.gz"));
  for (const char* file : {"care.md", "grafana.json", "LICENSE"}) {
    EXPECT_TRUE(fs::exists(prefix_ / "share/doc/vitrine" / file)) << file;
  }
  for (const std::string daemon : {"indexer", "server"}) {
    const std::string unit = testing::ReadAll(
        prefix_ / "lib/systemd/system" / ("vitrine-" + daemon + ".service"));
    EXPECT_THAT(unit, HasSubstr("ExecStart=" + Program("vitrine-" + daemon) +
                                " " + FlagFile(daemon + ".flags") + "\n"));
  }
  // --cache=/var/cache/vitrine of care.md; ProtectSystem=strict lets it write
  // nowhere else.
  EXPECT_THAT(
      testing::ReadAll(prefix_ / "lib/systemd/system/vitrine-server.service"),
      HasSubstr("\nCacheDirectory=vitrine\n"));
}

TEST_F(EndToEndInstallTest, KeepsFlagsThatWereSet) {
  const fs::path flags = prefix_ / "etc/vitrine/server.flags";
  testing::WriteAll(flags, "--threads=1\n");
  Install();
  EXPECT_EQ(testing::ReadAll(flags), "--threads=1\n");
}

}  // namespace
}  // namespace vitrine
