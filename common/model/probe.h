// Pictures that models are tried with.
#pragma once

#include <cstdint>
#include <vector>

namespace vitrine {

// n × size × size × 3 RGB, the same at each call. They differ in colour, shape
// and texture, so that a vector that depends on its neighbours gives itself
// away.
std::vector<uint8_t> ProbePictures(int n, int size);

// The smallest cosine of pairs of vectors; `a` and `b` have as many, each of
// dim numbers. Two vectors of zeros have 1.
double MinCosine(const std::vector<float>& a, const std::vector<float>& b,
                 int dim);

}  // namespace vitrine
