// What the real programs tell on standard error.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::Output;
using testing::Process;
using testing::RunToEnd;
using ::testing::StartsWith;

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class EndToEndLog : public ::testing::Test {
 protected:
  std::string Index() const { return (dir_ / "index").string(); }
  Output RunIndexer(const std::vector<std::string>& flags) {
    const auto folder = dir_ / "catalogue";
    std::filesystem::create_directories(folder);
    for (int i = 0; i < 3; ++i) {
      testing::WriteAll(folder / ("p" + std::to_string(i) + ".jpg"),
                        DrawPicture(i, 20, 200, 60));
    }
    testing::WriteAll(folder / "bad\n{\"level\":\"forged\"}.jpg", "no picture");
    std::vector<std::string> argv = {Program("vitrine-indexer"),
                                     "--catalog=" + folder.string(),
                                     "--index=" + Index(), "--once"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    return RunToEnd(argv);
  }
  static std::vector<nlohmann::json> Parse(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      auto object = nlohmann::json::parse(line, nullptr, false);
      EXPECT_TRUE(object.is_object()) << line;
      if (!object.is_object()) continue;
      for (const char* name : {"time", "level", "program", "message"}) {
        EXPECT_TRUE(object[name].is_string()) << line;
      }
      lines.push_back(std::move(object));
    }
    return lines;
  }
  static std::set<std::string> Messages(
      const std::vector<nlohmann::json>& lines) {
    std::set<std::string> messages;
    for (const auto& line : lines) messages.insert(line["message"]);
    return messages;
  }
  static grpc::StatusCode Search(const std::string& address) {
    const auto stub = v1::SearchService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->set_product_id("p1");
    v1::SearchResponse response;
    return stub->Search(&context, request, &response).error_code();
  }

  testing::TempDir dir_;
};

TEST_F(EndToEndLog, AnIndexerSpeaksJson) {
  const Output output = RunIndexer({"--log-format=json"});
  ASSERT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.out, "");
  const auto lines = Parse(output.err);
  ASSERT_GT(lines.size(), 2u);
  bool refused = false;
  for (const auto& line : lines) {
    EXPECT_EQ(line["program"], "vitrine-indexer");
    EXPECT_NE(line["level"], "forged");
    const std::string message = line["message"];
    refused |= message.find("bad\n{\"level\":") != std::string::npos;
  }
  EXPECT_TRUE(refused) << output.err;
  const Output wrong = RunToEnd(
      {Program("vitrine-indexer"), "--log-format=json", "--index=" + Index()});
  EXPECT_EQ(wrong.status, 2);
  const auto told = Parse(wrong.err);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0]["level"], "error");
  EXPECT_THAT(std::string(told[0]["message"]),
              HasSubstr("--catalog is missing"));
}

TEST_F(EndToEndLog, AnIndexersTextIsAsEver) {
  const Output output = RunIndexer({});
  ASSERT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("Z catalogue " + dir_.path().string()));
  EXPECT_THAT(output.err, HasSubstr("bad\\x0a{"));
  const Output wrong = RunToEnd({Program("vitrine-indexer"), "--index=x"});
  EXPECT_THAT(wrong.err, StartsWith("vitrine-indexer: --catalog is missing"));
}

TEST_F(EndToEndLog, AServerSpeaksJsonAndLosesNoLineAtItsEnd) {
  ASSERT_EQ(RunIndexer({}).status, 0);
  Process server(
      {Program("vitrine-server"), "--index=" + Index(), "--listen=127.0.0.1:0",
       "--status=127.0.0.1:0", "--log-format=json", "--log-requests=all"},
      dir_ / "log");
  const std::string address = testing::AwaitAddress(server, kPatience);
  ASSERT_NE(address, "") << server.log();
  constexpr int kSearches = 200;
  for (int i = 0; i < kSearches; ++i) {
    ASSERT_EQ(Search(address), grpc::StatusCode::OK);
  }
  // gRPC has words of its own for that.
  const Output second =
      RunToEnd({Program("vitrine-server"), "--index=" + Index(),
                "--listen=" + address, "--log-format=json"});
  EXPECT_EQ(second.status, 1);
  const auto told = Parse(second.err);
  ASSERT_GE(told.size(), 1u);
  EXPECT_THAT(std::string(told.back()["message"]),
              HasSubstr("cannot listen on " + address));
  server.Signal(SIGTERM);
  ASSERT_EQ(server.Wait(kPatience), 0) << server.log();
  // The first line is that of standard output.
  std::string text = server.log();
  const std::string listening =
      "vitrine-server: listening on " + address + "\n";
  const size_t at = text.find(listening);
  ASSERT_NE(at, std::string::npos) << text;
  text.erase(at, listening.size());
  const auto lines = Parse(text);
  int searches = 0;
  for (const auto& line : lines) {
    EXPECT_EQ(line["program"], "vitrine-server");
    if (line["message"] != "request") continue;
    EXPECT_EQ(line["code"], "OK") << line;
    ++searches;
  }
  EXPECT_EQ(searches, kSearches);
  const auto messages = Messages(lines);
  EXPECT_TRUE(messages.contains(
      "Terminated: finishing the calls in flight; a second signal ends the "
      "server at once"));
}

TEST_F(EndToEndLog, AServersTextIsAsEver) {
  Process server(
      {Program("vitrine-server"), "--index=" + Index(), "--listen=127.0.0.1:0"},
      dir_ / "log");
  ASSERT_NE(testing::AwaitAddress(server, kPatience), "");
  ASSERT_TRUE(Eventually(
      [&] {
        return server.log().find("vitrine-server: not ready: ") !=
               std::string::npos;
      },
      kPatience));
  server.Signal(SIGTERM);
  ASSERT_EQ(server.Wait(kPatience), 0);
  EXPECT_THAT(server.log(), HasSubstr("\nvitrine-server: Terminated: "));
}

TEST_F(EndToEndLog, AServerGoesOnAndEndsWhereStandardErrorTakesNothing) {
  ASSERT_EQ(RunIndexer({}).status, 0);
  const std::string fifo = (dir_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_GE(::fcntl(reader, F_SETPIPE_SZ, 4096), 4096);
  Process server({"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>" + fifo,
                  Program("vitrine-server"), "--index=" + Index(),
                  "--listen=127.0.0.1:0", "--log-requests=all"},
                 dir_ / "log");
  const std::string address = testing::AwaitAddress(server, kPatience);
  ASSERT_NE(address, "") << server.log();
  // The pipe takes a dozen of their lines.
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(Search(address), grpc::StatusCode::OK);
  }
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(kPatience), 0);
  ::close(reader);
}

}  // namespace
}  // namespace vitrine
