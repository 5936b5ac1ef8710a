#include "benchmarks/native_hnswlib.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wreorder"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include <algorithm>

#include "common/base/thread_pool.h"

namespace vitrine {

struct NativeHnswlib::Index {
  Index(int dim, size_t rows, int m, int ef_construction)
      : space(static_cast<size_t>(dim)),
        graph(&space, rows, static_cast<size_t>(m),
              static_cast<size_t>(ef_construction)) {}
  hnswlib::InnerProductSpace space;
  hnswlib::HierarchicalNSW<float> graph;
};

NativeHnswlib::NativeHnswlib(std::span<const float> rows, int dim, int m,
                             int ef_construction, int threads) {
  const auto stride = static_cast<size_t>(dim);
  const size_t count = rows.size() / stride;
  index_ = std::make_unique<Index>(dim, count, m, ef_construction);
  index_->graph.addPoint(rows.data(), 0);
  constexpr size_t kChunk = 64;
  const auto chunks = static_cast<int>((count - 1 + kChunk - 1) / kChunk);
  ParallelFor(chunks, threads, [&](int chunk) {
    const size_t begin = 1 + static_cast<size_t>(chunk) * kChunk;
    for (size_t i = begin; i < std::min(count, begin + kChunk); ++i) {
      index_->graph.addPoint(rows.data() + i * stride, i);
    }
  });
}

NativeHnswlib::~NativeHnswlib() = default;

void NativeHnswlib::SetEf(int ef) {
  index_->graph.setEf(static_cast<size_t>(ef));
}

void NativeHnswlib::Search(const float* query, int k,
                           std::vector<uint32_t>* found) const {
  auto nearest = index_->graph.searchKnn(query, static_cast<size_t>(k));
  found->resize(nearest.size());
  for (auto row = found->rbegin(); row != found->rend(); ++row) {
    *row = static_cast<uint32_t>(nearest.top().second);
    nearest.pop();
  }
}

// As saveIndex writes it.
size_t NativeHnswlib::FileBytes() const {
  const auto& graph = index_->graph;
  size_t bytes = 96 + graph.cur_element_count * graph.size_data_per_element_;
  for (size_t i = 0; i < graph.cur_element_count; ++i) {
    bytes += sizeof(unsigned int);
    if (graph.element_levels_[i] > 0) {
      bytes += graph.size_links_per_element_ *
               static_cast<size_t>(graph.element_levels_[i]);
    }
  }
  return bytes;
}

size_t NativeHnswlib::RowBytes() const {
  return index_->graph.size_links_level0_ + index_->graph.data_size_;
}

}  // namespace vitrine
