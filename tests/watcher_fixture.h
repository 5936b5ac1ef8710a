// A folder that a test changes, and what a DirectoryWatcher tells of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "indexer/sources/directory_watcher.h"
#include "tests/test_util.h"

namespace vitrine::testing {

using Paths = std::set<std::string>;

// Far beyond what anything here takes; only a failing test waits this long.
constexpr int64_t kPatienceMs = 20'000;

class WatcherFixture : public ::testing::Test {
 protected:
  void Watch(const WatchOptions& options = {.rescan_interval_ms = 0}) {
    auto watcher = DirectoryWatcher::Create(root_, options);
    ASSERT_TRUE(watcher.ok()) << watcher.status();
    watcher_ = *std::move(watcher);
  }
  void Write(const std::string& path, std::string_view contents = "picture") {
    std::filesystem::create_directories((root_ / path).parent_path());
    WriteAll(root_ / path, contents);
  }
  // Everything that was told until a file that is written now is.
  void Drain() {
    closed_.clear();
    found_.clear();
    gone_.clear();
    const std::string marker = "marker" + std::to_string(markers_++);
    Write(marker);
    while (!closed_.contains(marker)) {
      auto batch = watcher_->Next(kPatienceMs);
      ASSERT_TRUE(batch.ok()) << batch.status();
      ASSERT_FALSE(batch->empty()) << "nothing was told";
      ASSERT_FALSE(batch->rescan) << batch->rescan_reason;
      for (const auto& path : batch->gone) {
        gone_.insert(path);
        closed_.erase(path);
        found_.erase(path);
      }
      closed_.insert(batch->closed.begin(), batch->closed.end());
      found_.insert(batch->found.begin(), batch->found.end());
    }
    closed_.erase(marker);
  }
  // The next batch with news of the kind that `wanted` looks for.
  WatchBatch NextWith(bool (*wanted)(const WatchBatch&)) {
    for (;;) {
      auto batch = watcher_->Next(kPatienceMs);
      EXPECT_TRUE(batch.ok()) << batch.status();
      EXPECT_FALSE(batch->empty()) << "nothing was told";
      if (batch->empty() || wanted(*batch)) return *batch;
    }
  }

  TempDir dir_;
  const std::filesystem::path root_ = dir_ / "root";
  const bool made_ = std::filesystem::create_directory(root_);
  std::unique_ptr<DirectoryWatcher> watcher_;
  Paths closed_, found_, gone_;
  int markers_ = 0;
};

}  // namespace vitrine::testing
