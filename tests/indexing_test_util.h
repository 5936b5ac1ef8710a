// What the tests of the indexer share: an index with a model of few numbers,
// and rows of known vectors.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/index/manifest.h"
#include "common/index/snapshot.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"
#include "indexer/index_changes.h"
#include "indexer/publisher.h"
#include "tests/test_util.h"

namespace vitrine::testing {

inline constexpr char kFakeBundle[] = "the bytes of a bundle";

inline ModelCard FakeCard() {
  ModelCard card;
  card.id = ToHex(Sha256(kFakeBundle));
  card.name = "fake";
  card.version = "1";
  card.input_size = 16;
  card.blocks = {{"shape", 64, 0.5f}, {"colour", 64, 0.5f}};
  card.precision = "float32";
  return card;
}

// A unit vector by blocks that depends on `seed` alone.
inline std::vector<uint16_t> FakeVector(const std::string& seed) {
  std::mt19937 random(static_cast<uint32_t>(Checksum(seed)));
  std::normal_distribution<float> normal;
  std::vector<float> values(128);
  for (float& value : values) value = normal(random);
  NormaliseBlocks(FakeCard().blocks, values.data());
  std::vector<uint16_t> halves(values.size());
  HalvesFromFloats(values.data(), values.size(), halves.data());
  return halves;
}

inline Row MakeRow(const std::string& product, const std::string& key,
                   const std::string& content) {
  Row row;
  row.product_id = product;
  row.image_key = key;
  row.sha256 = Sha256(content);
  row.vector = FakeVector(content);
  return row;
}

// An index directory and its publisher.
class TestIndex {
 public:
  explicit TestIndex(PublisherOptions options = {})
      : options_(std::move(options)) {
    paths_.root = dir_ / "index";
    WriteAll(dir_ / "bundle.pt", kFakeBundle);
    SetSettings settings;
    settings.card = FakeCard();
    settings.bundle_path = dir_ / "bundle.pt";
    auto begun = Publisher::Begin(paths_, settings, options_);
    if (!begun.ok()) ADD_FAILURE() << begun.status();
    publisher_ = *std::move(begun);
  }

  absl::Status Reopen() {
    publisher_.reset();
    auto opened = Publisher::Open(paths_, options_);
    if (!opened.ok()) return opened.status();
    publisher_ = *std::move(opened);
    return absl::OkStatus();
  }

  Publisher* publisher() { return publisher_.get(); }
  const IndexPaths& paths() const { return paths_; }
  ChangeSet Changes() const {
    const IndexView view = publisher_->view();
    return ChangeSet(view.snapshot, view.sources);
  }
  uint64_t Publish(const ChangeSet& changes) {
    const auto published = publisher_->Publish(changes.changes());
    EXPECT_TRUE(published.ok()) << published.status();
    return published.ok() ? published->generation : 0;
  }
  // Publishes one picture in a generation of its own.
  uint64_t Put(const std::string& product, const std::string& key,
               const std::string& content) {
    ChangeSet changes = Changes();
    changes.PutImage(MakeRow(product, key, content), "jpeg of " + content);
    storage::SourceFileRecord source;
    source.set_product_id(product);
    changes.PutSource(key, source);
    return Publish(changes);
  }
  uint64_t Remove(const std::string& product, const std::string& key) {
    ChangeSet changes = Changes();
    changes.RemoveImage(product, key);
    changes.RemoveSource(key);
    return Publish(changes);
  }

 private:
  TempDir dir_;
  PublisherOptions options_;
  IndexPaths paths_;
  std::unique_ptr<Publisher> publisher_;
};

// Every live row as "product/key" and its content's digest.
inline std::map<std::string, std::string> RowsIn(const Snapshot& snapshot) {
  std::map<std::string, std::string> rows;
  for (const LiveShard& live : snapshot.shards()) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      const RowKey key = live.shard->key(i);
      std::string name(key.product_id);
      name.append("/").append(key.image_key);
      EXPECT_TRUE(rows.emplace(name, Sha256ToHex(key.sha256)).second)
          << name << " is live twice";
    }
  }
  return rows;
}

// The same. Fails where a row and its product's record disagree.
inline std::map<std::string, std::string> Content(const Snapshot& snapshot) {
  std::map<std::string, std::string> rows = RowsIn(snapshot);
  std::map<std::string, std::string> listed;
  snapshot.products().ForEach(
      "", [&](std::string_view id, std::string_view bytes) {
        storage::ProductRecord product;
        EXPECT_TRUE(product.ParseFromArray(bytes.data(),
                                           static_cast<int>(bytes.size())));
        EXPECT_GT(product.images_size(), 0) << id << " has no picture";
        for (const storage::ImageRecord& image : product.images()) {
          std::string name(id);
          listed[name + "/" + image.key()] = Sha256ToHex(image.sha256());
        }
        return true;
      });
  EXPECT_EQ(rows, listed);
  return rows;
}

// What a server would open, which must verify.
inline std::map<std::string, std::string> ContentOnDisk(
    const IndexPaths& paths) {
  std::string degraded;
  const auto snapshot = Snapshot::OpenNewest(paths, nullptr, &degraded);
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(degraded, "");
  return snapshot.ok() ? Content(**snapshot)
                       : std::map<std::string, std::string>();
}

// The files of an index, relative to it.
inline std::set<std::string> FilesUnder(const std::filesystem::path& root) {
  std::set<std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) {
      files.insert(std::filesystem::relative(entry.path(), root).string());
    }
  }
  return files;
}

}  // namespace vitrine::testing
