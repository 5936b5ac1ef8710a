// Random numbers that are the same on every machine: the distributions of the
// standard library are each implementation's own, so these are ours.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>

namespace vitrine {

// Not thread-safe; cheap enough to make one for each thing that is drawn.
class Random {
 public:
  // The generator number `stream` of the thing `id` in the series `seed`. Equal
  // arguments give equal numbers; others are unrelated.
  Random(uint64_t seed, uint64_t id, uint64_t stream);

  // Uniform in [0, 1) and in [low, high).
  double Unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double Uniform(double low, double high) {
    return low + (high - low) * Unit();
  }
  // Uniform among low … high, both included.
  int Int(int low, int high) {
    return low + static_cast<int>(Unit() * (high - low + 1));
  }
  bool Chance(double probability) { return Unit() < probability; }
  // 0 … weights.size() - 1, each as often as its weight says.
  int Weighted(std::span<const double> weights);
  int Weighted(std::initializer_list<double> weights) {
    return Weighted(std::span(weights.begin(), weights.size()));
  }
  template <typename T>
  T Pick(std::initializer_list<T> values) {
    return values.begin()[Int(0, static_cast<int>(values.size()) - 1)];
  }
  template <typename T, size_t extent>
  const T& Pick(std::span<const T, extent> values) {
    return values[Int(0, static_cast<int>(values.size()) - 1)];
  }
  // -1 or 1.
  int Sign() { return Chance(0.5) ? 1 : -1; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace vitrine
