#include "tests/hnswlib_graph.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wreorder"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>

#include "common/vector/code_kernels.h"

namespace vitrine {
namespace {

using Hnsw = hnswlib::HierarchicalNSW<float>;

class Space : public hnswlib::SpaceInterface<float> {
 public:
  Space(GraphSpace space, const CodedRows& rows) : rows_(rows) {
    compared_.is_dot = space == GraphSpace::kDot;
    for (size_t b = 0; b < rows.blocks.size(); ++b) {
      const float step = rows.ranges[b] / kCodeSteps;
      compared_.dims.push_back(static_cast<size_t>(rows.blocks[b].dim));
      compared_.scales.push_back(compared_.is_dot ? step * step : step);
    }
  }
  size_t get_data_size() override {
    return std::accumulate(compared_.dims.begin(), compared_.dims.end(),
                           size_t{0});
  }
  hnswlib::DISTFUNC<float> get_dist_func() override { return Distance; }
  void* get_dist_func_param() override { return &compared_; }
  size_t rows() { return rows_.codes.size() / get_data_size(); }

 private:
  struct Compared {
    bool is_dot;
    std::vector<size_t> dims;
    std::vector<float> scales;
  };
  static float Distance(const void* a, const void* b, const void* how) {
    const auto& compared = *static_cast<const Compared*>(how);
    const auto* x = static_cast<const uint8_t*>(a);
    const auto* y = static_cast<const uint8_t*>(b);
    float distance = 0;
    for (size_t r = 0; r < compared.dims.size(); ++r) {
      int32_t sum = 0;
      for (size_t i = 0; i < compared.dims[r]; ++i, ++x, ++y) {
        sum += compared.is_dot ? -(*x - kCodeZero) * (*y - kCodeZero)
                               : std::abs(*x - *y);
      }
      distance += compared.scales[r] * static_cast<float>(sum);
    }
    return distance;
  }

  const CodedRows& rows_;
  Compared compared_;
};

std::unique_ptr<Hnsw> Build(Space* space, const CodedRows& rows,
                            const GraphParams& params) {
  auto hnsw = std::make_unique<Hnsw>(
      space, space->rows(), static_cast<size_t>(params.m),
      static_cast<size_t>(params.ef_construction));
  std::vector<uint32_t> order(space->rows());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  for (const uint32_t row : order) {
    hnsw->addPoint(rows.codes.data() + row * space->get_data_size(), row);
  }
  return hnsw;
}

}  // namespace

Graph BuildWithHnswlib(const CodedRows& rows, const GraphParams& params) {
  Space space(params.space, rows);
  const std::unique_ptr<Hnsw> hnsw = Build(&space, rows, params);
  const auto row_of = [&](hnswlib::tableint id) {
    return static_cast<uint32_t>(hnsw->getExternalLabel(id));
  };
  Graph graph;
  graph.space = params.space;
  graph.level0_stride = static_cast<uint32_t>(hnsw->maxM0_) + 1;
  graph.upper_stride = static_cast<uint32_t>(hnsw->maxM_) + 1;
  graph.entry = row_of(hnsw->enterpoint_node_);
  graph.max_level = static_cast<uint32_t>(hnsw->maxlevel_);
  // hnswlib numbers rows in the order of their insertion.
  std::vector<hnswlib::tableint> id_of(hnsw->cur_element_count);
  for (hnswlib::tableint id = 0; id < id_of.size(); ++id)
    id_of[row_of(id)] = id;
  const auto append = [&](hnswlib::linklistsizeint* links, size_t stride,
                          std::vector<uint32_t>* to) {
    const size_t begin = to->size();
    to->resize(begin + stride);
    const uint32_t count = hnsw->getListCount(links);
    (*to)[begin] = count;
    for (uint32_t i = 1; i <= count; ++i) (*to)[begin + i] = row_of(links[i]);
  };
  graph.upper_start.push_back(0);
  for (const hnswlib::tableint id : id_of) {
    append(hnsw->get_linklist0(id), graph.level0_stride, &graph.level0);
    const int levels = hnsw->element_levels_[id];
    for (int level = 1; level <= levels; ++level)
      append(hnsw->get_linklist(id, level), graph.upper_stride, &graph.upper);
    graph.upper_start.push_back(graph.upper_start.back() +
                                static_cast<uint32_t>(levels));
  }
  return graph;
}

std::vector<std::vector<uint32_t>> SearchWithHnswlib(
    const CodedRows& rows, const GraphParams& params,
    std::span<const float> queries, int k, int ef) {
  Space space(params.space, rows);
  const std::unique_ptr<Hnsw> hnsw = Build(&space, rows, params);
  hnsw->setEf(static_cast<size_t>(ef));
  std::vector<std::vector<uint32_t>> answers;
  std::vector<uint8_t> codes(space.get_data_size());
  for (size_t q = 0; q < queries.size(); q += codes.size()) {
    EncodeVector(rows.blocks, rows.ranges, queries.data() + q, codes.data());
    auto found = hnsw->searchKnn(codes.data(), static_cast<size_t>(k));
    std::vector<uint32_t>& answer = answers.emplace_back();
    for (; !found.empty(); found.pop())
      answer.push_back(static_cast<uint32_t>(found.top().second));
    std::reverse(answer.begin(), answer.end());
  }
  return answers;
}

}  // namespace vitrine
