// Two replicas of an index behind one client, which balances over them and
// checks their health as proto/vitrine/v1/service_config.json has it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/image/image.h"
#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using testing::Eventually;
using testing::Process;

constexpr std::chrono::minutes kPatience(2);
constexpr int kCallers = 4;

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class Replica {
 public:
  Replica(const std::string& index, std::filesystem::path log)
      : index_(index), log_(std::move(log)) {
    Start("127.0.0.1:0");
  }
  void Start(const std::string& listen) {
    process_ = std::make_unique<Process>(
        std::vector<std::string>{Program("vitrine-server"), "--index=" + index_,
                                 "--listen=" + listen, "--status=127.0.0.1:0"},
        log_.string() + std::to_string(++starts_));
    address_ = testing::AwaitAddress(*process_, kPatience);
    status_ = testing::AwaitStatusAddress(*process_, kPatience);
    EXPECT_NE(address_, "") << process_->log();
    EXPECT_NE(status_, "") << process_->log();
  }
  const std::string& address() const { return address_; }
  int End(int signal) {
    process_->Signal(signal);
    return process_->Wait(kPatience);
  }
  // Whether it has found something for somebody since it was started.
  bool HasAnswered() const {
    const std::string before =
        "vitrine_requests_total{code=\"OK\",method="
        "\"vitrine.v1.SearchService/Search\"} ";
    const std::string counted = testing::HttpGet(status_, "/metrics");
    const size_t found = counted.find(before);
    return found != std::string::npos && counted[found + before.size()] != '0';
  }

 private:
  const std::string index_;
  const std::filesystem::path log_;
  int starts_ = 0;
  std::unique_ptr<Process> process_;
  std::string address_;
  std::string status_;
};

// Search after search, by several threads.
class Load {
 public:
  explicit Load(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetServiceConfigJSON(testing::ReadAll(
        testing::SourceDir() / "proto/vitrine/v1/service_config.json"));
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    channel_ = grpc::CreateCustomChannel(
        target, grpc::InsecureChannelCredentials(), arguments);
    for (int i = 0; i < kCallers; ++i) {
      callers_.emplace_back([this] { Call(); });
    }
  }
  ~Load() {
    stopped_ = true;
    for (std::thread& caller : callers_) caller.join();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Waits for so many answers more. False where they do not come.
  bool Await(int more) const {
    const int64_t before = answered_;
    return Eventually([&] { return answered_ >= before + more; }, kPatience);
  }
  std::string first_error() const {
    std::lock_guard lock(mutex_);
    return first_error_;
  }

 private:
  void Call() {
    const auto stub = v1::SearchService::NewStub(channel_);
    while (!stopped_) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kPatience);
      v1::SearchRequest request;
      request.add_examples()->set_product_id("Shirts/p3");
      v1::SearchResponse response;
      const grpc::Status status = stub->Search(&context, request, &response);
      if (status.ok() && response.hits_size() > 0) {
        ++answered_;
        continue;
      }
      std::lock_guard lock(mutex_);
      if (first_error_.empty()) {
        first_error_ = std::to_string(status.error_code()) + " " +
                       status.error_message() + ", and " +
                       std::to_string(response.hits_size()) + " hits";
      }
    }
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int64_t> answered_ = 0;
  mutable std::mutex mutex_;
  std::string first_error_;
  std::vector<std::thread> callers_;
};

TEST(EndToEndReplicas, NoSearchFailsWhileOneOfTwoIsRestartedOrKilled) {
  const testing::TempDir dir;
  const auto folder = dir.path() / "catalogue" / "Shirts";
  std::filesystem::create_directories(folder);
  for (int i = 0; i < 10; ++i) {
    testing::WriteAll(folder / ("p" + std::to_string(i) + ".jpg"),
                      DrawPicture(i, static_cast<uint8_t>(25 * i), 90, 120));
  }
  const std::string index = (dir.path() / "index").string();
  const testing::Output indexer =
      testing::RunToEnd({Program("vitrine-indexer"),
                         "--catalog=" + (dir.path() / "catalogue").string(),
                         "--index=" + index, "--once"});
  ASSERT_EQ(indexer.status, 0) << indexer.err;

  Replica replicas[] = {{index, dir.path() / "log-a-"},
                        {index, dir.path() / "log-b-"}};
  const Load load("ipv4:" + replicas[0].address() + "," +
                  replicas[1].address());
  for (const int signal : {SIGTERM, SIGKILL}) {
    for (Replica& replica : replicas) {
      ASSERT_TRUE(load.Await(200)) << load.first_error();
      ASSERT_TRUE(Eventually([&] { return replica.HasAnswered(); }, kPatience));
      EXPECT_EQ(replica.End(signal), signal == SIGTERM ? 0 : 128 + SIGKILL);
      ASSERT_TRUE(load.Await(200)) << load.first_error();
      replica.Start(replica.address());
      ASSERT_TRUE(Eventually([&] { return replica.HasAnswered(); }, kPatience))
          << "it is not asked again";
      EXPECT_EQ(load.first_error(), "");
    }
  }
}

}  // namespace
}  // namespace vitrine
