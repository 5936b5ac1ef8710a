#include "indexer/index_opener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"

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

}  // namespace

absl::StatusOr<OpenIndex> OpenIndexForWriting(const IndexOptions& options) {
  OpenIndex index;
  const IndexPaths paths{options.root};
  VITRINE_ASSIGN_OR_RETURN(index.lock, IndexLock::Acquire(paths));
  auto opened = Publisher::Open(paths, options.publisher);
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
