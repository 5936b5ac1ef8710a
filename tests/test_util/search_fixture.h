// An index of drawn rows, and searches of it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/index/search.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {

class SearchFixture : public testing::Test {
 protected:
  std::shared_ptr<const Snapshot> Publish() {
    EXPECT_OK(builder_.Publish());
    std::string degraded;
    auto snapshot = Snapshot::OpenNewest(builder_.paths(), nullptr, &degraded);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return *snapshot;
  }

  static std::vector<std::string> Ids(const SearchResult& result) {
    std::vector<std::string> ids;
    for (const SearchHit& hit : result.hits)
      ids.emplace_back(hit.key().product_id);
    return ids;
  }

  // The rows of the products whose id `matches` accepts.
  static RowFilter FilterById(
      const Snapshot& snapshot,
      const std::function<bool(std::string_view product_id)>& matches) {
    RowFilter filter;
    for (const LiveShard& live : snapshot.shards()) {
      Bitmap rows(live.shard->rows());
      for (uint32_t row = 0; row < rows.size(); ++row) {
        if (live.IsLive(row) && matches(live.shard->key(row).product_id)) {
          rows.Set(row);
        }
      }
      filter.Add(std::move(rows));
    }
    return filter;
  }

  TempDir dir_;
  IndexBuilder builder_{dir_.path() / "index", TestBlocks()};
  std::mt19937 random_{11};
};

}  // namespace vitrine
