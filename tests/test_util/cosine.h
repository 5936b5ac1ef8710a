// How alike two vectors are, whatever their lengths.
#pragma once

#include <cmath>
#include <cstddef>

namespace vitrine::testing {

inline double Cosine(const float* a, const float* b, size_t dim) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < dim; ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace vitrine::testing
