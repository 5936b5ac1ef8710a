#include "clients/cli/requests.h"

#include <filesystem>

#include "clients/cli/filter_flag.h"
#include "clients/cli/text.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine::cli {
namespace {

// The API's limit; the server has the last word on it.
constexpr int64_t kMaxImageBytes = 32'000'000;

absl::StatusOr<std::string> ReadImage(const std::string& path) {
  std::error_code error;
  uintmax_t bytes = std::filesystem::file_size(path, error);
  if (!error && bytes > static_cast<uintmax_t>(kMaxRequestBytes)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_IMAGE_TOO_LARGE,
        "the picture has " + FormatCount(static_cast<int64_t>(bytes)) +
            " bytes; at most " + FormatCount(kMaxImageBytes) +
            " (32 MB) are read: send a smaller one",
        "examples[0].image.content", kMaxImageBytes);
  }
  absl::StatusOr<std::string> content = ReadFile(path, kMaxRequestBytes);
  if (!content.ok()) {
    return MakeError(content.status().code(), v1::ERROR_REASON_IMAGE_UNREADABLE,
                     std::string(content.status().message()));
  }
  return content;
}

void FillFields(const Flags& flags, v1::ReturnFields* fields) {
  if (flags.thumbnails || !flags.sheet.empty()) fields->set_thumbnail(true);
  if (flags.return_vectors) fields->set_vector(true);
}

// What is to come how often, and what sooner.
template <typename Request>
void FillOrder(const Flags& flags, Request* request) {
  for (const auto& [attribute, limit] : flags.max_per) {
    v1::Diversity* diversity = request->add_diversity();
    diversity->set_attribute(attribute);
    diversity->set_limit(limit);
  }
  for (const v1::Boost& boost : flags.boosts) *request->add_boosts() = boost;
}

v1::Metric MetricOf(const std::string& name) {
  if (name == "cosine") return v1::METRIC_COSINE;
  if (name == "euclidean") return v1::METRIC_EUCLIDEAN;
  if (name == "manhattan") return v1::METRIC_MANHATTAN;
  return v1::METRIC_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<v1::Example> LoadExample(const Flags& flags,
                                        const Query& query) {
  if (!query.error.ok()) return query.error;
  v1::Example example;
  switch (query.kind) {
    case Query::Kind::kImage: {
      VITRINE_ASSIGN_OR_RETURN(*example.mutable_image()->mutable_content(),
                               ReadImage(query.label));
      if (flags.region) {
        v1::Region* region = example.mutable_image()->mutable_region();
        region->set_x0(flags.region->x0);
        region->set_y0(flags.region->y0);
        region->set_x1(flags.region->x1);
        region->set_y1(flags.region->y1);
      }
      break;
    }
    case Query::Kind::kProduct:
      example.set_product_id(query.label);
      break;
    case Query::Kind::kVector:
      example.mutable_vector()->mutable_values()->Add(query.vector.begin(),
                                                      query.vector.end());
      break;
    case Query::Kind::kCombined:
      break;
  }
  return example;
}

absl::StatusOr<std::vector<v1::Example>> LoadExtraExamples(const Flags& flags) {
  std::vector<v1::Example> examples;
  for (const ExtraExample& extra : flags.extra_examples) {
    v1::Example& example = examples.emplace_back();
    if (extra.is_image) {
      absl::StatusOr<std::string> content = ReadImage(extra.value);
      if (!content.ok()) return Annotate(content.status(), extra.value);
      example.mutable_image()->set_content(*std::move(content));
    } else {
      example.set_product_id(extra.value);
    }
    example.set_weight(extra.weight);
  }
  return examples;
}

v1::SearchRequest MakeSearchRequest(const Flags& flags, v1::Example own,
                                    const std::vector<v1::Example>& extra) {
  v1::SearchRequest request;
  if (own.source_case() != v1::Example::SOURCE_NOT_SET) {
    *request.add_examples() = std::move(own);
  }
  for (const v1::Example& example : extra) *request.add_examples() = example;
  if (flags.k) request.set_k(*flags.k);
  request.set_offset(flags.offset);
  request.set_min_score(flags.min_score);
  if (!flags.group) request.set_group_by_product(false);
  request.set_exclude_query_products(flags.exclude_query);
  for (const std::string& id : flags.exclude) {
    request.add_exclude_product_ids(id);
  }
  request.set_metric(MetricOf(flags.metric));
  request.set_exact(flags.exact);
  if (flags.ef) request.set_ef(*flags.ef);
  request.set_collapse_near_duplicates(flags.collapse);
  FillOrder(flags, &request);
  if (flags.min_recall) request.set_min_recall(*flags.min_recall);
  for (const auto& [block, emphasis] : flags.emphasis) {
    v1::BlockEmphasis* entry = request.add_emphasis();
    entry->set_block(block);
    entry->set_emphasis(emphasis);
  }
  if (!flags.filters.empty()) *request.mutable_filter() = AllOf(flags.filters);
  for (const std::string& facet : flags.facets) request.add_facets(facet);
  request.set_min_generation(flags.min_generation);
  request.set_required_model(flags.required_model);
  request.set_model(flags.model);
  request.set_require_complete(flags.require_complete);
  FillFields(flags, request.mutable_fields());
  return request;
}

v1::RecommendRequest MakeRecommendRequest(const Flags& flags, v1::Example own) {
  v1::RecommendRequest request;
  if (own.has_image()) {
    *request.mutable_image() = std::move(*own.mutable_image());
  } else {
    request.set_product_id(own.product_id());
  }
  request.set_category(flags.category);
  if (flags.k_similar) request.set_k_similar(*flags.k_similar);
  if (flags.k_per_slot) request.set_k_per_slot(*flags.k_per_slot);
  for (const std::string& id : flags.exclude) {
    request.add_exclude_product_ids(id);
  }
  if (!flags.filters.empty()) *request.mutable_filter() = AllOf(flags.filters);
  FillOrder(flags, &request);
  if (flags.min_confidence) request.set_min_confidence(*flags.min_confidence);
  request.set_min_generation(flags.min_generation);
  request.set_required_model(flags.required_model);
  request.set_model(flags.model);
  request.set_require_complete(flags.require_complete);
  for (const std::string& slot : flags.slots) request.add_slots(slot);
  FillFields(flags, request.mutable_fields());
  return request;
}

LoadedQuery BatchReader::Load(Query query) const {
  LoadedQuery loaded;
  absl::StatusOr<v1::Example> example = LoadExample(flags_, query);
  loaded.query = std::move(query);
  if (!example.ok()) {
    loaded.error = ErrorOf(example.status());
    return loaded;
  }
  loaded.example = *std::move(example);
  int64_t bytes = static_cast<int64_t>(loaded.example.ByteSizeLong());
  if (bytes + extra_bytes_ > kMaxRequestBytes) {
    loaded.example.Clear();
    loaded.error = ErrorOf(MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_IMAGE_TOO_LARGE,
        "the pictures of this query have " + FormatCount(bytes + extra_bytes_) +
            " bytes together; at most " + FormatCount(kMaxRequestBytes) +
            " fit into a request",
        "examples", kMaxRequestBytes));
  }
  return loaded;
}

std::vector<LoadedQuery> BatchReader::Next() {
  std::vector<LoadedQuery> batch;
  int64_t bytes = 0;
  while (static_cast<int>(batch.size()) < max_queries_) {
    if (!carried_) {
      if (!batch.empty() && source_->WouldWait()) break;
      std::optional<Query> query = source_->Next();
      if (!query) break;
      carried_ = Load(*std::move(query));
    }
    int64_t more =
        static_cast<int64_t>(carried_->example.ByteSizeLong()) + extra_bytes_;
    if (!batch.empty() && bytes + more > kMaxRequestBytes) break;
    bytes += more;
    batch.push_back(*std::move(carried_));
    carried_.reset();
  }
  return batch;
}

}  // namespace vitrine::cli
