#include "indexer/index_opener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
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

// That an index which exists is what was asked for.
absl::Status CheckSet(const storage::VectorSet& set,
                      const IndexOptions& options) {
  if (options.metric && *options.metric != set.metric()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the index ", options.root.string(),
        " was begun with --metric=", std::string(MetricName(set.metric())),
        ", not ", std::string(MetricName(*options.metric)),
        "; leave the flag out, or index into a fresh directory"));
  }
  if (options.model.empty()) return absl::OkStatus();
  VITRINE_ASSIGN_OR_RETURN(const std::string digest,
                           DigestOfBundle(options.model));
  if (digest != set.model()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the index ", options.root.string(), " was begun with the model ",
        set.model(), ", and ", options.model.string(), " is ", digest,
        "; leave --model out to go on with the index's own, or index into a "
        "fresh directory"));
  }
  return absl::OkStatus();
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
  const storage::VectorSet& set = salvaged->snapshot->serving();
  VITRINE_RETURN_IF_ERROR(CheckSet(set, options));
  if (salvaged->model_damaged) {
    VITRINE_RETURN_IF_ERROR(RestoreModel(paths, set.model(), options));
  }
  return Publisher::OpenSalvage(paths, *salvaged, options.publisher);
}

}  // namespace

absl::StatusOr<OpenIndex> OpenIndexForWriting(const IndexOptions& options) {
  OpenIndex index;
  const IndexPaths paths{options.root};
  VITRINE_ASSIGN_OR_RETURN(index.lock, IndexLock::Acquire(paths));
  auto opened = OpenPublisher(paths, options, &index);
  if (opened.ok()) {
    index.publisher = *std::move(opened);
    const auto snapshot = index.publisher->view().snapshot;
    VITRINE_RETURN_IF_ERROR(CheckSet(snapshot->serving(), options));
    VITRINE_ASSIGN_OR_RETURN(
        index.embedder,
        options.load_embedder(paths.model(snapshot->serving().model()),
                              options.threads));
    return index;
  }
  if (!absl::IsNotFound(opened.status())) return opened.status();

  IndexSettings settings;
  settings.bundle_path =
      options.model.empty() ? options.default_model : options.model;
  VITRINE_RETURN_IF_ERROR(DigestOfBundle(settings.bundle_path).status());
  settings.metric = options.metric.value_or(storage::VectorSet::METRIC_COSINE);
  VITRINE_ASSIGN_OR_RETURN(
      index.embedder,
      options.load_embedder(settings.bundle_path, options.threads));
  settings.card = index.embedder->card();
  settings.trial = index.embedder->trial();
  VITRINE_ASSIGN_OR_RETURN(
      index.publisher, Publisher::Begin(paths, settings, options.publisher));
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
