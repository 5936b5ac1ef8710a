// How many pictures a second a model embeds here.
#pragma once

#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// On one thread and on `threads`, one picture at a time and eight: the median
// of repeated calls of an embedder that is loaded for this alone, after one
// call that is not counted. One thread is timed by its CPU time, which other
// programs disturb less, several by the clock on the wall. Pictures are noise.
// Takes some seconds.
absl::StatusOr<std::vector<Rate>> MeasureSpeed(
    const std::filesystem::path& model, int threads);

// The median; of an even number the mean of the two in the middle. `values` is
// not empty.
double Median(std::vector<double> values);

}  // namespace vitrine::eval
