#include "common/model/probe.h"

#include <cmath>
#include <cstddef>

namespace vitrine {
namespace {

double Cosine(const float* a, const float* b, int dim) {
  double ab = 0, aa = 0, bb = 0;
  for (int i = 0; i < dim; ++i) {
    ab += double(a[i]) * b[i];
    aa += double(a[i]) * a[i];
    bb += double(b[i]) * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : aa == bb;
}

}  // namespace

std::vector<uint8_t> ProbePictures(int n, int size) {
  std::vector<uint8_t> pixels;
  pixels.reserve(size_t(n) * size * size * 3);
  for (int i = 0; i < n; ++i) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        double dx = 2.0 * x / size - 1, dy = 2.0 * y / size - 1;
        bool inside = dx * dx * (1 + i) + dy * dy < 0.6;
        int stripe = (x * (i + 1) / 8 + y * i / 8) % 2 * 40;
        pixels.push_back(uint8_t(inside ? 60 + 45 * i + stripe : 240));
        pixels.push_back(uint8_t(inside ? 190 - 40 * i : 235 - stripe / 8));
        pixels.push_back(uint8_t(inside ? 255 * y / size : 230));
      }
    }
  }
  return pixels;
}

double MinCosine(const std::vector<float>& a, const std::vector<float>& b,
                 int dim) {
  double min = 1;
  for (size_t i = 0; i < a.size(); i += static_cast<size_t>(dim)) {
    const double cosine = Cosine(&a[i], &b[i], dim);
    if (!(cosine >= min)) min = cosine;  // One that is no number, too.
  }
  return min;
}

}  // namespace vitrine
