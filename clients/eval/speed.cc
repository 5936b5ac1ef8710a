#include "clients/eval/speed.h"

#include <time.h>

#include <algorithm>
#include <random>
#include <utility>

#include "common/base/status.h"

namespace vitrine::eval {
namespace {

constexpr int kBatches[] = {1, 8};

double Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// A turn: adds the seconds of some calls.
absl::Status TimeCalls(Embedder& embedder, int batch, clockid_t clock,
                       const SpeedPlan& plan, std::vector<double>& seconds) {
  const ModelCard& card = embedder.card();
  std::mt19937_64 random(1);
  std::vector<uint8_t> pixels(static_cast<size_t>(batch) * card.input_size *
                              card.input_size * 3);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random());
  std::vector<float> out(static_cast<size_t>(batch) * card.dim());
  VITRINE_RETURN_IF_ERROR(embedder.Embed(pixels.data(), batch, out.data()));
  double total = 0;
  for (size_t calls = 0; calls < plan.calls || total < plan.seconds; ++calls) {
    const double before = Now(clock);
    VITRINE_RETURN_IF_ERROR(embedder.Embed(pixels.data(), batch, out.data()));
    seconds.push_back(Now(clock) - before);
    total += seconds.back();
  }
  return absl::OkStatus();
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

absl::StatusOr<std::vector<std::vector<Rate>>> MeasureSpeed(
    const std::vector<std::filesystem::path>& models, int threads,
    const LoadEmbedder& load, cli::Progress* progress, const SpeedPlan& plan) {
  std::vector<std::vector<Rate>> rates(models.size());
  int64_t turns = 0;
  const std::vector<int> counts =
      threads == 1 ? std::vector<int>{1} : std::vector<int>{1, threads};
  for (int used : counts) {
    std::vector<std::unique_ptr<Embedder>> embedders;
    for (const std::filesystem::path& model : models) {
      VITRINE_ASSIGN_OR_RETURN(std::unique_ptr<Embedder> embedder,
                               load(model, used));
      embedders.push_back(std::move(embedder));
    }
    const clockid_t clock =
        used == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    // [model][batch]
    std::vector<std::vector<std::vector<double>>> seconds(
        models.size(), std::vector<std::vector<double>>(std::size(kBatches)));
    for (int round = 0; round < plan.rounds; ++round) {
      for (size_t i = 0; i < models.size(); ++i) {
        for (size_t b = 0; b < std::size(kBatches); ++b) {
          VITRINE_RETURN_IF_ERROR(TimeCalls(*embedders[i], kBatches[b], clock,
                                            plan, seconds[i][b]));
        }
        ++turns;
        if (progress != nullptr) progress->Update(turns, 0);
      }
    }
    for (size_t i = 0; i < models.size(); ++i) {
      for (size_t b = 0; b < std::size(kBatches); ++b) {
        rates[i].push_back({used, kBatches[b],
                            kBatches[b] / Median(std::move(seconds[i][b]))});
      }
    }
  }
  return rates;
}

}  // namespace vitrine::eval
