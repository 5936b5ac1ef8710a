#include "benchmarks/synthetic_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/report.h"
#include "clients/eval/split.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/search.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"
#include "common/vector/kernels.h"

namespace vitrine {
namespace {

// Of a block's numbers, relative to their root mean square: what two pictures
// of one garment differ in.
constexpr float kNoise = 0.15f;
constexpr size_t kLeastSeeds = 100;
constexpr size_t kLeastQueries = 100;
constexpr int kNeighbours = 100;

// A sender's name, which may be a number.
std::string TextOf(const storage::Attribute& value) {
  return value.kind_case() == storage::Attribute::kNumber
             ? absl::StrCat(value.number())
             : value.text();
}

struct Seed {
  std::vector<float> vector;
  uint32_t product = 0;  // Position in SyntheticRows::products.
};
using Seeds = std::map<std::string, std::vector<Seed>>;

std::string ProductIdOf(size_t row) { return absl::StrFormat("%08d", row + 1); }

// Splits the live rows into those that ask and, by category, those to draw
// from.
absl::Status ReadRows(const Snapshot& snapshot,
                      const std::set<std::string>& senders,
                      SyntheticRows* drawn, Seeds* seeds) {
  for (const LiveShard& live : snapshot.shards()) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      const std::string_view id = live.shard->key(i).product_id;
      VITRINE_ASSIGN_OR_RETURN(const storage::ProductRecord product,
                               snapshot.FindProduct(id));
      const auto sender = product.attributes().find("sender_id");
      const bool asks = sender == product.attributes().end()
                            ? eval::IsHeldOut(id)
                            : senders.contains(TextOf(sender->second));
      std::vector<float> vector(static_cast<size_t>(drawn->dim));
      const uint16_t* halves = live.shard->vector(i);
      FloatsFromHalves(halves, vector.size(), vector.data());
      if (asks) {
        drawn->queries.push_back(std::move(vector));
      } else {
        drawn->real.insert(drawn->real.end(), halves, halves + drawn->dim);
        (*seeds)[product.category()].push_back(
            {std::move(vector), static_cast<uint32_t>(drawn->products.size())});
        drawn->products.push_back(product);
      }
    }
  }
  return absl::OkStatus();
}

// Between `a` and `b` in each block, with noise; normalised.
std::vector<float> Between(const std::vector<Block>& blocks,
                           const std::vector<float>& a,
                           const std::vector<float>& b, std::mt19937* random) {
  std::uniform_real_distribution<float> place(0.2f, 0.8f);
  std::vector<float> drawn(a.size());
  size_t i = 0;
  for (const Block& block : blocks) {
    const float t = place(*random);
    std::normal_distribution<float> noise(
        0, kNoise * std::sqrt(block.weight / static_cast<float>(block.dim)));
    for (const size_t end = i + static_cast<size_t>(block.dim); i < end; ++i) {
      drawn[i] = (1 - t) * a[i] + t * b[i] + noise(*random);
    }
  }
  NormaliseBlocks(blocks, drawn.data());
  return drawn;
}

}  // namespace

absl::StatusOr<SyntheticRows> DrawSyntheticRows(
    const std::filesystem::path& index, const std::filesystem::path& split_file,
    size_t n) {
  SyntheticRows drawn;
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(drawn.source,
                           Snapshot::OpenNewest({index}, nullptr, &degraded));
  const Snapshot& snapshot = *drawn.source;
  VITRINE_ASSIGN_OR_RETURN(const std::set<std::string> senders,
                           eval::ReadValues(split_file, "--split-file"));
  if (MetricOf(snapshot.set()) == Metric::kManhattan) {
    return absl::FailedPreconditionError(
        "the index is for Manhattan; rows are drawn and asked for by cosine");
  }
  drawn.blocks = snapshot.blocks();
  drawn.dim = snapshot.dim();
  Seeds seeds;
  VITRINE_RETURN_IF_ERROR(ReadRows(snapshot, senders, &drawn, &seeds));
  const size_t stride = static_cast<size_t>(drawn.dim);
  if (drawn.real.size() < kLeastSeeds * stride ||
      drawn.queries.size() < kLeastQueries) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the index has ", drawn.real.size() / stride,
        " pictures to draw from and ", drawn.queries.size(),
        " to ask with; it takes ", kLeastSeeds, " and ", kLeastQueries,
        ": index more, or name the senders that ask with --split-file"));
  }
  // A photo of each category as often as the catalogue has them.
  std::vector<std::pair<const std::vector<Seed>*, size_t>> order;
  for (const auto& [category, alike] : seeds) {
    for (size_t i = 0; i < alike.size(); ++i) order.push_back({&alike, i});
  }
  std::mt19937 random(1);
  drawn.rows.resize(n * stride);
  for (size_t row = 0; row < n; ++row) {
    const auto& [alike, first] = order[random() % order.size()];
    const std::vector<float> vector =
        Between(drawn.blocks, (*alike)[first].vector,
                (*alike)[random() % alike->size()].vector, &random);
    drawn.product_of.push_back((*alike)[first].product);
    HalvesFromFloats(vector.data(), stride, drawn.rows.data() + row * stride);
  }
  return drawn;
}

TableChanges ProductsOf(const SyntheticRows& drawn) {
  TableChanges products;
  for (size_t row = 0; row < drawn.product_of.size(); ++row) {
    storage::ProductRecord product = drawn.products[drawn.product_of[row]];
    product.clear_images();
    std::string id = ProductIdOf(row);
    const Sha256Digest sha256 = Sha256(id);
    product.add_images()->set_sha256(sha256.data(), sha256.size());
    products[std::move(id)] = product.SerializeAsString();
  }
  return products;
}

std::vector<Row> RowsOf(const SyntheticRows& drawn) {
  std::vector<Row> rows;
  rows.reserve(drawn.product_of.size());
  const auto stride = static_cast<ptrdiff_t>(drawn.dim);
  for (auto at = drawn.rows.begin(); at != drawn.rows.end(); at += stride) {
    Row& row = rows.emplace_back();
    row.product_id = ProductIdOf(rows.size() - 1);
    row.sha256 = Sha256(row.product_id);
    row.vector.assign(at, at + stride);
  }
  return rows;
}

Neighbourhood NeighbourhoodOf(std::span<const uint16_t> rows, int dim,
                              const std::vector<std::vector<float>>& queries) {
  const auto stride = static_cast<size_t>(dim);
  const size_t count = rows.size() / stride;
  const size_t k = std::min<size_t>(kNeighbours, count);
  std::vector<double> tenths, dims;
  std::vector<float> distances(count);
  for (const std::vector<float>& query : queries) {
    for (size_t row = 0; row < count; ++row) {
      distances[row] =
          1 - DotHalf(query.data(), rows.data() + row * stride, stride);
    }
    std::partial_sort(distances.begin(),
                      distances.begin() + static_cast<std::ptrdiff_t>(k),
                      distances.end());
    tenths.push_back(distances[std::min<size_t>(9, k - 1)]);
    // Of Euclidean distances, which are the roots of twice these.
    double sum = 0;
    for (size_t i = 0; i + 1 < k; ++i) {
      sum += 0.5 * std::log(std::max(distances[k - 1], 1e-6f) /
                            std::max(distances[i], 1e-6f));
    }
    dims.push_back(sum > 0 ? static_cast<double>(k - 1) / sum : 0);
  }
  return {Median(std::move(tenths)), Median(std::move(dims))};
}

}  // namespace vitrine
