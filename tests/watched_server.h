// A real server of an index, asked over and over while things happen to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/process.h"
#include "tests/test_util.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine::testing {

// From the first generation on every call must be answered, from a generation
// that is whole and no older than the one before.
class WatchedServer {
 public:
  WatchedServer(const std::filesystem::path& index, std::filesystem::path log)
      : process_({(BinDir() / "vitrine-server").string(),
                  "--index=" + index.string(), "--listen=127.0.0.1:0"},
                 std::move(log)) {
    const std::string address = AwaitAddress(process_, kPatience);
    EXPECT_NE(address, "") << process_.log();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    thread_ = std::thread([this] { AskUntilStopped(); });
  }
  ~WatchedServer() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    thread_.join();
    process_.Signal(SIGTERM);
    EXPECT_EQ(process_.Wait(kPatience), 0) << process_.log();
  }
  WatchedServer(const WatchedServer&) = delete;
  WatchedServer& operator=(const WatchedServer&) = delete;

  // Returns once it has been asked, and has answered, from now on. Fails where
  // it does not answer.
  void ExpectAnswers() {
    const int64_t before = rounds_;
    EXPECT_TRUE(Eventually([&] { return rounds_ > before + 1; }, kPatience))
        << process_.log();
  }
  // Once it has heard of all that is published.
  void ExpectProducts(const std::set<std::string>& products) {
    EXPECT_TRUE(Eventually(
        [&] {
          std::set<std::string> listed;
          return List(&listed).ok() && listed == products;
        },
        kPatience))
        << process_.log();
  }

 private:
  static constexpr std::chrono::minutes kPatience{1};
  static constexpr std::chrono::milliseconds kPause{10};

  static void SetDeadline(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + kPatience);
  }
  void AskUntilStopped() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kPause, [this] { return stopped_; })) {
      lock.unlock();
      Ask();
      ++rounds_;
      lock.lock();
    }
  }
  void Ask() {
    v1::DescribeIndexResponse described;
    {
      grpc::ClientContext context;
      SetDeadline(&context);
      const grpc::Status status =
          stub_->DescribeIndex(&context, {}, &described);
      // There is none before the first is published.
      if (generation_ == 0 &&
          status.error_code() == grpc::StatusCode::UNAVAILABLE) {
        return;
      }
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    EXPECT_FALSE(described.degraded()) << described.degraded_reason();
    SeeGeneration(described.generation());
    std::set<std::string> listed;
    const grpc::Status status = List(&listed);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const bool exact : {false, true}) {
      if (!listed.empty()) SearchLike(*listed.begin(), exact);
    }
  }
  grpc::Status List(std::set<std::string>* listed) {
    grpc::ClientContext context;
    SetDeadline(&context);
    auto reader = stub_->ListProducts(&context, {});
    v1::ListProductsResponse response;
    while (reader->Read(&response)) {
      for (const v1::Product& product : response.products()) {
        EXPECT_TRUE(listed->insert(product.product_id()).second)
            << product.product_id() << " is there twice";
      }
    }
    return reader->Finish();
  }
  void SearchLike(const std::string& product, bool exact) {
    grpc::ClientContext context;
    SetDeadline(&context);
    v1::SearchRequest request;
    request.add_examples()->set_product_id(product);
    request.set_k(100);
    request.set_exact(exact);
    v1::SearchResponse response;
    const grpc::Status status = stub_->Search(&context, request, &response);
    // It may have been deleted since it was listed.
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) return;
    ASSERT_TRUE(status.ok()) << status.error_message();
    SeeGeneration(response.generation());
    std::set<std::string> found;
    for (const v1::Hit& hit : response.hits()) {
      EXPECT_TRUE(found.insert(hit.product_id()).second) << hit.product_id();
    }
  }
  void SeeGeneration(uint64_t generation) {
    EXPECT_GE(generation, generation_);
    generation_ = generation;
  }

  Process process_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
  uint64_t generation_ = 0;  // The asking thread's.
  std::atomic<int64_t> rounds_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace vitrine::testing
