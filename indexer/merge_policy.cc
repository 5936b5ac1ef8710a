#include "indexer/merge_policy.h"

#include <algorithm>
#include <numeric>

namespace vitrine {
namespace {

// Something is merged with what is at most so many times its size.
constexpr uint64_t kRatio = 2;
// To walk through a graph of fewer, beside a larger one, takes as long as to
// scan them.
constexpr uint64_t kLeastGraphRows = 500;

}  // namespace

MergeLimits BulkMergeLimits(const MergeLimits& limits) {
  MergeLimits bulk = limits;
  bulk.flat_shards = std::max<size_t>(bulk.flat_shards, 16);
  bulk.graph_rows = std::max<uint64_t>(bulk.graph_rows, 20'000);
  bulk.files = std::max<size_t>(bulk.files, 16);
  bulk.quiet_ms = -1;
  return bulk;
}

MergeLimits QuietMergeLimits(const MergeLimits& limits) {
  MergeLimits quiet = limits;
  quiet.second_graph_rows = std::min(quiet.graph_rows, kLeastGraphRows);
  quiet.graphs = std::min<size_t>(quiet.graphs, 2);
  quiet.files = std::min<size_t>(quiet.files, 2);
  // What is newer may stand for as much that is older, and dead.
  quiet.file_ratio = 4;
  return quiet;
}

MergeLimits SettledMergeLimits(const MergeLimits& limits) {
  MergeLimits settled = limits;
  settled.flat_shards = 1;
  settled.files = 1;
  return settled;
}

std::optional<ShardMerge> NextShardMerge(std::span<const ShardState> shards,
                                         const MergeLimits& limits) {
  auto live = [&](size_t i) { return shards[i].rows - shards[i].dead; };
  // Largest first.
  std::vector<size_t> flat;
  std::vector<size_t> graphs;
  uint64_t flat_rows = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    (shards[i].has_graph ? graphs : flat).push_back(i);
    if (!shards[i].has_graph) flat_rows += live(i);
  }
  auto larger = [&](size_t a, size_t b) { return live(a) > live(b); };
  std::stable_sort(flat.begin(), flat.end(), larger);
  std::stable_sort(graphs.begin(), graphs.end(), larger);

  auto merge = [&](std::vector<size_t> inputs, bool graph) {
    std::sort(inputs.begin(), inputs.end());
    return ShardMerge{std::move(inputs), graph};
  };

  // Enough fresh rows for a graph, taking in graphs that are not much larger.
  const bool is_second = limits.second_graph_rows > 0 && !graphs.empty() &&
                         live(graphs.front()) > flat_rows;
  const uint64_t graph_rows =
      is_second ? limits.second_graph_rows : limits.graph_rows;
  if (flat_rows >= graph_rows && flat_rows > 0) {
    std::vector<size_t> inputs = flat;
    uint64_t total = flat_rows;
    for (auto it = graphs.rbegin(); it != graphs.rend(); ++it) {
      if (live(*it) > kRatio * total) break;
      inputs.push_back(*it);
      total += live(*it);
    }
    return merge(std::move(inputs), true);
  }

  // Too many graphs: the smallest ones together.
  if (graphs.size() > limits.graphs) {
    std::vector<size_t> inputs;
    uint64_t total = 0;
    while (!graphs.empty() &&
           (inputs.size() < 2 || live(graphs.back()) <= kRatio * total)) {
      inputs.push_back(graphs.back());
      total += live(graphs.back());
      graphs.pop_back();
    }
    return merge(std::move(inputs), true);
  }

  // Mostly dead.
  for (size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].dead >= limits.dead_rows &&
        static_cast<double>(shards[i].dead) >
            limits.dead_share * static_cast<double>(shards[i].rows)) {
      return merge({i},
                   shards[i].has_graph &&
                       live(i) >= std::min(limits.graph_rows, kLeastGraphRows));
    }
  }

  // Too many flat shards: the smaller ones together.
  std::vector<uint64_t> sizes(flat.size());
  std::transform(flat.begin(), flat.end(), sizes.begin(), live);
  if (const size_t n = NewestToMerge(sizes, limits.flat_shards)) {
    return merge({flat.end() - static_cast<ptrdiff_t>(n), flat.end()}, false);
  }
  return std::nullopt;
}

size_t NewestToMerge(std::span<const uint64_t> bytes, size_t max_files,
                     uint64_t max_file_bytes, uint64_t ratio) {
  size_t first = bytes.size();
  while (first > 0 && bytes[first - 1] <= max_file_bytes) --first;
  const std::span<const uint64_t> files = bytes.subspan(first);
  if (files.size() <= max_files || files.size() < 2) return 0;
  size_t n = 2;
  uint64_t total = files[files.size() - 1] + files[files.size() - 2];
  while (n < files.size()) {
    const uint64_t next = files[files.size() - n - 1];
    // A small limit may ask for more than the ratio would.
    if (next > ratio * total && files.size() - n + 1 <= max_files) break;
    if (total + next > max_file_bytes) break;
    total += next;
    ++n;
  }
  return n;
}

}  // namespace vitrine
