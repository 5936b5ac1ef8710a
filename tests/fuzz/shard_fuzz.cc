// Shards, flat and with a graph: opened, asked for each row and walked, before
// and after all of them was verified.
#include <cmath>
#include <tuple>
#include <vector>

#include "common/index/comparer.h"
#include "common/index/shard.h"
#include "tests/fuzz/fuzz_input.h"

namespace vitrine {
namespace {

const std::vector<Block>& Blocks() {
  static const auto* const blocks =
      new std::vector<Block>{{"shape", 64, 0.8f}, {"colour", 64, 0.2f}};
  return *blocks;
}

void Ask(const Shard& shard, bool verified) {
  size_t bytes = 0;
  for (uint32_t row = 0; row < shard.rows(); ++row) {
    const RowKey key = shard.key(row);
    bytes += key.product_id.size() + key.image_key.size() + key.sha256.size();
    const auto [first, last] = shard.RowsOf(key.product_id);
    Require(first <= last && last <= shard.rows());
    if (verified) Require(first <= row && row < last);
  }
  Require(bytes <= uint64_t{shard.rows()} * 2 * shard.file().bytes());
  const std::vector<float> query(128, 0.1f);
  for (const Metric metric : {Metric::kCosine, Metric::kManhattan}) {
    const Comparer comparer(Blocks(), query, metric, {});
    for (uint32_t row = 0; row < shard.rows(); ++row) {
      Require(!std::isnan(comparer.Order(shard.vector(row))));
    }
    if (shard.graph() == nullptr) continue;
    const RowDistances distances(comparer, shard);
    for (const bool two_hops : {false, true}) {
      const auto walked = shard.graph()->Search(
          distances, [](uint32_t row) { return row % 2 == 0; },
          {.ef = 10, .two_hops = two_hops});
      for (const auto& one : walked.found) Require(one.row < shard.rows());
    }
  }
}

}  // namespace
}  // namespace vitrine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  const SectionInput input(data, size);
  const auto shard =
      Shard::Open(input.path(), input.ref(), 128, Verification::kStructure);
  if (shard.ok()) Ask(**shard, /*verified=*/false);
  const auto whole = Shard::Open(input.path(), input.ref(), 128);
  if (whole.ok()) Ask(**whole, /*verified=*/true);
  // What verifies at once verifies later, and the other way round.
  Require(whole.ok() == (shard.ok() && (*shard)->Verify(/*stop=*/{}).ok()));
  return 0;
}
