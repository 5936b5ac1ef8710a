// The real vitrine-server: how it starts, waits, answers and ends.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
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

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class EndToEndServerTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {Program("vitrine-server"),
                                 "--index=" + Index(), "--listen=127.0.0.1:0"});
    server_ = std::make_unique<Process>(flags, dir_.path() / "log");
    address_ = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(address_, "") << server_->log();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  }
  std::string Index() const { return (dir_.path() / "index").string(); }
  // Ten pictures in two categories.
  void MakeIndex() {
    for (int i = 0; i < 10; ++i) {
      const auto folder =
          dir_.path() / "catalogue" / (i % 2 == 0 ? "Shirts" : "Shoes");
      std::filesystem::create_directories(folder);
      testing::WriteAll(folder / ("p" + std::to_string(i) + ".jpg"),
                        Picture(i));
    }
    const Output indexer =
        RunToEnd({Program("vitrine-indexer"),
                  "--catalog=" + (dir_.path() / "catalogue").string(),
                  "--index=" + Index(), "--once"});
    ASSERT_EQ(indexer.status, 0) << indexer.err;
  }
  static std::string Picture(int i) {
    return DrawPicture(i, static_cast<uint8_t>(25 * i),
                       static_cast<uint8_t>(250 - 25 * i),
                       static_cast<uint8_t>(60 * i % 250));
  }
  grpc::Status Describe(v1::DescribeIndexResponse* response) {
    grpc::ClientContext context;
    return stub_->DescribeIndex(&context, {}, response);
  }

  testing::TempDir dir_;
  std::unique_ptr<Process> server_;
  std::string address_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(EndToEndServerTest, WaitsForItsIndexThenFindsEveryPicture) {
  Start();
  v1::DescribeIndexResponse described;
  grpc::Status status = Describe(&described);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("no index is open yet"));
  EXPECT_THAT(server_->log(), HasSubstr("not ready: "));
  MakeIndex();
  ASSERT_TRUE(Eventually(
      [&] { return Describe(&described).ok() && described.images() == 10; },
      kPatience))
      << server_->log();
  EXPECT_EQ(described.categories_size(), 2);
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(Picture(i));
    v1::SearchResponse response;
    status = stub_->Search(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_GT(response.hits_size(), 0);
    EXPECT_THAT(response.hits(0).image(),
                HasSubstr("p" + std::to_string(i) + ".jpg"));
    EXPECT_GE(response.hits(0).score(), 0.998f);
    EXPECT_TRUE(response.hits(0).same_content());
    EXPECT_EQ(response.model(), described.model().id());
  }
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 0) << server_->log();
  EXPECT_THAT(server_->log(), HasSubstr("finishing the calls in flight"));
}

TEST_F(EndToEndServerTest, EndsWithoutAnIndexWhereOneIsRequired) {
  const Output output =
      RunToEnd({Program("vitrine-server"), "--index=" + Index(),
                "--listen=127.0.0.1:0", "--require-index"});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("no index is open yet"));
  EXPECT_THAT(output.err, HasSubstr(Index()));
  EXPECT_EQ(output.out, "");
}

TEST_F(EndToEndServerTest, EndsWhereItsPortIsTaken) {
  Start();
  const Output output =
      RunToEnd({Program("vitrine-server"), "--index=" + Index(),
                "--listen=" + address_});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("cannot listen on " + address_));
  server_->Signal(SIGINT);
  EXPECT_EQ(server_->Wait(kPatience), 0);
}

TEST_F(EndToEndServerTest, NamesWhatIsWrongOnItsCommandLine) {
  const auto slots = dir_.path() / "slots.txt";
  testing::WriteAll(slots, "Shirt,top\nShoes\n");
  const std::pair<std::vector<std::string>, std::string> wrong[] = {
      {{}, "--index is missing"},
      {{"--index=x", "--thread=3"}, "did you mean --threads?"},
      {{"--index=x", "--threads=-1"},
       "--threads=-1 is not right; it is 0 to 1024"},
      {{"--index=x", "--slots=" + slots.string()}, "slots.txt:2: 'Shoes'"},
      {{"--index=x", "--slots=nowhere.txt"}, "--slots: "},
      {{"index"}, "\"index\" is no flag"}};
  for (const auto& [flags, message] : wrong) {
    std::vector<std::string> argv = {Program("vitrine-server")};
    argv.insert(argv.end(), flags.begin(), flags.end());
    const Output output = RunToEnd(argv);
    EXPECT_EQ(output.status, 2) << output.err;
    EXPECT_THAT(output.err, HasSubstr(message));
  }
  const Output help = RunToEnd({Program("vitrine-server"), "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("vitrine-server --index=DIR"));
  EXPECT_THAT(help.out, HasSubstr("--require-index"));
}

}  // namespace
}  // namespace vitrine
