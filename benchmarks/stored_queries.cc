#include "benchmarks/stored_queries.h"

#include <algorithm>

#include "common/vector/half.h"

namespace vitrine {

StoredQueries QueriesOf(const Snapshot& snapshot, size_t n) {
  StoredQueries queries;
  const size_t step = std::max<size_t>(1, snapshot.images() / n);
  size_t live_rows = 0;
  for (const LiveShard& live : snapshot.shards()) {
    for (uint32_t row = 0; row < live.shard->rows(); ++row) {
      if (!live.IsLive(row) || live_rows++ % step != 0) continue;
      std::vector<float> vector(static_cast<size_t>(snapshot.dim()));
      FloatsFromHalves(live.shard->vector(row), vector.size(), vector.data());
      queries.requests.emplace_back()
          .add_examples()
          ->mutable_vector()
          ->mutable_values()
          ->Assign(vector.begin(), vector.end());
      queries.vectors.push_back(std::move(vector));
    }
  }
  return queries;
}

}  // namespace vitrine
