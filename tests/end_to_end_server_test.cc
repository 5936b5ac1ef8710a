// The real vitrine-server: how it starts, waits, answers and ends.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/image/image.h"
#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpGet;
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
  Start({"--status=127.0.0.1:0"});
  const std::string status_address =
      testing::AwaitStatusAddress(*server_, kPatience);
  EXPECT_THAT(HttpGet(status_address, "/readyz"),
              HasSubstr("no index is open yet"));
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
  EXPECT_THAT(HttpGet(status_address, "/readyz"), HasSubstr("200 OK"));
  EXPECT_TRUE(Eventually(
      [&] {
        return HttpGet(status_address, "/metrics")
                   .find(
                       "vitrine_requests_total{code=\"OK\",method="
                       "\"vitrine.v1.SearchService/Search\"} 10\n") !=
               std::string::npos;
      },
      kPatience));
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 0) << server_->log();
  EXPECT_THAT(server_->log(), HasSubstr("finishing the calls in flight"));
}

TEST_F(EndToEndServerTest, RunsTheModelsOfItsListAlone) {
  MakeIndex();
  const auto models = testing::SourceDir() / "models";
  const auto other =
      testing::SourceDir() / "tests/data/newer_pytorch/bundle.pt";
  const std::string shipped_sha256 =
      ToHex(Sha256(testing::ReadAll(models / "vitrine-lite0.pt")));
  const std::string other_sha256 = ToHex(Sha256(testing::ReadAll(other)));
  const auto list = dir_.path() / "trusted";
  testing::WriteAll(list, "# nothing is\n");
  Start({"--trusted-models=" + list.string()});
  v1::DescribeIndexResponse described;
  EXPECT_THAT(
      Describe(&described).error_message(),
      HasSubstr("is not run, as its SHA-256 is not in " + list.string() +
                "; if you trust it, add this line there: " + shipped_sha256));
  testing::WriteAll(list, shipped_sha256 + "  vitrine-lite0.pt\n");
  ASSERT_TRUE(Eventually([&] { return Describe(&described).ok(); }, kPatience))
      << server_->log();
  EXPECT_EQ(described.model().id(), shipped_sha256);
  EXPECT_FALSE(described.degraded());

  // The indexer has the same list, …
  std::vector<std::string> indexer = {
      Program("vitrine-indexer"),
      "--catalog=" + (dir_.path() / "catalogue").string(), "--index=" + Index(),
      "--model=" + other.string(), "--once"};
  std::vector<std::string> with_list = indexer;
  with_list.push_back("--trusted-models=" + list.string());
  const Output refused = RunToEnd(with_list);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err,
              HasSubstr(other.string() + ": the model is not run"));
  EXPECT_THAT(refused.err, HasSubstr(other_sha256));
  // … and where somebody switches without it, what was served stays.
  const Output switched = RunToEnd(indexer);
  ASSERT_EQ(switched.status, 0) << switched.err;
  ASSERT_TRUE(Eventually(
      [&] { return Describe(&described).ok() && described.degraded(); },
      kPatience))
      << server_->log();
  EXPECT_EQ(described.model().id(), shipped_sha256);
  EXPECT_THAT(described.degraded_reason(), HasSubstr(other_sha256));
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->mutable_image()->set_content(Picture(3));
  v1::SearchResponse response;
  const grpc::Status searched = stub_->Search(&context, request, &response);
  ASSERT_TRUE(searched.ok()) << searched.error_message();
  EXPECT_EQ(response.model(), shipped_sha256);

  testing::WriteAll(list, shipped_sha256 + "\n" + other_sha256 + "\n");
  EXPECT_TRUE(Eventually(
      [&] {
        return Describe(&described).ok() && !described.degraded() &&
               described.model().id() == other_sha256;
      },
      kPatience))
      << server_->log();
}

TEST_F(EndToEndServerTest, AnswersWhileItDrainsAndASecondSignalEndsIt) {
  Start({"--status=127.0.0.1:0", "--drain-seconds=600"});
  const std::string status_address =
      testing::AwaitStatusAddress(*server_, kPatience);
  server_->Signal(SIGTERM);
  EXPECT_TRUE(Eventually(
      [&] {
        return HttpGet(status_address, "/readyz").find("it is ending") !=
               std::string::npos;
      },
      kPatience));
  v1::DescribeIndexResponse described;
  EXPECT_THAT(Describe(&described).error_message(),
              HasSubstr("no index is open yet"));
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 128 + SIGTERM);
}

TEST_F(EndToEndServerTest, AConnectionOfItsAgeIsEnded) {
  Start({"--max-connection-age-seconds=0.2"});
  const auto channel =
      grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  const auto deadline = std::chrono::system_clock::now() + kPatience;
  ASSERT_TRUE(channel->WaitForConnected(deadline));
  EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY, deadline));
  EXPECT_TRUE(channel->WaitForConnected(deadline));
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
      {{"--index=x", "--max-connection-age-seconds=-1"},
       "--max-connection-age-seconds=-1 is not right; it is 0 to 1000000"},
      {{"--index=x", "--status=9092"},
       "--status: '9092' is no address to listen on; right is HOST:PORT"},
      {{"--backends=x:1", "--cache=c"},
       "--cache is for the indexes of --index"},
      {{"--index=x", "--slots=" + slots.string()}, "slots.txt:2: 'Shoes'"},
      {{"--index=x", "--slots=nowhere.txt"}, "--slots: "},
      {{"--index=x", "--trusted-models=" + slots.string()},
       "--trusted-models: " + slots.string() + " line 1: \"Shirt,top\""},
      {{"--index=x", "--trusted-models=nowhere"},
       "--trusted-models: the list of trusted models: "},
      {{"--index=x", "--log-format=xml"},
       "--log-format: \"xml\" is not right; it is text or json"},
      {{"--index=x", "--log-requests=some"},
       "--log-requests: \"some\" is not right; it is none, errors or all"},
      {{"--index=x", "--backend-token-file=t"},
       "--backend-token-file does nothing without --backends"},
      {{"--index=x", "--backend-timeout-ms=5"},
       "--backend-timeout-ms does nothing without --backends or several"},
      {{"--backends=a:1", "--require-index"},
       "--require-index does nothing without --index"},
      {{"--index=x", "--insecure", "--tls-cert=c"},
       "--insecure and --tls-cert contradict each other"},
      {{"--index=x", "--tls-client-ca=c"},
       "--tls-client-ca does nothing without --tls-cert"},
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
  EXPECT_THAT(help.out, HasSubstr("\n\nIndex:\n  --index=…\n"));
  EXPECT_THAT(help.out, HasSubstr("--require-index"));
  // No flag is in no group.
  EXPECT_THAT(help.out, HasSubstr("\n\nOther flags:\n  --flagfile="));
}

}  // namespace
}  // namespace vitrine
