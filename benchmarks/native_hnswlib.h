// hnswlib as its authors would run it: its own kernels, built for this machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace vitrine {

class NativeHnswlib {
 public:
  // Builds the graph of n × dim float32 rows for the dot product.
  NativeHnswlib(std::span<const float> rows, int dim, int m,
                int ef_construction, int threads);
  ~NativeHnswlib();

  void SetEf(int ef);
  // The k rows of the greatest dot product, best first.
  void Search(const float* query, int k, std::vector<uint32_t>* found) const;
  // What its file would take.
  size_t FileBytes() const;
  // Of vectors and links of one row that a walk touches.
  size_t RowBytes() const;

 private:
  struct Index;
  std::unique_ptr<Index> index_;
};

}  // namespace vitrine
