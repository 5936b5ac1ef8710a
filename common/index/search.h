// Finding the rows of a snapshot that are most similar to a query.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/index/snapshot.h"

namespace vitrine {

enum class Metric { kCosine, kEuclidean, kManhattan };

// The metric that the serving set was built for.
Metric MetricOf(const storage::VectorSet& set);

// The default number of candidates of a graph walk, where `k` fit into it: at
// least kDefaultEf, and up to kMostDefaultEf as many as were measured to keep
// kDefaultRecall. More takes a request that says so, by ef or min_recall.
inline constexpr int kDefaultEf = 64;
inline constexpr int kMostDefaultEf = 512;
inline constexpr double kDefaultRecall = 0.98;
inline constexpr uint32_t kLongScan = 10'000;  // More take a millisecond or so.

// At most `limit` hits with one value of an attribute, or of the products' own
// "category" or "product_id". Each value of a list counts; a product without
// the attribute is never one too many.
struct DiversityLimit {
  std::string attribute;
  int limit = 1;
};

struct SearchParams {
  int k = 10;
  int offset = 0;
  float min_score = 0;
  bool group_by_product = true;
  Metric metric = Metric::kCosine;
  bool exact = false;
  // Compares every row that matches, at first by its code where it has one:
  // what `exact` finds, several times as fast.
  bool scan = false;
  // 0 chooses; see kDefaultEf. Of several graphs, what is among the ef nearest
  // of all.
  int ef = 0;
  // Walks only where that is known to find this share of the right hits, with
  // the ef that does. 0 asks for none.
  double min_recall = 0;
  std::vector<float> emphasis =
      {};  // One a block, at least one positive; empty
           // leaves the blocks' weights as they are.
  absl::flat_hash_set<std::string_view> excluded_products = {};
  const RowFilter* filter = nullptr;  // Null is every live row.
  // A hit that comes first in any case; null for none. Its product, or its row
  // where products are not grouped, comes no second time.
  const struct SearchHit* first = nullptr;
  // Asked before a scan of more than kLongScan rows, and before a search looks
  // further because too few of the nearest rows were hits. It then fails with
  // CANCELLED.
  StopRequested stop = {};
  // Leaves out pictures that are nearly identical to a better hit.
  bool collapse_near_duplicates = false;
  std::vector<DiversityLimit> diversity = {};
};

// A row of a shard that the snapshot owns.
struct RowRef {
  const Shard* shard = nullptr;
  uint32_t row = 0;
};

struct SearchHit {
  const Shard* shard = nullptr;  // Owned by the snapshot.
  uint32_t row = 0;
  float score = 0;     // 0 to 1.
  float distance = 0;  // For cosine 1 - similarity.
  std::vector<float> block_cosines;
  std::vector<RowRef> near_duplicates;  // That were left out for it.

  RowKey key() const { return shard->key(row); }
};

struct SearchResult {
  enum class Plan { kExactScan, kGraphWalk, kFilteredScan, kFilteredWalk };
  enum class RecallBasis { kScanned, kMeasured, kUnmeasured };
  std::vector<SearchHit>
      hits;  // Best first; ties by product id, then image key.
  Plan plan = Plan::kExactScan;
  int ef = 0;
  int64_t rows_visited = 0;
  int64_t rows_matching = 0;
  RecallBasis recall_basis = RecallBasis::kScanned;
  // The share of the right hits that such queries find, see recall.h, by where
  // the hits lie; 1 for scans, 0 where it was not measured.
  double recall = 1;
};

// `query` has dim numbers, normalised by blocks. Takes no lock; thread-safe.
// INVALID_ARGUMENT for a k, offset, ef, min_recall or emphasis out of range.
// CANCELLED where it had to stop.
absl::StatusOr<SearchResult> Search(const Snapshot& snapshot,
                                    std::span<const float> query,
                                    const SearchParams& params);

struct SearchQuery {
  std::span<const float> vector;
  const SearchParams* params;
};

// Answers each query as Search does, in the calling thread. Queries that
// compare all rows of a shard, or all that pass the same RowFilter, share the
// reading of them. One that is refused spoils no other.
std::vector<absl::StatusOr<SearchResult>> SearchBatch(
    const Snapshot& snapshot, std::span<const SearchQuery> queries);

}  // namespace vitrine
