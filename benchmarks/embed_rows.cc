#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/embedder.h"

namespace vitrine {
namespace {

constexpr int kPictures = 16;

struct Side {
  const char* name;
  std::unique_ptr<Embedder> embedder;
  std::vector<double> seconds = {};
};

}  // namespace

absl::Status RunEmbedRows(const BenchOptions& options, Report* report) {
  std::vector<Side> sides;
  for (const auto& [name, variant] :
       {std::pair("frozen", EmbedVariant::kFrozen),
        std::pair("optimize_for_inference", EmbedVariant::kOptimized),
        std::pair("channels-last", EmbedVariant::kChannelsLast)}) {
    VITRINE_ASSIGN_OR_RETURN(
        auto embedder,
        LoadTorchEmbedder(options.model, AvailableCores(), variant));
    sides.push_back({name, std::move(embedder)});
  }
  const ModelCard& card = sides[0].embedder->card();
  const auto side = static_cast<size_t>(card.input_size);
  std::vector<uint8_t> pixels(kPictures * side * side * 3);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  }
  std::vector<float> vectors(kPictures * static_cast<size_t>(card.dim()));
  absl::Status status;
  // In turn, so that what else the machine does falls on all of them.
  for (int i = -1; i < options.repetitions; ++i) {
    for (Side& s : sides) {
      const double seconds = TimeSeconds([&] {
        status.Update(
            s.embedder->Embed(pixels.data(), kPictures, vectors.data()));
      });
      if (i >= 0) s.seconds.push_back(seconds);
    }
  }
  VITRINE_RETURN_IF_ERROR(status);
  const double plain = Median(sides[0].seconds);
  for (const Side& s : sides) {
    const double median = Median(s.seconds);
    report->Add({.name = absl::StrCat("embed_", s.name),
                 .value = kPictures / median,
                 .unit = "pictures/s",
                 .against = "the plain frozen module",
                 .ratio = plain / median});
  }
  return absl::OkStatus();
}

}  // namespace vitrine
