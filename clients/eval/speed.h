// How many pictures a second models embed here.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "clients/eval/results.h"
#include "common/model/embedder.h"

namespace vitrine::eval {

using LoadEmbedder = std::function<absl::StatusOr<std::unique_ptr<Embedder>>(
    const std::filesystem::path& model, int threads)>;

struct SpeedPlan {
  int rounds = 3;
  // Of each batch in a round, at least.
  size_t calls = 2;
  double seconds = 0.5;
};

// On one thread and on `threads`, one picture at a time and eight: the median
// of the calls of all rounds. The models take turns in each round, so that a
// moment in which the machine is busy falls on all of them; a turn begins with
// a call that is not counted. One thread is timed by the CPU time of the
// process, which other programs disturb less and which the models that wait for
// their turn do not use; several by the clock on the wall. Pictures are noise.
// All models are in memory at once, loaded anew for each number of threads.
// rates[i] are those of models[i]. Takes some seconds a model.
absl::StatusOr<std::vector<std::vector<Rate>>> MeasureSpeed(
    const std::vector<std::filesystem::path>& models, int threads,
    const LoadEmbedder& load, cli::Progress* progress,
    const SpeedPlan& plan = {});

// The median; of an even number the mean of the two in the middle. `values` is
// not empty.
double Median(std::vector<double> values);

}  // namespace vitrine::eval
