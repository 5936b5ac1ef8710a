// A catalogue of small pictures and an index of it, with a model that needs no
// Torch.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/hash.h"
#include "common/image/image.h"
#include "common/model/fake_embedder.h"
#include "indexer/indexer.h"
#include "indexer/retention.h"
#include "tests/indexing_test_util.h"

namespace vitrine::testing {

// A JPEG whose content depends on `seed` alone.
inline std::string JpegOf(int seed, int size = 48) {
  Image image;
  image.width = image.height = size;
  image.rgb.resize(static_cast<size_t>(size) * size * 3);
  std::mt19937 random(static_cast<uint32_t>(seed));
  const uint32_t base = random();
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    const size_t cell = i / 3 % static_cast<size_t>(size) / 12 +
                        i / 3 / static_cast<size_t>(size) / 12 * 7;
    image.rgb[i] = static_cast<uint8_t>((base >> (i % 3 * 8)) +
                                        cell * (seed % 13 + 1) * 17);
  }
  const auto jpeg = EncodeThumbnail(image);
  EXPECT_TRUE(jpeg.ok()) << jpeg.status();
  return jpeg.value_or("");
}

class IndexerWorld {
 public:
  IndexerWorld() {
    std::filesystem::create_directories(catalog());
    WriteAll(dir_ / "bundle.pt", kFakeBundle);
    options_.catalog.root = catalog();
    options_.index.root = dir_ / "index";
    options_.index.default_model = dir_ / "bundle.pt";
    options_.index.load_embedder = [](const std::filesystem::path& bundle,
                                      const EmbedTrial&,
                                      int) { return LoadEmbedder(bundle); };
    options_.decode_threads = 2;
    options_.batch = 4;
  }

  IndexerOptions& options() { return options_; }
  std::filesystem::path root() const { return dir_.path(); }
  std::filesystem::path catalog() const { return dir_ / "catalog"; }
  IndexPaths paths() const { return IndexPaths{options_.index.root}; }

  void Write(const std::string& path, std::string_view bytes) {
    std::filesystem::create_directories((catalog() / path).parent_path());
    WriteAll(catalog() / path, bytes);
  }
  // Pictures appear whole, and under a time that nothing waits for.
  void Put(const std::string& path, std::string_view bytes) {
    WriteAll(root() / "staged", bytes);
    std::filesystem::create_directories((catalog() / path).parent_path());
    std::filesystem::last_write_time(
        root() / "staged", std::filesystem::file_time_type::clock::now() -
                               std::chrono::seconds(10 + ++age_));
    std::filesystem::rename(root() / "staged", catalog() / path);
  }
  void Put(const std::string& path, int seed) { Put(path, JpegOf(seed)); }
  void Remove(const std::string& path) {
    std::filesystem::remove_all(catalog() / path);
  }

  absl::Status Once() {
    auto indexer = Indexer::Create(options_);
    if (!indexer.ok()) return indexer.status();
    absl::Status status = (*indexer)->RunOnce();
    summary_ = (*indexer)->summary();
    return status;
  }
  const IndexerSummary& summary() const { return summary_; }

  // "product/path" of all that a server would find, with the content's digest.
  std::map<std::string, std::string> Indexed() const {
    return ContentOnDisk(paths());
  }
  std::set<std::string> Products() const {
    std::set<std::string> products;
    Newest()->products().ForEach("",
                                 [&](std::string_view id, std::string_view) {
                                   products.emplace(id);
                                   return true;
                                 });
    return products;
  }
  std::shared_ptr<const Snapshot> Newest() const {
    std::string degraded;
    auto snapshot = Snapshot::OpenNewest(paths(), nullptr, &degraded);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return *snapshot;
  }
  // Files of a folder that the newest generation names.
  std::vector<std::filesystem::path> Named(const std::string& folder) const {
    std::vector<std::filesystem::path> files;
    for (const std::string& file : FilesOf(Newest()->manifest())) {
      if (file.starts_with(folder + "/")) files.push_back(paths().root / file);
    }
    return files;
  }
  std::vector<nlohmann::json> Receipts() const {
    std::vector<nlohmann::json> receipts;
    std::istringstream lines(ReadAll(paths().receipts()));
    for (std::string line; std::getline(lines, line);) {
      receipts.push_back(nlohmann::json::parse(line));
    }
    return receipts;
  }
  // The newest receipt of a picture; null where it has none.
  nlohmann::json ReceiptOf(const std::string& path) const {
    nlohmann::json found;
    for (const nlohmann::json& receipt : Receipts()) {
      if (receipt["path"] == path) found = receipt;
    }
    return found;
  }

 private:
  static absl::StatusOr<std::unique_ptr<Embedder>> LoadEmbedder(
      const std::filesystem::path& bundle) {
    return LoadFakeEmbedder(bundle);
  }

  TempDir dir_;
  IndexerOptions options_;
  IndexerSummary summary_;
  int age_ = 0;
};

// An indexer that follows its catalogue in a thread of its own.
class RunningIndexer {
 public:
  explicit RunningIndexer(IndexerWorld* world) : world_(world) {
    IndexerOptions options = world->options();
    options.on_published = [this](const PublishedBatch&) {
      std::lock_guard lock(mutex_);
      published_.notify_all();
    };
    auto indexer = Indexer::Create(options);
    EXPECT_TRUE(indexer.ok()) << indexer.status();
    indexer_ = *std::move(indexer);
    thread_ = std::thread([this] { status_ = indexer_->Run(); });
  }
  ~RunningIndexer() { EXPECT_TRUE(Stop().ok()) << status_; }

  absl::Status Stop() {
    if (thread_.joinable()) {
      indexer_->Stop();
      thread_.join();
      indexer_.reset();
    }
    return status_;
  }

  // Waits for a publication after which `holds`.
  bool Until(const std::function<bool()>& holds) {
    std::unique_lock lock(mutex_);
    return published_.wait_for(lock, std::chrono::seconds(30), [&] {
      return indexer_->publisher() != nullptr && holds();
    });
  }
  bool UntilProducts(const std::set<std::string>& products) {
    return Until([&] { return world_->Products() == products; });
  }
  Indexer& operator*() { return *indexer_; }

 private:
  IndexerWorld* world_;
  std::mutex mutex_;
  std::condition_variable published_;
  std::unique_ptr<Indexer> indexer_;
  absl::Status status_;
  std::thread thread_;
};

}  // namespace vitrine::testing
