#include "clients/eval/speed.h"

#include <time.h>

#include <algorithm>
#include <random>

#include "common/base/status.h"
#include "common/model/embedder.h"

namespace vitrine::eval {
namespace {

constexpr int kBatches[] = {1, 8};
constexpr int kMinRepeats = 5;
constexpr double kSeconds = 1.5;  // of repeats, at least

double Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

absl::StatusOr<double> PicturesPerSecond(Embedder& embedder, int batch,
                                         clockid_t clock) {
  const ModelCard& card = embedder.card();
  std::mt19937_64 random(1);
  std::vector<uint8_t> pixels(static_cast<size_t>(batch) * card.input_size *
                              card.input_size * 3);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random());
  std::vector<float> out(static_cast<size_t>(batch) * card.dim());
  VITRINE_RETURN_IF_ERROR(embedder.Embed(pixels.data(), batch, out.data()));
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < kMinRepeats || total < kSeconds) {
    const double before = Now(clock);
    VITRINE_RETURN_IF_ERROR(embedder.Embed(pixels.data(), batch, out.data()));
    seconds.push_back(Now(clock) - before);
    total += seconds.back();
  }
  return batch / Median(std::move(seconds));
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

absl::StatusOr<std::vector<Rate>> MeasureSpeed(
    const std::filesystem::path& model, int threads) {
  std::vector<Rate> rates;
  for (int used : {1, threads}) {
    if (used == 1 && !rates.empty()) break;
    VITRINE_ASSIGN_OR_RETURN(const std::unique_ptr<Embedder> embedder,
                             LoadTorchEmbedder(model, used));
    for (int batch : kBatches) {
      VITRINE_ASSIGN_OR_RETURN(
          const double rate,
          PicturesPerSecond(
              *embedder, batch,
              used == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC));
      rates.push_back({used, batch, rate});
    }
  }
  return rates;
}

}  // namespace vitrine::eval
