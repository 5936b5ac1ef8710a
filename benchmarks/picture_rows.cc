// Searches with pictures against decoding them and embedding them, each alone.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/catalog_pictures.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/served_index.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/image/image.h"
#include "common/index/snapshot.h"
#include "common/model/embedder.h"

namespace vitrine {
namespace {

constexpr size_t kPictures = 256;
constexpr size_t kPicturesQuickly = 96;
constexpr size_t kAtATime = 16;
// One after the other, in a run.
constexpr size_t kLone = 32;

// What a server does with a picture but for the search, step by step, with as
// many threads.
class Parts {
 public:
  static absl::StatusOr<std::unique_ptr<Parts>> Make(
      const std::filesystem::path& bundle, std::vector<std::string> pictures) {
    std::unique_ptr<Parts> parts(new Parts());
    parts->pictures_ = std::move(pictures);
    VITRINE_ASSIGN_OR_RETURN(parts->embedder_,
                             LoadTorchEmbedder(bundle, AvailableCores()));
    const auto side = static_cast<size_t>(parts->card().input_size);
    parts->stride_ = side * side * 3;
    parts->pixels_.resize(parts->pictures_.size() * parts->stride_);
    return parts;
  }

  // Seconds of decoding all, on all cores.
  double DecodeAll() {
    return TimeSeconds([&] {
      ParallelFor(static_cast<int>(pictures_.size()), AvailableCores(),
                  [&](int i) { Decode(static_cast<size_t>(i)); });
    });
  }

  // Seconds of embedding all that is decoded, by batches as large as a server's
  // can be.
  absl::StatusOr<double> EmbedAll() {
    const auto batch =
        static_cast<size_t>(std::max(8, embedder_->preferred_batch()));
    absl::Status status;
    const double seconds = TimeSeconds([&] {
      for (size_t i = 0; i < pictures_.size(); i += batch) {
        status.Update(Embed(i, std::min(batch, pictures_.size() - i)));
      }
    });
    VITRINE_RETURN_IF_ERROR(status);
    return seconds;
  }

  // Seconds of decoding and embedding one.
  absl::StatusOr<double> Lone(size_t i) {
    absl::Status status;
    const double seconds = TimeSeconds([&] {
      Decode(i);
      status = Embed(i, 1);
    });
    VITRINE_RETURN_IF_ERROR(status);
    return seconds;
  }

 private:
  Parts() = default;
  const ModelCard& card() const { return embedder_->card(); }

  void Decode(size_t i) {
    const auto image =
        DecodeImage(pictures_[i], {}, DecodeMinSide(card().input_size));
    if (!image.ok()) return;
    const std::vector<uint8_t> square =
        SquareImage(*image, card().resize, card().input_size);
    std::copy(square.begin(), square.end(),
              pixels_.begin() + static_cast<std::ptrdiff_t>(i * stride_));
  }
  absl::Status Embed(size_t first, size_t n) {
    std::vector<float> vectors(n * static_cast<size_t>(card().dim()));
    return embedder_->Embed(pixels_.data() + first * stride_,
                            static_cast<int>(n), vectors.data());
  }

  std::unique_ptr<Embedder> embedder_;
  std::vector<std::string> pictures_;
  size_t stride_ = 0;
  std::vector<uint8_t> pixels_;  // n × input_size × input_size × 3.
};

}  // namespace

absl::Status RunPictureRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      std::vector<std::string> pictures,
      DifferentPictures(options.catalog,
                        options.quick ? kPicturesQuickly : kPictures));
  if (pictures.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.catalog.string(), " holds no picture that can be decoded"));
  }
  std::vector<v1::SearchRequest> requests;
  for (const std::string& picture : pictures) {
    requests.emplace_back().add_examples()->mutable_image()->set_content(
        picture);
  }
  const IndexPaths paths{options.index};
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(const auto snapshot,
                           Snapshot::OpenNewest(paths, nullptr, &degraded));
  VITRINE_ASSIGN_OR_RETURN(
      const auto parts,
      Parts::Make(paths.model(snapshot->set().model()), std::move(pictures)));
  VITRINE_ASSIGN_OR_RETURN(const auto server,
                           ServedIndex::Start(options.index));
  const size_t n = requests.size();
  // Pictures a second, and milliseconds of one.
  std::vector<double> together, decode, embed, call, work;
  for (int run = -1; run < options.repetitions; ++run) {
    VITRINE_ASSIGN_OR_RETURN(const double rate,
                             UnaryRate(server->stub(), requests, n, kAtATime));
    const double decode_s = parts->DecodeAll();
    VITRINE_ASSIGN_OR_RETURN(const double embed_s, parts->EmbedAll());
    if (run < 0) continue;  // Until all are warm.
    together.push_back(rate);
    decode.push_back(static_cast<double>(n) / decode_s);
    embed.push_back(static_cast<double>(n) / embed_s);
    for (size_t i = 0; i < std::min(kLone, n); ++i) {
      VITRINE_ASSIGN_OR_RETURN(const double lone_rate,
                               UnaryRate(server->stub(), {requests[i]}, 1, 1));
      VITRINE_ASSIGN_OR_RETURN(const double lone_s, parts->Lone(i));
      call.push_back(1000 / lone_rate);
      work.push_back(1000 * lone_s);
    }
  }
  report->Add(
      {.name = "image_batch_vs_parts",
       .value = Median(together),
       .unit = "pictures/s",
       .against = absl::StrCat("decoding all (", Median(decode),
                               "/s), then embedding all (", Median(embed),
                               "/s), each alone"),
       .ratio = Median(together) * (1 / Median(decode) + 1 / Median(embed))});
  report->Add({.name = "image_latency_vs_parts",
               .value = Median(call),
               .unit = "ms",
               .against = "decoding and embedding that picture alone",
               .ratio = Median(call) / Median(work)});
  return absl::OkStatus();
}

}  // namespace vitrine
