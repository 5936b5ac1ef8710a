#include "indexer/index_opener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/complements.h"
#include "common/index/control.h"
#include "common/model/stored_trial.h"
#include "indexer/repair.h"

namespace vitrine {
namespace {

absl::StatusOr<std::string> DigestOfBundle(const std::filesystem::path& path) {
  const auto bytes = ReadFile(path);
  if (!bytes.ok()) {
    return Annotate(bytes.status(),
                    "the model is not there; name a bundle with --model=FILE");
  }
  return ToHex(Sha256(*bytes));
}

// What is asked for: a model by its digest, and a metric.
struct Wanted {
  std::string model;
  storage::VectorSet::Metric metric;

  bool IsOf(const storage::VectorSet& set) const {
    return model == set.model() && metric == set.metric();
  }
};

// What is not told is as in the set that serves.
absl::StatusOr<Wanted> WantedOf(const storage::VectorSet& serving,
                                const IndexOptions& options) {
  Wanted wanted = {serving.model(), options.metric.value_or(serving.metric())};
  if (!options.model.empty()) {
    VITRINE_ASSIGN_OR_RETURN(wanted.model, DigestOfBundle(options.model));
  }
  return wanted;
}

// What is damaged is mended before it becomes something else.
absl::Status CheckUnchanged(const storage::VectorSet& serving,
                            const IndexOptions& options) {
  VITRINE_ASSIGN_OR_RETURN(const Wanted wanted, WantedOf(serving, options));
  if (wanted.IsOf(serving)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the index ", options.root.string(), " is of model ", serving.model(),
      " and of metric ", std::string(MetricName(serving.metric())),
      ", and --repair changes neither; repair it without --model and --metric "
      "first"));
}

absl::Status CheckPartition(const storage::Manifest& manifest,
                            const IndexOptions& options) {
  Partition own;
  if (manifest.has_partition())
    own = {manifest.partition().number(), manifest.partition().of()};
  if (own == options.partition) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the index ", options.root.string(), " was begun ",
      own.is_whole() ? std::string("without --partition")
                     : absl::StrCat("with --partition=", own.Name()),
      ", not ",
      options.partition.is_whole()
          ? std::string("without")
          : absl::StrCat("with --partition=", options.partition.Name()),
      "; give what it was begun with, or index into a fresh directory"));
}

// Puts the bundle of a damaged index back into its place.
absl::Status RestoreModel(const IndexPaths& paths, const std::string& digest,
                          const IndexOptions& options) {
  const std::filesystem::path& bundle =
      options.model.empty() ? options.default_model : options.model;
  VITRINE_ASSIGN_OR_RETURN(const std::string found, DigestOfBundle(bundle));
  if (found != digest) {
    return absl::DataLossError(absl::StrCat(
        paths.model(digest).string(), " is damaged, and ", bundle.string(),
        " is another model; name the bundle whose SHA-256 is ", digest,
        " with --model=FILE"));
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(bundle));
  VITRINE_RETURN_IF_ERROR(MakeFolders(paths.models()));
  VITRINE_RETURN_IF_ERROR(RemoveFile(paths.model(digest)));
  return PublishFile(paths.model(digest), bytes);
}

absl::StatusOr<std::unique_ptr<Publisher>> OpenPublisher(
    const IndexPaths& paths, const IndexOptions& options, OpenIndex* index) {
  if (!options.repair) return Publisher::Open(paths, options.publisher);
  auto salvaged = SalvageIndex(paths);
  if (!salvaged.ok()) return salvaged.status();
  index->mend = std::move(salvaged->mend);
  index->lost_products = std::move(salvaged->lost_products);
  index->findings = std::move(salvaged->findings);
  const storage::VectorSet& set = salvaged->snapshot->set();
  VITRINE_RETURN_IF_ERROR(
      CheckPartition(salvaged->snapshot->manifest(), options));
  if (salvaged->model_damaged) {
    VITRINE_RETURN_IF_ERROR(RestoreModel(paths, set.model(), options));
  }
  VITRINE_RETURN_IF_ERROR(CheckUnchanged(set, options));
  return Publisher::OpenSalvage(paths, *salvaged, options.publisher);
}

// Loads a bundle, and describes a set of its vectors.
absl::StatusOr<SetSettings> LoadSettings(const std::filesystem::path& bundle,
                                         const EmbedTrial& trial,
                                         const IndexOptions& options,
                                         std::unique_ptr<Embedder>* embedder) {
  SetSettings settings;
  settings.bundle_path = bundle;
  VITRINE_RETURN_IF_ERROR(DigestOfBundle(bundle).status());
  VITRINE_ASSIGN_OR_RETURN(
      *embedder, options.load_embedder(bundle, trial, options.threads));
  settings.card = (*embedder)->card();
  settings.trial = (*embedder)->trial();
  settings.promote_manually = options.promote_manually.value_or(false);
  return settings;
}

// Loads the models of an index that exists. Begins a set where another model or
// metric is asked for than it has.
absl::Status OpenModels(const IndexPaths& paths, const IndexOptions& options,
                        OpenIndex* index) {
  const IndexView view = index->publisher->view();
  const storage::VectorSet& serving = view.snapshot->set();
  VITRINE_ASSIGN_OR_RETURN(const Wanted wanted, WantedOf(serving, options));
  VITRINE_ASSIGN_OR_RETURN(index->embedder,
                           LoadModelOf(serving, paths, options));
  const storage::VectorSet* const other =
      view.other == nullptr ? nullptr : &view.other->set();
  if (!wanted.IsOf(serving) && (other == nullptr || !wanted.IsOf(*other))) {
    if (IsModelDeclined(paths, wanted.model) &&
        !options.promote_manually.value_or(false)) {
      index->notes.push_back(absl::StrCat(
          "model ", wanted.model,
          ", which --model asks for, was rolled back or given up, and is not "
          "built again; --promote=manual builds it nevertheless"));
      return absl::OkStatus();
    }
    if (other != nullptr) {
      index->notes.push_back(
          absl::StrCat("the vectors of model ", other->model(),
                       " are given up: ", view.other->images(), " pictures"));
    }
    std::unique_ptr<Embedder> embedder;
    VITRINE_ASSIGN_OR_RETURN(
        SetSettings settings,
        LoadSettings(
            options.model.empty() ? paths.model(wanted.model) : options.model,
            wanted.model == serving.model() ? TrialOf(serving) : EmbedTrial(),
            options, &embedder));
    settings.metric = wanted.metric;
    return index->publisher->AddSet(settings).status();
  }
  if (other == nullptr) return absl::OkStatus();
  const bool is_wanted = !wanted.IsOf(serving);
  if (other->state() == storage::VectorSet::STATE_RETAINED) {
    index->notes.push_back(absl::StrCat(
        "model ", other->model(), is_wanted ? ", which --model asks for," : "",
        " served before, and is kept up to date; `vitrine ",
        other->id() < serving.id() ? "rollback" : "promote",
        "` lets it serve again"));
    return absl::OkStatus();
  }
  if (!options.model.empty() && !is_wanted) {
    index->notes.push_back(absl::StrCat(
        "model ", other->model(),
        " is still being built beside it; `vitrine rollback` gives it up"));
  }
  if (options.promote_manually &&
      *options.promote_manually != other->promote_manually()) {
    return index->publisher->SetPromotion(*options.promote_manually).status();
  }
  return absl::OkStatus();
}

absl::Status OpenComplements(const IndexOptions& options, OpenIndex* index) {
  if (options.complements.empty()) return absl::OkStatus();
  std::string bytes;
  if (options.complements != "none") {
    VITRINE_ASSIGN_OR_RETURN(
        bytes, ReadFile(options.complements, kMaxComplementsBytes));
    if (bytes.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          options.complements,
          " is empty: give --complements what `python -m vitrine_models "
          "complements` has written, or none"));
    }
  }
  VITRINE_RETURN_IF_ERROR(
      index->publisher->SetComplements(bytes, options.complements).status());
  index->notes.push_back(
      bytes.empty() ? std::string("complements go by the rule alone")
                    : absl::StrCat("complements go by ", options.complements));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Embedder>> LoadModelOf(
    const storage::VectorSet& set, const IndexPaths& paths,
    const IndexOptions& options) {
  return options.load_embedder(paths.model(set.model()), TrialOf(set),
                               options.threads);
}

absl::StatusOr<OpenIndex> OpenIndexForWriting(const IndexOptions& options) {
  OpenIndex index;
  const IndexPaths paths{options.root};
  VITRINE_ASSIGN_OR_RETURN(index.lock, IndexLock::Acquire(paths));
  auto opened = OpenPublisher(paths, options, &index);
  if (opened.ok()) {
    index.publisher = *std::move(opened);
    // By its owner, whoever asks first.
    VITRINE_RETURN_IF_ERROR(MakeFolders(paths.control()));
    VITRINE_RETURN_IF_ERROR(
        CheckPartition(index.publisher->view().snapshot->manifest(), options));
    VITRINE_RETURN_IF_ERROR(OpenModels(paths, options, &index));
    VITRINE_RETURN_IF_ERROR(OpenComplements(options, &index));
    return index;
  }
  if (!absl::IsNotFound(opened.status())) return opened.status();

  VITRINE_ASSIGN_OR_RETURN(
      SetSettings settings,
      LoadSettings(
          options.model.empty() ? options.default_model : options.model,
          EmbedTrial(), options, &index.embedder));
  settings.metric = options.metric.value_or(storage::VectorSet::METRIC_COSINE);
  settings.partition = options.partition;
  VITRINE_ASSIGN_OR_RETURN(
      index.publisher, Publisher::Begin(paths, settings, options.publisher));
  VITRINE_RETURN_IF_ERROR(OpenComplements(options, &index));
  return index;
}

absl::StatusOr<storage::VectorSet::Metric> ParseMetric(std::string_view name) {
  for (const auto metric :
       {storage::VectorSet::METRIC_COSINE, storage::VectorSet::METRIC_EUCLIDEAN,
        storage::VectorSet::METRIC_MANHATTAN}) {
    if (name == MetricName(metric)) return metric;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no metric \"", std::string(name),
                   "\"; choose cosine, euclidean or manhattan"));
}

std::string_view MetricName(storage::VectorSet::Metric metric) {
  switch (metric) {
    case storage::VectorSet::METRIC_COSINE:
      return "cosine";
    case storage::VectorSet::METRIC_EUCLIDEAN:
      return "euclidean";
    case storage::VectorSet::METRIC_MANHATTAN:
      return "manhattan";
    default:
      return "unknown";
  }
}

}  // namespace vitrine
