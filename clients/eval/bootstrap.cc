#include "clients/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <unordered_map>

namespace vitrine::eval {
namespace {

// The quantile of sorted numbers, between neighbours by share.
double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = at - static_cast<double>(below);
  return sorted[below] * (1 - share) + sorted[above] * share;
}

}  // namespace

std::vector<Estimate> MeansOverGroups(std::span<const double> values,
                                      int columns, std::span<const int> groups,
                                      uint64_t seed) {
  const auto wide = static_cast<size_t>(columns);
  // Of each group the sums of its columns, and behind them its rows.
  const size_t stride = wide + 1;
  std::unordered_map<int, size_t> index;
  std::vector<double> sums;
  std::vector<double> total(stride);
  for (size_t row = 0; row < groups.size(); ++row) {
    const auto [at, is_new] = index.try_emplace(groups[row], index.size());
    if (is_new) sums.resize(sums.size() + stride);
    double* sum = &sums[at->second * stride];
    for (size_t c = 0; c < wide; ++c) {
      sum[c] += values[row * wide + c];
      total[c] += values[row * wide + c];
    }
    sum[wide] += 1;
    total[wide] += 1;
  }
  std::vector<Estimate> estimates(wide);
  for (size_t c = 0; c < wide; ++c) {
    estimates[c] = {total[c] / total[wide], NAN, NAN};  // 0 / 0 is NaN.
  }
  const size_t drawn = index.size();
  if (drawn < 2) return estimates;

  std::vector<std::vector<double>> means(wide);
  std::mt19937_64 random(seed);
  for (int resample = 0; resample < kResamples; ++resample) {
    std::fill(total.begin(), total.end(), 0.0);
    for (size_t i = 0; i < drawn; ++i) {
      // The standard's distributions differ between libraries; a remainder of
      // 64 bits is even enough.
      const double* sum = &sums[random() % drawn * stride];
      for (size_t c = 0; c < stride; ++c) total[c] += sum[c];
    }
    for (size_t c = 0; c < wide; ++c) {
      means[c].push_back(total[c] / total[wide]);
    }
  }
  for (size_t c = 0; c < wide; ++c) {
    std::sort(means[c].begin(), means[c].end());
    estimates[c].low = Quantile(means[c], 0.025);
    estimates[c].high = Quantile(means[c], 0.975);
  }
  return estimates;
}

}  // namespace vitrine::eval
