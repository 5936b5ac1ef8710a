// An import against its parts: decoding all pictures and embedding all of them,
// each alone on all cores, and then the indexer doing everything.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_folder.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog.h"
#include "common/image/image.h"
#include "common/model/embedder.h"
#include "indexer/indexer.h"

namespace vitrine {
namespace {

// Decoded pictures that are kept to be embedded over and over: what a model
// takes does not depend on what the pictures show.
constexpr size_t kKept = 512;

class Parts {
 public:
  static absl::StatusOr<std::unique_ptr<Parts>> Open(
      const IndexerOptions& indexing, const std::filesystem::path& model) {
    std::unique_ptr<Parts> parts(new Parts());
    VITRINE_ASSIGN_OR_RETURN(parts->catalog_, Catalog::Open(indexing.catalog));
    VITRINE_ASSIGN_OR_RETURN(Listing listing, parts->catalog_->Scan());
    parts->pictures_ = std::move(listing.pictures);
    VITRINE_ASSIGN_OR_RETURN(parts->embedder_,
                             LoadTorchEmbedder(model, AvailableCores()));
    return parts;
  }

  // Pictures that decode, as of the last Decode.
  size_t decoded() const { return decoded_; }

  // Seconds for all pictures, from their files to what the model takes.
  double Decode() {
    const ModelCard& card = embedder_->card();
    decoded_ = 0;
    kept_.clear();
    return TimeSeconds([&] {
      ForEachImage([&](const std::string&, const Image& image) {
        const auto square = SquareImage(image, card.resize, card.input_size);
        ++decoded_;
        std::lock_guard lock(mutex_);
        if (kept_.size() < kKept * square.size()) {
          kept_.insert(kept_.end(), square.begin(), square.end());
        }
      });
    });
  }

  // Seconds that an import spends on each picture besides, over all cores.
  double HashAndMakeThumbnails() {
    std::atomic<int64_t> busy_ns{0};
    ForEachImage([&](const std::string& bytes, const Image& image) {
      const double seconds = TimeSeconds([&] {
        Sha256(bytes);
        EncodeThumbnail(image).IgnoreError();
      });
      busy_ns += static_cast<int64_t>(seconds * 1e9);
    });
    return static_cast<double>(busy_ns) / 1e9 / AvailableCores();
  }

  // Seconds for as many pictures as were decoded.
  absl::StatusOr<double> Embed() {
    const ModelCard& card = embedder_->card();
    const size_t picture_bytes =
        static_cast<size_t>(card.input_size) * card.input_size * 3;
    const auto batch =
        std::min<size_t>(static_cast<size_t>(embedder_->preferred_batch()),
                         kept_.size() / picture_bytes);
    if (batch == 0) return absl::InvalidArgumentError("no picture decodes");
    const size_t batches_kept = kept_.size() / picture_bytes / batch;
    std::vector<float> vectors(batch * static_cast<size_t>(card.dim()));
    absl::Status status;
    const double seconds = TimeSeconds([&] {
      for (size_t i = 0; i * batch < decoded_ && status.ok(); ++i) {
        const size_t n = std::min(batch, decoded_ - i * batch);
        status = embedder_->Embed(
            kept_.data() + i % batches_kept * batch * picture_bytes,
            static_cast<int>(n), vectors.data());
      }
    });
    VITRINE_RETURN_IF_ERROR(status);
    return seconds;
  }

 private:
  Parts() = default;

  // Calls `visit`, from several threads, with each picture that decodes.
  template <typename Visit>
  void ForEachImage(const Visit& visit) {
    ParallelFor(
        static_cast<int>(pictures_.size()), AvailableCores(), [&](int i) {
          const auto bytes = catalog_->ReadPicture(
              pictures_[static_cast<size_t>(i)].path, ImageLimits().max_bytes);
          if (!bytes.ok()) return;
          const auto image = DecodeImage(
              *bytes, {}, DecodeMinSide(embedder_->card().input_size));
          if (image.ok()) visit(*bytes, *image);
        });
  }

  std::unique_ptr<Catalog> catalog_;
  std::vector<CatalogPicture> pictures_;
  std::unique_ptr<Embedder> embedder_;
  std::atomic<size_t> decoded_{0};
  std::mutex mutex_;
  std::vector<uint8_t> kept_;  // Guarded by mutex_ while decoding.
};

// Of the whole import, in seconds.
struct Import {
  double start = 0;  // Until the model is loaded.
  double wall = 0;   // From then on.
  int64_t accepted = 0;
};

absl::StatusOr<Import> RunImport(const IndexerOptions& options) {
  Import run;
  absl::StatusOr<std::unique_ptr<Indexer>> indexer;
  run.start = TimeSeconds([&] { indexer = Indexer::Create(options); });
  VITRINE_RETURN_IF_ERROR(indexer.status());
  absl::Status status;
  run.wall = TimeSeconds([&] { status = (*indexer)->RunOnce(); });
  run.accepted = (*indexer)->summary().counts.accepted;
  VITRINE_RETURN_IF_ERROR(status);
  return run;
}

}  // namespace

absl::Status RunImportRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());

  IndexerOptions indexing;
  indexing.catalog.root = options.catalog;
  indexing.index.default_model = options.model;
  indexing.index.threads = AvailableCores();
  indexing.decode_threads = AvailableCores();
  indexing.index.load_embedder = [](const std::filesystem::path& bundle,
                                    int threads) {
    return LoadTorchEmbedder(bundle, threads);
  };
  // Images a second, but for `ratio` and `start`, of each repetition.
  std::vector<double> decode, extra, embed, import, ratio, start;
  for (int i = 0; i < options.repetitions; ++i) {
    VITRINE_ASSIGN_OR_RETURN(const auto parts,
                             Parts::Open(indexing, options.model));
    const double decode_s = parts->Decode();
    const auto n = static_cast<double>(parts->decoded());
    VITRINE_ASSIGN_OR_RETURN(const double embed_s, parts->Embed());
    indexing.index.root = scratch.path() / absl::StrCat("index", i);
    VITRINE_ASSIGN_OR_RETURN(const Import whole, RunImport(indexing));
    if (whole.accepted != static_cast<int64_t>(n)) {
      return absl::InternalError(
          absl::StrCat(whole.accepted, " of the ", n,
                       " pictures that decode have been imported"));
    }
    decode.push_back(n / decode_s);
    extra.push_back(n / parts->HashAndMakeThumbnails());
    embed.push_back(n / embed_s);
    import.push_back(n / whole.wall);
    start.push_back(whole.start);
    ratio.push_back((decode_s + embed_s) / whole.wall);
  }
  report->Add({.name = "import_decode_alone",
               .value = Median(decode),
               .unit = "images/s"});
  report->Add({.name = "import_embed_alone",
               .value = Median(embed),
               .unit = "images/s"});
  report->Add({.name = "import_hash_and_thumbnail",
               .value = Median(extra),
               .unit = "images/s"});
  report->Add({.name = "import_start", .value = Median(start), .unit = "s"});
  report->Add({.name = "import_vs_parts",
               .value = Median(import),
               .unit = "images/s",
               .against = "decoding all, then embedding all, each alone",
               .ratio = Median(ratio)});
  return absl::OkStatus();
}

}  // namespace vitrine
