// The only file of the product that sees hnswlib: in two translation units it
// fails to link.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wreorder"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <numeric>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/graph.h"
#include "common/vector/codes.h"

namespace vitrine {
namespace {

// Compares rows of codes. hnswlib keeps a copy of each: the codes, and after
// them what the kCodeZero in those of the other adds to a dot product.
class Space : public hnswlib::SpaceInterface<float> {
 public:
  Space(GraphSpace space, const CodedRows& rows) : space_(space), rows_(rows) {
    for (size_t b = 0; b < rows.blocks.size(); ++b) {
      const float step = rows.ranges[b] / kCodeSteps;
      compared_.runs.push_back(
          {static_cast<size_t>(rows.blocks[b].dim),
           space == GraphSpace::kDot ? step * step : step});
      compared_.dim += static_cast<size_t>(rows.blocks[b].dim);
    }
  }
  size_t get_data_size() override { return compared_.dim + sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return space_ == GraphSpace::kDot ? DotDistance : L1Distance;
  }
  void* get_dist_func_param() override { return &compared_; }

  size_t dim() const { return compared_.dim; }
  // A row as hnswlib keeps it.
  std::vector<uint8_t> PointOf(const uint8_t* codes) const {
    std::vector<uint8_t> point(codes, codes + compared_.dim);
    float offset = 0;
    for (const ScaledCodes& run : compared_.runs) {
      int32_t sum = 0;
      for (size_t i = 0; i < run.dim; ++i) sum += int32_t{*codes++} - kCodeZero;
      offset += run.scale * kCodeZero * static_cast<float>(sum);
    }
    point.resize(point.size() + sizeof offset);
    std::memcpy(point.data() + compared_.dim, &offset, sizeof offset);
    return point;
  }
  std::vector<uint8_t> PointOf(const float* vector) const {
    std::vector<uint8_t> codes(compared_.dim);
    EncodeVector(rows_.blocks, rows_.ranges, vector, codes.data());
    return PointOf(codes.data());
  }

 private:
  struct Compared {
    std::vector<ScaledCodes> runs;
    size_t dim = 0;
  };
  static float DotDistance(const void* a, const void* b, const void* how) {
    const auto& compared = *static_cast<const Compared*>(how);
    const auto* x = static_cast<const uint8_t*>(a);
    const auto* y = static_cast<const uint8_t*>(b);
    float offset;
    std::memcpy(&offset, y + compared.dim, sizeof offset);
    return 1 + offset -
           DotOfCodes(x, y, compared.runs.data(), compared.runs.size());
  }
  static float L1Distance(const void* a, const void* b, const void* how) {
    const auto& compared = *static_cast<const Compared*>(how);
    return L1OfCodes(static_cast<const uint8_t*>(a),
                     static_cast<const uint8_t*>(b), compared.runs.data(),
                     compared.runs.size());
  }

  const GraphSpace space_;
  const CodedRows& rows_;
  Compared compared_;
};

using Hnsw = hnswlib::HierarchicalNSW<float>;

// Adds all rows; throws what hnswlib throws.
std::unique_ptr<Hnsw> BuildHnsw(Space* space, const CodedRows& coded,
                                const GraphParams& params) {
  const size_t rows = coded.codes.size() / space->dim();
  auto hnsw =
      std::make_unique<Hnsw>(space, rows, static_cast<size_t>(params.m),
                             static_cast<size_t>(params.ef_construction));
  // Rows are ordered by product, so neighbours in a shard are alike; a graph
  // grows better from rows in random order.
  std::vector<uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  auto add = [&](uint32_t row) {
    const uint8_t* codes = coded.codes.data() + size_t{row} * space->dim();
    hnsw->addPoint(space->PointOf(codes).data(), row);
  };
  if (rows == 0) return hnsw;
  add(order[0]);  // The first point makes the entry; alone, as hnswlib asks.
  std::exception_ptr failure;
  std::mutex failure_mutex;
  constexpr size_t kChunk = 64;
  const auto chunks = static_cast<int>((rows - 1 + kChunk - 1) / kChunk);
  ParallelFor(chunks, params.threads, [&](int chunk) {
    if (params.stop && params.stop()) return;
    try {
      const size_t begin = 1 + static_cast<size_t>(chunk) * kChunk;
      for (size_t i = begin; i < std::min(rows, begin + kChunk); ++i)
        add(order[i]);
    } catch (...) {
      std::lock_guard lock(failure_mutex);
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  return hnsw;
}

absl::Status Failed(const std::exception& e) {
  return absl::InternalError(absl::StrCat("hnswlib failed: ", e.what()));
}

}  // namespace

absl::StatusOr<Graph> BuildGraph(const CodedRows& coded,
                                 const GraphParams& params) {
  try {
    Space space(params.space, coded);
    const std::unique_ptr<Hnsw> hnsw = BuildHnsw(&space, coded, params);
    if (params.stop && params.stop())
      return absl::CancelledError("building a graph was stopped");
    const auto rows = static_cast<uint32_t>(hnsw->cur_element_count);
    Graph graph;
    graph.space = params.space;
    graph.level0_stride = static_cast<uint32_t>(hnsw->maxM0_) + 1;
    graph.upper_stride = static_cast<uint32_t>(hnsw->maxM_) + 1;
    graph.level0.resize(static_cast<size_t>(rows) * graph.level0_stride);
    graph.upper_start.resize(rows + 1);
    if (rows == 0) return graph;
    // hnswlib numbers rows in the order of their insertion.
    std::vector<uint32_t> row_of(rows);
    std::vector<uint32_t> id_of(rows);
    for (uint32_t id = 0; id < rows; ++id) {
      row_of[id] = static_cast<uint32_t>(hnsw->getExternalLabel(id));
      id_of[row_of[id]] = id;
    }
    auto copy = [&](hnswlib::linklistsizeint* from, uint32_t* to) {
      const uint32_t count = hnsw->getListCount(from);
      to[0] = count;
      for (uint32_t i = 0; i < count; ++i) to[1 + i] = row_of[from[1 + i]];
    };
    for (uint32_t row = 0; row < rows; ++row) {
      copy(
          hnsw->get_linklist0(id_of[row]),
          graph.level0.data() + static_cast<size_t>(row) * graph.level0_stride);
      const auto levels =
          static_cast<uint32_t>(hnsw->element_levels_[id_of[row]]);
      graph.upper_start[row + 1] = graph.upper_start[row] + levels;
      for (uint32_t level = 1; level <= levels; ++level) {
        graph.upper.resize(graph.upper.size() + graph.upper_stride);
        copy(hnsw->get_linklist(id_of[row], static_cast<int>(level)),
             graph.upper.data() + graph.upper.size() - graph.upper_stride);
      }
    }
    graph.entry = row_of[hnsw->enterpoint_node_];
    graph.max_level = static_cast<uint32_t>(hnsw->maxlevel_);
    return graph;
  } catch (const std::exception& e) {
    return Failed(e);
  }
}

absl::StatusOr<std::vector<std::vector<uint32_t>>> SearchWithHnswlib(
    const CodedRows& rows, const GraphParams& params,
    std::span<const float> queries, int k, int ef) {
  try {
    Space space(params.space, rows);
    const std::unique_ptr<Hnsw> hnsw = BuildHnsw(&space, rows, params);
    hnsw->setEf(static_cast<size_t>(ef));
    std::vector<std::vector<uint32_t>> answers;
    for (size_t q = 0; q < queries.size(); q += space.dim()) {
      auto nearest = hnsw->searchKnn(space.PointOf(queries.data() + q).data(),
                                     static_cast<size_t>(k));
      std::vector<uint32_t>& answer = answers.emplace_back();
      for (; !nearest.empty(); nearest.pop()) {
        answer.push_back(static_cast<uint32_t>(nearest.top().second));
      }
      std::reverse(answer.begin(), answer.end());
    }
    return answers;
  } catch (const std::exception& e) {
    return Failed(e);
  }
}

}  // namespace vitrine
