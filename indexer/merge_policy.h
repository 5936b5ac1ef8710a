// What to merge next. Pure functions: state in, action out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vitrine {

struct MergeLimits {
  // More flat shards than these are merged, …
  size_t flat_shards = 8;
  // … and so many flat rows become a graph. Where there is a larger one, fewer
  // may; 0 is as many.
  uint64_t graph_rows = 2000;
  uint64_t second_graph_rows = 0;
  // More graphs than these are merged.
  size_t graphs = 4;
  // Shards of which a greater share of the rows is dead are written anew, …
  double dead_share = 0.2;
  // … provided that so many are.
  uint64_t dead_rows = 64;
  // More segments of a table, or packs of pictures, than these are merged, and
  // with them what is at most so many times as large.
  size_t files = 8;
  uint64_t file_ratio = 2;
  // Packs grow up to here.
  uint64_t pack_bytes = 256ull << 20;
  // Merges in the background write no faster, so that the disk is free for
  // fresh pictures; 0 is no limit.
  uint64_t bytes_per_second = 100'000'000;
  // Packs of originals are left alone: rows that show them are on their way.
  bool keep_originals = false;
  // When nothing was published for so long, or something all the time for
  // kQuietAtLast times as long, what has gathered is merged further, as
  // QuietMergeLimits has it; below 0 never. …
  int64_t quiet_ms = 5000;
  // … As long as all that was written is no more than so many times what was
  // published.
  double quiet_amplification = 10;
  // A merge in the background that failed is tried again after so long.
  int64_t retry_ms = 30'000;
};

inline constexpr int kQuietAtLast = 12;

// While many pictures are coming in: merges that would be undone by the next
// thousand wait.
MergeLimits BulkMergeLimits(const MergeLimits& limits);
// While nothing comes in: searches are fastest where all but the largest graph
// are one, and of tables and packs a fifth at most need be dead.
MergeLimits QuietMergeLimits(const MergeLimits& limits);
// When all is in: one flat shard, one segment, one pack at most.
MergeLimits SettledMergeLimits(const MergeLimits& limits);

struct ShardState {
  uint64_t rows = 0;
  uint64_t dead = 0;
  bool has_graph = false;
};

struct ShardMerge {
  std::vector<size_t> inputs;  // Positions in the state, rising.
  bool graph = false;          // What the output is to have.
  bool operator==(const ShardMerge&) const = default;
};

// The next merge of shards; nothing where all is well. Repeated, it comes to an
// end. Sizes of what is merged rise geometrically, so that a row is copied a
// logarithmic number of times.
std::optional<ShardMerge> NextShardMerge(std::span<const ShardState> shards,
                                         const MergeLimits& limits);

// How many of the newest files to merge into one, given their sizes, oldest
// first; 0 where there are at most `max_files`. Older ones are taken in that
// have at most `ratio` times the bytes of what is newer. Files larger than
// `max_file_bytes` are left alone, and with them all older ones.
size_t NewestToMerge(std::span<const uint64_t> bytes, size_t max_files,
                     uint64_t max_file_bytes = UINT64_MAX, uint64_t ratio = 2);

}  // namespace vitrine
