// A store over a small index that tests change.
#pragma once

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/snapshot_store.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {

// Waits for lines that the store logs.
class LogLines {
 public:
  void Add(std::string_view line) {
    std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
    changed_.notify_all();
  }
  // Whether a line with `text` comes within ten seconds.
  bool Await(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return std::any_of(lines_.begin(), lines_.end(),
                         [&](const std::string& line) {
                           return line.find(text) != std::string::npos;
                         });
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class SnapshotStoreTest : public ::testing::Test {
 protected:
  void Start(int poll_ms = 20) {
    SnapshotStoreOptions options = index_.StoreOptions();
    options.poll_ms = poll_ms;
    options.log = [this](std::string_view line) { log_.Add(line); };
    options.on_ready = [this] { ++times_ready_; };
    options.cache = cache_.get();
    options.await_cache = await_cache_;
    store_ = std::make_unique<SnapshotStore>(std::move(options));
    store_->Start();
  }
  absl::Status Add(const std::string& id) {
    return index_.Add({{id, "Dress", {{id + ".jpg", Draw()}}, {}}});
  }
  std::vector<float> Draw() { return DrawVector(0, &random_); }
  uint64_t Generation() {
    auto serving = store_->Take();
    return serving.ok() ? (*serving)->snapshot().generation() : 0;
  }
  void AwaitGeneration(uint64_t generation) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (Generation() != generation &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    ASSERT_EQ(Generation(), generation);
  }

  bool Finds(const std::string& product) {
    auto serving = store_->Take();
    EXPECT_OK(serving);
    return serving.ok() && (*serving)->snapshot().FindProduct(product).ok();
  }
  void AwaitProduct(const std::string& product) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!Finds(product) && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    ASSERT_TRUE(Finds(product));
  }
  // What is added from now on goes into another index, which lies elsewhere.
  void BeginAnew(const std::string& index_id) {
    index_.builder() = IndexBuilder(fresh_.root, TestBlocks());
    index_.builder().manifest().set_index_id(index_id);
    index_.UseModel("a bundle");
  }
  // Both change places at one moment.
  void SwapIn() {
    ASSERT_EQ(::renameat2(AT_FDCWD, fresh_.root.c_str(), AT_FDCWD,
                          served_.root.c_str(), RENAME_EXCHANGE),
              0);
  }

  ServingIndex index_;
  const IndexPaths served_ = index_.paths();
  const IndexPaths fresh_{index_.dir().path() / "fresh"};
  LogLines log_;
  std::atomic<int> times_ready_ = 0;
  std::mt19937 random_{1};
  std::unique_ptr<IndexCache> cache_;
  bool await_cache_ = false;
  std::unique_ptr<SnapshotStore> store_;
};

}  // namespace vitrine
