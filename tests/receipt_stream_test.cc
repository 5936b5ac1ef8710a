// CatalogService.Receipts over a real socket.
#include "server/receipt_stream.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/server.h"
#include "tests/process.h"
#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

// A volume that hangs: who reads receipts there waits.
class HungVolume {
 public:
  static HungVolume& Instance() {
    static HungVolume* const volume = new HungVolume();
    return *volume;
  }
  void Hang(bool hangs) {
    std::lock_guard lock(mutex_);
    hangs_ = hangs;
    changed_.notify_all();
  }
  int waiting() {
    std::lock_guard lock(mutex_);
    return waiting_;
  }
  void Read(int fd) {
    std::unique_lock lock(mutex_);
    if (!hangs_) return;
    std::error_code error;
    const auto path = std::filesystem::read_symlink(
        "/proc/self/fd/" + std::to_string(fd), error);
    if (path.filename() != "receipts.jsonl") return;
    ++waiting_;
    changed_.wait(lock, [this] { return !hangs_; });
    --waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  int waiting_ = 0;
};

}  // namespace
}  // namespace vitrine

// In libc's place.
extern "C" ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  vitrine::HungVolume::Instance().Read(fd);
  return ::syscall(SYS_pread64, fd, bytes, count, offset);
}

namespace vitrine {
namespace {

using ::testing::HasSubstr;

class ReceiptStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_OK(index_.Add(
        {{"p1", "Dress", {{"p1.jpg", DrawVector(1, &random)}}, {}}}));
    Start();
  }
  void TearDown() override { HungVolume::Instance().Hang(false); }
  void Start(int threads = 0) {
    ServerOptions options;
    options.threads = threads;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    stub_ = v1::CatalogService::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }

  // All the products that a call tells of.
  std::vector<std::string> Ask(const v1::ReceiptsRequest& request,
                               grpc::Status* status) {
    grpc::ClientContext context;
    auto reader = stub_->Receipts(&context, request);
    std::vector<std::string> products;
    v1::ReceiptsResponse response;
    while (reader->Read(&response)) {
      for (const v1::Receipt& receipt : response.receipts()) {
        products.push_back(receipt.product_id());
      }
      unreadable_ += response.unreadable_lines();
    }
    *status = reader->Finish();
    return products;
  }

  const std::filesystem::path& path() {
    path_ = index_.paths().receipts();
    return path_;
  }

  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::CatalogService::Stub> stub_;
  std::filesystem::path path_;
  uint64_t unreadable_ = 0;
};

TEST_F(ReceiptStreamTest, SendsAllOldestFirst) {
  AppendTo(path(), ReceiptLines(0, 3000));
  AppendTo(path(), ReceiptLines(3000, 3001).substr(0, 40));  // Torn.
  grpc::Status status;
  const auto products = Ask({}, &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(products.size(), 3000u);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(products[i], "p" + std::to_string(i));
  }
}

TEST_F(ReceiptStreamTest, SendsTheWholeReceipt) {
  AppendTo(path(), ReceiptLines(3, 4));
  grpc::ClientContext context;
  auto reader = stub_->Receipts(&context, {});
  v1::ReceiptsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.receipts_size(), 1);
  EXPECT_EQ(response.receipts(0).SerializeAsString(),
            NumberedReceipt(3).SerializeAsString());
  EXPECT_FALSE(reader->Read(&response));
}

TEST_F(ReceiptStreamTest, HonoursSinceAndRefusedOnly) {
  AppendTo(path(), ReceiptLines(0, 10));
  v1::ReceiptsRequest request;
  request.mutable_since()->set_seconds(kFirstReceipt + 60 * 4);
  grpc::Status status;
  EXPECT_EQ(Ask(request, &status).size(), 6u);
  request.set_refused_only(true);
  EXPECT_EQ(Ask(request, &status), (std::vector<std::string>{"p6", "p9"}));
  EXPECT_TRUE(status.ok());
}

TEST_F(ReceiptStreamTest, CountsLinesThatCannotBeRead) {
  AppendTo(path(), ReceiptLines(0, 2) + "a note\n" + ReceiptLines(2, 3));
  grpc::Status status;
  EXPECT_EQ(Ask({}, &status).size(), 3u);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(unreadable_, 1u);
}

TEST_F(ReceiptStreamTest, SendsNothingWhereNothingWasDecidedYet) {
  grpc::Status status;
  EXPECT_TRUE(Ask({}, &status).empty());
  EXPECT_TRUE(status.ok());
}

TEST_F(ReceiptStreamTest, SaysWhereThereIsNoIndex) {
  std::filesystem::remove_all(index_.paths().manifests());
  Start();
  grpc::Status status;
  EXPECT_TRUE(Ask({}, &status).empty());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("no index is open yet"));
}

TEST_F(ReceiptStreamTest, FollowsWhatComesUntilTheCallerGoes) {
  v1::ReceiptsRequest request;
  request.set_follow(true);
  grpc::ClientContext context;
  auto reader = stub_->Receipts(&context, request);
  v1::ReceiptsResponse response;
  for (int i = 0; i < 50; ++i) {
    AppendTo(path(), ReceiptLines(i, i + 1));
    ASSERT_TRUE(reader->Read(&response));
    ASSERT_EQ(response.receipts_size(), 1);
    EXPECT_EQ(response.receipts(0).product_id(), "p" + std::to_string(i));
  }
  context.TryCancel();
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ReceiptStreamTest, FollowsForManyCallersAtATime) {
  static constexpr int kCallers = 8, kReceipts = 2000;
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([this] {
      v1::ReceiptsRequest request;
      request.set_follow(true);
      grpc::ClientContext context;
      auto reader = stub_->Receipts(&context, request);
      v1::ReceiptsResponse response;
      int next = 0;
      while (next < kReceipts && reader->Read(&response)) {
        for (const v1::Receipt& receipt : response.receipts()) {
          EXPECT_EQ(receipt.product_id(), "p" + std::to_string(next++));
        }
      }
      EXPECT_EQ(next, kReceipts);
      context.TryCancel();
    });
  }
  for (int i = 0; i < kReceipts; i += 10) {
    AppendTo(path(), ReceiptLines(i, i + 10));
  }
  for (std::thread& caller : callers) caller.join();
}

TEST_F(ReceiptStreamTest, HoldsUpNoSearchWhereTheVolumeHangs) {
  AppendTo(path(), ReceiptLines(0, 3));
  Start(/*threads=*/2);
  HungVolume::Instance().Hang(true);
  struct Caller {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ReceiptsResponse>> reader;
  };
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 40; ++i) {
    callers.push_back(std::make_unique<Caller>());
    v1::ReceiptsRequest request;
    request.set_follow(i % 2 == 0);
    callers.back()->reader = stub_->Receipts(&callers.back()->context, request);
  }
  ASSERT_TRUE(
      testing::Eventually([] { return HungVolume::Instance().waiting() >= 2; },
                          std::chrono::seconds(10)));
  const auto search = v1::SearchService::NewStub(grpc::CreateChannel(
      server_->address(), grpc::InsecureChannelCredentials()));
  v1::SearchRequest request;
  request.add_examples()->set_product_id("p1");
  request.set_k(1);
  request.set_exact(true);
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    v1::SearchResponse response;
    const grpc::Status status = search->Search(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  // Beyond a bound they are refused at once.
  grpc::Status refused;
  for (int i = 0; i < 100; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(50));
    auto reader = stub_->Receipts(&context, {});
    v1::ReceiptsResponse response;
    EXPECT_FALSE(reader->Read(&response));
    refused = reader->Finish();
    if (refused.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) break;
  }
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("wait already"));
  HungVolume::Instance().Hang(false);
  for (const auto& caller : callers) {
    v1::ReceiptsResponse response;
    EXPECT_TRUE(caller->reader->Read(&response));
    EXPECT_EQ(response.receipts_size(), 3);
    caller->context.TryCancel();
    caller->reader->Finish();
  }
}

TEST_F(ReceiptStreamTest, LetsTheServerEnd) {
  AppendTo(path(), ReceiptLines(0, 1));
  v1::ReceiptsRequest request;
  request.set_follow(true);
  grpc::ClientContext context;
  auto reader = stub_->Receipts(&context, request);
  v1::ReceiptsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  // It would be cancelled after that.
  server_->Shutdown(std::chrono::hours(1));
  EXPECT_FALSE(reader->Read(&response));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("the server is ending"));
}

TEST_F(ReceiptStreamTest, OutlivesACallerThatStopsReading) {
  AppendTo(path(), ReceiptLines(0, 100'000));
  grpc::ClientContext context;
  auto reader = stub_->Receipts(&context, {});
  v1::ReceiptsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  // The server goes on for others, and ends though that one does not read.
  grpc::Status status;
  EXPECT_EQ(Ask({}, &status).size(), 100'000u);
  EXPECT_TRUE(status.ok());
  server_->Shutdown(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace vitrine
