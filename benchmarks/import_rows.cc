// An import against its parts: decoding all pictures and embedding all of them,
// each alone on all cores, and then the indexer doing everything, of a folder
// and of a queue.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/child_process.h"
#include "benchmarks/memory_watch.h"
#include "benchmarks/programs.h"
#include "benchmarks/queue_process.h"
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
// Of a large catalogue so many pictures, from all over it, tell for the others.
constexpr size_t kSample = 8192;

class Parts {
 public:
  static absl::StatusOr<std::unique_ptr<Parts>> Open(
      const BenchOptions& options) {
    std::unique_ptr<Parts> parts(new Parts());
    CatalogOptions catalog;
    catalog.root = options.catalog;
    VITRINE_ASSIGN_OR_RETURN(parts->catalog_, Catalog::Open(catalog));
    VITRINE_ASSIGN_OR_RETURN(Listing listing, parts->catalog_->Scan());
    parts->total_ = listing.pictures.size();
    const size_t step = (parts->total_ + kSample - 1) / kSample;
    for (size_t i = 0; i < parts->total_; i += std::max<size_t>(1, step)) {
      parts->pictures_.push_back(std::move(listing.pictures[i]));
    }
    VITRINE_ASSIGN_OR_RETURN(
        parts->embedder_, LoadTorchEmbedder(options.model, AvailableCores()));
    return parts;
  }

  // Pictures of the catalogue.
  size_t total() const { return total_; }

  // Seconds for a picture, on all cores, from its file to what the model takes.
  double Decode() {
    const ModelCard& card = embedder_->card();
    decoded_ = 0;
    kept_.clear();
    const double seconds = TimeSeconds([&] {
      ForEachImage([&](const std::string&, const Image& image) {
        const auto square = SquareImage(image, card.resize, card.input_size);
        ++decoded_;
        std::lock_guard lock(mutex_);
        if (kept_.size() < kKept * square.size()) {
          kept_.insert(kept_.end(), square.begin(), square.end());
        }
      });
    });
    return seconds / static_cast<double>(std::max<size_t>(1, decoded_));
  }

  // Seconds that an import spends on a picture besides, on all cores.
  double HashAndMakeThumbnails() {
    std::atomic<int64_t> busy_ns{0};
    ForEachImage([&](const std::string& bytes, const Image& image) {
      const double seconds = TimeSeconds([&] {
        Sha256(bytes);
        EncodeThumbnail(image).IgnoreError();
      });
      busy_ns += static_cast<int64_t>(seconds * 1e9);
    });
    return static_cast<double>(busy_ns) / 1e9 / AvailableCores() /
           static_cast<double>(std::max<size_t>(1, decoded_));
  }

  // Seconds for a picture, of as many as were decoded.
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
    return seconds / static_cast<double>(decoded_);
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
  size_t total_ = 0;
  std::vector<CatalogPicture> pictures_;  // Some of them.
  std::unique_ptr<Embedder> embedder_;
  std::atomic<size_t> decoded_{0};
  std::mutex mutex_;
  std::vector<uint8_t> kept_;  // Guarded by mutex_ while decoding.
};

// Of a whole import.
struct Import {
  double start_s = 0;  // Until the model is loaded.
  double wall_s = 0;   // From then on.
  int64_t accepted = 0;
  double early_bytes = 0;  // The most memory, until a quarter was in, …
  double bytes = 0;  // … and in all, but for what there was at the start.
};

IndexerOptions OptionsOf(const BenchOptions& options) {
  IndexerOptions indexing;
  indexing.index.default_model = options.model;
  indexing.index.threads = AvailableCores();
  indexing.decode_threads = AvailableCores();
  indexing.index.load_embedder = [](const std::filesystem::path& bundle,
                                    const EmbedTrial&, int threads) {
    return LoadTorchEmbedder(bundle, threads);
  };
  return indexing;
}

// Runs an indexer and looks at what it takes; it is stopped when `n` pictures
// have come by a queue.
template <typename RunIndexer>
absl::StatusOr<Import> Measure(IndexerOptions options, size_t n,
                               const RunIndexer& run_indexer) {
  Import run;
  std::unique_ptr<MemoryWatch> memory;
  std::unique_ptr<Indexer> indexer;
  options.on_published = [&](const PublishedBatch& batch) {
    if (memory == nullptr) return;  // It names itself to the queue.
    if (run.accepted < static_cast<int64_t>(n / 4)) {
      run.early_bytes = memory->MostBytes();
    }
    run.accepted += batch.counts.accepted;
    if (run.accepted >= static_cast<int64_t>(n) && options.queue) {
      indexer->Stop();
    }
  };
  absl::Status status;
  run.start_s = TimeSeconds([&] {
    auto created = Indexer::Create(options);
    status = created.status();
    if (created.ok()) indexer = *std::move(created);
  });
  VITRINE_RETURN_IF_ERROR(status);
  ::malloc_trim(0);
  memory = std::make_unique<MemoryWatch>();
  run.wall_s = TimeSeconds([&] { status = run_indexer(indexer.get()); });
  VITRINE_RETURN_IF_ERROR(status);
  run.bytes = memory->MostBytes();
  return run;
}

absl::StatusOr<Import> ImportFolder(const BenchOptions& options,
                                    const std::filesystem::path& index,
                                    size_t n) {
  IndexerOptions indexing = OptionsOf(options);
  indexing.catalog.root = options.catalog;
  indexing.index.root = index;
  return Measure(indexing, n,
                 [](Indexer* indexer) { return indexer->RunOnce(); });
}

// `vitrine push` sends all pictures at the same time. What the indexer merges
// once it has all of them is not waited for.
absl::StatusOr<Import> ImportQueue(const BenchOptions& options,
                                   const std::filesystem::path& folder,
                                   size_t n) {
  std::filesystem::create_directories(folder);
  VITRINE_ASSIGN_OR_RETURN(const auto queue, QueueProcess::Start(folder));
  IndexerOptions indexing = OptionsOf(options);
  indexing.queue = queue->address();
  indexing.queue_trim = true;
  indexing.index.root = folder / "index";
  std::unique_ptr<ChildProcess> push;
  return Measure(indexing, n, [&](Indexer* indexer) -> absl::Status {
    VITRINE_ASSIGN_OR_RETURN(
        push, ChildProcess::Start({BuiltProgram("vitrine").string(), "push",
                                   "--queue=" + queue->address().Name(),
                                   "--catalog=" + options.catalog.string(),
                                   "--progress=off"}));
    // One that fails would be waited for for ever.
    absl::Status pushed;
    std::thread waiting([&] {
      pushed = push->Finish();
      if (!pushed.ok()) indexer->Stop();
    });
    absl::Status ran = indexer->Run();
    waiting.join();
    VITRINE_RETURN_IF_ERROR(pushed);
    return ran;
  });
}

// Seconds until an index of an unchanged catalogue is ready again.
absl::StatusOr<double> Restart(const BenchOptions& options,
                               const std::filesystem::path& index) {
  IndexerOptions indexing = OptionsOf(options);
  indexing.catalog.root = options.catalog;
  indexing.index.root = index;
  absl::Status status;
  const double seconds = TimeSeconds([&] {
    auto indexer = Indexer::Create(indexing);
    status = indexer.ok() ? (*indexer)->RunOnce() : indexer.status();
  });
  VITRINE_RETURN_IF_ERROR(status);
  return seconds;
}

}  // namespace

absl::Status RunImportRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());
  // Of each repetition; those of work, images a second.
  std::vector<double> decode, extra, embed, folder, folder_ratio, queue,
      queue_ratio, start, again;
  std::vector<double> folder_bytes, folder_growth, queue_bytes, queue_growth;
  size_t total = 0;
  // Before and after each import, as a busy machine does not stay as it is.
  std::vector<double> seconds;
  const auto measure_parts = [&]() -> absl::Status {
    VITRINE_ASSIGN_OR_RETURN(const auto parts, Parts::Open(options));
    total = parts->total();
    const double decode_s = parts->Decode();
    VITRINE_ASSIGN_OR_RETURN(const double embed_s, parts->Embed());
    decode.push_back(1 / decode_s);
    embed.push_back(1 / embed_s);
    extra.push_back(1 / parts->HashAndMakeThumbnails());
    seconds.push_back(decode_s + embed_s);
    return absl::OkStatus();
  };
  const auto add = [&](const Import& whole, std::vector<double>* rate,
                       std::vector<double>* ratio, std::vector<double>* bytes,
                       std::vector<double>* growth) {
    const double alone_s = (seconds.back() + seconds[seconds.size() - 2]) / 2;
    rate->push_back(static_cast<double>(whole.accepted) / whole.wall_s);
    ratio->push_back(alone_s * rate->back());
    bytes->push_back(whole.bytes);
    growth->push_back(whole.bytes / std::max(1.0, whole.early_bytes));
  };
  for (int i = 0; i < options.repetitions; ++i) {
    if (i == 0) {
      VITRINE_RETURN_IF_ERROR(measure_parts());
    }
    const auto index = scratch.path() / absl::StrCat("index", i);
    VITRINE_ASSIGN_OR_RETURN(const Import whole,
                             ImportFolder(options, index, total));
    VITRINE_RETURN_IF_ERROR(measure_parts());
    start.push_back(whole.start_s);
    add(whole, &folder, &folder_ratio, &folder_bytes, &folder_growth);
    VITRINE_ASSIGN_OR_RETURN(again.emplace_back(), Restart(options, index));
    VITRINE_ASSIGN_OR_RETURN(
        const Import queued,
        ImportQueue(options, scratch.path() / absl::StrCat("queue", i),
                    static_cast<size_t>(whole.accepted)));
    VITRINE_RETURN_IF_ERROR(measure_parts());
    add(queued, &queue, &queue_ratio, &queue_bytes, &queue_growth);
  }
  const std::string parts = "decoding all, then embedding all, each alone";
  const std::string quarter = "the most until a quarter was in";
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
  report->Add({.name = "import_again", .value = Median(again), .unit = "s"});
  report->Add({.name = "import_memory",
               .value = Median(folder_bytes) / 1e6,
               .unit = "MB",
               .against = quarter,
               .ratio = Median(folder_growth)});
  report->Add({.name = "import_queue_memory",
               .value = Median(queue_bytes) / 1e6,
               .unit = "MB",
               .against = quarter,
               .ratio = Median(queue_growth)});
  report->Add({.name = "import_vs_parts",
               .value = Median(folder),
               .unit = "images/s",
               .against = parts,
               .ratio = Median(folder_ratio)});
  report->Add({.name = "import_queue_vs_parts",
               .value = Median(queue),
               .unit = "images/s",
               .against = parts,
               .ratio = Median(queue_ratio)});
  return absl::OkStatus();
}

}  // namespace vitrine
