// A shared index, and the cache of a server of it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/index/index_files.h"
#include "common/index/manifest.h"
#include "common/index/snapshot.h"
#include "server/index_cache.h"
#include "tests/test_util.h"
#include "tests/test_util/whole_index.h"

namespace vitrine {

class IndexCacheFixture : public ::testing::Test {
 protected:
  IndexCacheFixture() { Open(); }

  void Open() {
    cache_.reset();
    auto opened = IndexCache::Open(index_->paths(), folder_, {});
    ASSERT_OK(opened);
    cache_ = *std::move(opened);
  }
  absl::Status Update(const storage::Manifest* served = nullptr,
                      bool doubtful = false, const StopRequested& stop = {}) {
    return cache_->Update(served, doubtful, stop);
  }
  // Over and over, as a server does: after a failure it rests for a while.
  void UpdateUntilOk(const storage::Manifest* served = nullptr) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    absl::Status status = Update(served);
    while (!status.ok() && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
      status = Update(served);
    }
    EXPECT_OK(status);
  }

  // The newest generation that opens, of which every byte is verified; 0 where
  // there is none.
  uint64_t Opened() {
    std::string degraded;
    const auto snapshot =
        Snapshot::OpenNewest(IndexPaths{folder_}, nullptr, &degraded);
    EXPECT_EQ(degraded, "");
    if (absl::IsNotFound(snapshot.status())) return 0;
    EXPECT_OK(snapshot);
    return snapshot.ok() ? (*snapshot)->generation() : 0;
  }
  // The cache holds these generations and nothing else.
  void ExpectHolds(const std::vector<storage::Manifest>& manifests) {
    std::set<std::string> expected = {"CACHE"};
    for (const storage::Manifest& manifest : manifests) {
      expected.insert(
          std::filesystem::relative(
              IndexPaths{folder_}.manifest(manifest.generation()), folder_)
              .string());
      for (const IndexFile& file : IndexFilesOf(manifest)) {
        if (file.indexers_only) continue;
        expected.insert(file.path);
        EXPECT_OK(VerifyIndexFile(folder_ / file.path, file, {}));
      }
    }
    std::set<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file()) continue;
      found.insert(std::filesystem::relative(entry.path(), folder_).string());
    }
    EXPECT_EQ(found, expected);
  }
  // The cache has this generation, whatever else it has.
  void ExpectSound(const storage::Manifest& manifest) {
    const auto here = ReadManifest(IndexPaths{folder_}, manifest.generation());
    ASSERT_OK(here);
    EXPECT_EQ(here->index_id(), manifest.index_id());
    for (const IndexFile& file : IndexFilesOf(manifest)) {
      if (file.indexers_only) continue;
      EXPECT_OK(VerifyIndexFile(folder_ / file.path, file, {}));
    }
  }
  // Another index takes the place of the source, whose files have the same
  // names.
  void BeginAnew(const std::string& index_id) {
    index_ = nullptr;
    std::filesystem::remove_all(dir_ / "shared");
    index_ =
        std::make_unique<WholeIndex>(dir_ / "shared", /*seed=*/1000, index_id);
  }
  // A shard that the generation before does not name.
  std::filesystem::path NewestShard() const {
    return index_->paths().shards() /
           index_->manifest().vector_sets(0).shards(1).file().name();
  }

  testing::TempDir dir_;
  std::unique_ptr<WholeIndex> index_ =
      std::make_unique<WholeIndex>(dir_ / "shared");
  const std::filesystem::path folder_ = dir_ / "cache";
  std::unique_ptr<IndexCache> cache_;
};

}  // namespace vitrine
