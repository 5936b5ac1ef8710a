// All that an index says, whatever files it lies in: two indexes of one
// catalogue are equal if and only if these are.
#pragma once

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/hash.h"
#include "tests/indexing_test_util.h"

namespace vitrine::testing {

// "row PRODUCT/KEY", "product ID", "source KEY", "thumbnail DIGEST" and
// "original DIGEST", with what is said of each. The newest generation must
// open, and all of it verify. A real model's vectors differ in their last bits
// by what went through it together: without `vectors` they are left out.
inline std::map<std::string, std::string> DigestOf(const IndexPaths& paths,
                                                   bool vectors = true) {
  std::map<std::string, std::string> digest;
  std::string degraded;
  const auto opened = Snapshot::OpenNewest(paths, nullptr, &degraded);
  EXPECT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(degraded, "");
  if (!opened.ok()) return digest;
  const Snapshot& snapshot = **opened;
  Content(snapshot);  // No row twice, and no record without its rows.
  std::set<std::string> shown;
  for (const LiveShard& live : snapshot.shards()) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      const RowKey key = live.shard->key(i);
      std::string name(key.product_id);
      name.append("/").append(key.image_key);
      const std::string_view vector(
          reinterpret_cast<const char*>(live.shard->vector(i)),
          static_cast<size_t>(live.shard->dim()) * sizeof(uint16_t));
      digest["row " + name] = Sha256ToHex(key.sha256) + " " +
                              (vectors ? std::to_string(Checksum(vector)) : "");
      shown.emplace(key.sha256);
      digest["thumbnail " + Sha256ToHex(key.sha256)] =
          std::to_string(Checksum(snapshot.FindThumbnail(key.sha256)));
    }
  }
  snapshot.products().ForEach(
      "", [&](std::string_view id, std::string_view bytes) {
        storage::ProductRecord product;
        EXPECT_TRUE(product.ParseFromString(std::string(bytes)));
        std::sort(
            product.mutable_images()->begin(), product.mutable_images()->end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
        digest["product " + std::string(id)] = product.ShortDebugString();
        return true;
      });
  std::vector<std::shared_ptr<const TableSegment>> segments;
  for (const storage::FileRef& ref : snapshot.manifest().source_segments()) {
    const auto segment = TableSegment::Open(paths.sources() / ref.name(), ref);
    EXPECT_TRUE(segment.ok()) << segment.status();
    if (segment.ok()) segments.push_back(*segment);
  }
  Table(segments).ForEach(
      "", [&](std::string_view key, std::string_view bytes) {
        const auto queued = ParseQueuedKey(key);
        std::string& said = digest["source " + std::string(key)];
        if (queued && !queued->image_key) {
          storage::QueuedProductRecord record;
          EXPECT_TRUE(record.ParseFromString(std::string(bytes)));
          // When it was deleted differs; that it was does not.
          if (record.absent_unix_ms() != 0) record.set_absent_unix_ms(1);
          said = record.ShortDebugString();
        } else {
          storage::SourceFileRecord record;
          EXPECT_TRUE(record.ParseFromString(std::string(bytes)));
          said = record.ShortDebugString();
        }
        return true;
      });
  for (const storage::FileRef& ref : snapshot.manifest().original_packs()) {
    const auto pack = PicturePack::Open(paths.pictures() / ref.name(), ref);
    EXPECT_TRUE(pack.ok()) << pack.status();
    if (!pack.ok()) continue;
    for (uint32_t i = 0; i < (*pack)->size(); ++i) {
      const auto [sha256, bytes] = (*pack)->entry(i);
      EXPECT_EQ(Sha256(bytes), sha256);
      // Which of those that nobody shows are still there depends on merges.
      const std::string name(reinterpret_cast<const char*>(sha256.data()),
                             sha256.size());
      if (shown.contains(name)) digest["original " + ToHex(sha256)] = "kept";
    }
  }
  return digest;
}

}  // namespace vitrine::testing
