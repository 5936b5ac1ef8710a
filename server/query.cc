#include "server/query.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/search_params.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"
#include "server/boosts.h"
#include "server/pictures.h"
#include "server/preconditions.h"
#include "server/selection.h"

namespace vitrine {
namespace {

// Limits that search.proto names, besides those of search_params.h.
constexpr int kMaxExamples = 16;
constexpr int kMaxDiversity = 8;
constexpr int kMaxExcludedProducts = 10'000;
constexpr float kMaxEmphasis = 1000;
constexpr int kMaxContents = 1000;

absl::Status Invalid(std::string_view field, std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_INVALID_PARAMETER, message, field);
}

absl::StatusOr<Metric> MetricOfRequest(const v1::SearchRequest& request,
                                       Metric own) {
  switch (request.metric()) {
    case v1::METRIC_UNSPECIFIED:
      return own;
    case v1::METRIC_COSINE:
      return Metric::kCosine;
    case v1::METRIC_EUCLIDEAN:
      return Metric::kEuclidean;
    case v1::METRIC_MANHATTAN:
      return Metric::kManhattan;
    default:
      return Invalid("metric",
                     absl::StrCat("metric ", request.metric(),
                                  " is not known; right is 0 (the index's "
                                  "own), 1 (cosine), 2 (Euclidean) or 3 "
                                  "(Manhattan)"));
  }
}

absl::StatusOr<std::vector<float>> EmphasisOf(
    const v1::SearchRequest& request, const std::vector<Block>& blocks) {
  if (request.emphasis().empty()) return std::vector<float>();
  std::vector<float> emphasis(blocks.size(), 1);
  for (int i = 0; i < request.emphasis_size(); ++i) {
    const v1::BlockEmphasis& wish = request.emphasis(i);
    const std::string field = absl::StrCat("emphasis[", i, "]");
    auto block = std::find_if(
        blocks.begin(), blocks.end(),
        [&wish](const Block& b) { return b.name == wish.block(); });
    if (block == blocks.end()) {
      std::string names;
      for (const Block& known : blocks) {
        absl::StrAppend(&names, names.empty() ? "" : ", ", known.name);
      }
      return Invalid(field + ".block",
                     absl::StrCat("the model has no block '", wish.block(),
                                  "'; its blocks are ", names));
    }
    VITRINE_RETURN_IF_ERROR(
        CheckRange(field + ".emphasis", wish.emphasis(), 0, kMaxEmphasis));
    emphasis[block - blocks.begin()] = wish.emphasis();
  }
  if (std::all_of(emphasis.begin(), emphasis.end(),
                  [](float e) { return e == 0; })) {
    return Invalid("emphasis",
                   "every block has emphasis 0, so that nothing is left to "
                   "compare; give at least one a positive emphasis");
  }
  return emphasis;
}

absl::StatusOr<SearchParams> ParamsOf(const v1::SearchRequest& request,
                                      const std::vector<Block>& blocks,
                                      Metric metric) {
  SearchParams params;
  params.k = request.has_k() ? request.k() : 10;
  VITRINE_RETURN_IF_ERROR(CheckRange("k", params.k, 1, kMaxResults));
  params.offset = request.offset();
  VITRINE_RETURN_IF_ERROR(
      CheckRange("offset", params.offset, 0, kMaxResults - params.k));
  params.min_score = request.min_score();
  VITRINE_RETURN_IF_ERROR(CheckRange("min_score", params.min_score, 0, 1));
  if (request.has_group_by_product()) {
    params.group_by_product = request.group_by_product();
  }
  VITRINE_ASSIGN_OR_RETURN(params.metric, MetricOfRequest(request, metric));
  params.exact = request.exact();
  if (request.has_ef()) {
    params.ef = request.ef();
    VITRINE_RETURN_IF_ERROR(CheckRange("ef", params.ef, 1, kMaxEf));
  }
  if (request.has_min_recall()) {
    params.min_recall = request.min_recall();
    if (!(params.min_recall > 0 && params.min_recall <= 1)) {
      return Invalid("min_recall",
                     absl::StrCat("min_recall is ", params.min_recall,
                                  "; right is more than 0, up to 1"));
    }
    if (request.has_ef()) {
      return Invalid("min_recall",
                     "min_recall picks ef, and the request gives both; leave "
                     "one of them unset");
    }
  }
  VITRINE_ASSIGN_OR_RETURN(params.emphasis, EmphasisOf(request, blocks));
  params.collapse_near_duplicates = request.collapse_near_duplicates();
  VITRINE_ASSIGN_OR_RETURN(params.diversity, LimitsOf(request.diversity()));
  VITRINE_RETURN_IF_ERROR(CheckBoosts(request.boosts()));
  VITRINE_RETURN_IF_ERROR(CheckExclusions(request.exclude_product_ids_size()));
  for (const std::string& id : request.exclude_product_ids()) {
    params.excluded_products.insert(id);
  }
  if (request.exclude_query_products()) {
    for (const v1::Example& example : request.examples()) {
      if (example.has_product_id()) {
        params.excluded_products.insert(example.product_id());
      }
    }
  }
  return params;
}

absl::Status CheckExamples(const v1::SearchRequest& request,
                           const std::vector<Block>& blocks) {
  if (request.examples().empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     v1::ERROR_REASON_NO_EXAMPLE,
                     "the search has no example; give at least one picture, "
                     "product id or vector",
                     "examples");
  }
  VITRINE_RETURN_IF_ERROR(
      CheckCount("examples", request.examples_size(), 1, kMaxExamples));
  bool any_positive = false;
  for (int i = 0; i < request.examples_size(); ++i) {
    const v1::Example& example = request.examples(i);
    const std::string field = absl::StrCat("examples[", i, "]");
    const float weight = example.has_weight() ? example.weight() : 1;
    if (!std::isfinite(weight)) {
      return Invalid(field + ".weight",
                     absl::StrCat("the weight ", weight,
                                  " is no number; right "
                                  "is any finite one, negative for 'less like "
                                  "this'"));
    }
    any_positive = any_positive || weight > 0;
    switch (example.source_case()) {
      case v1::Example::kVector:
        VITRINE_RETURN_IF_ERROR(
            CheckVector(blocks,
                        {example.vector().values().data(),
                         static_cast<size_t>(example.vector().values_size())},
                        field + ".vector.values"));
        break;
      case v1::Example::kImage:
      case v1::Example::kProductId:
        break;
      case v1::Example::SOURCE_NOT_SET:
        return MakeError(
            absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_NO_EXAMPLE,
            absl::StrCat(field,
                         " is empty; it needs an image, a product_id "
                         "or a vector"),
            field);
    }
  }
  if (!any_positive) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     v1::ERROR_REASON_EXAMPLES_CANCEL,
                     "no example has a positive weight; a search needs "
                     "something to look for",
                     "examples");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRange(std::string_view field, double value, double min,
                        double max) {
  if (value >= min && value <= max) return absl::OkStatus();
  const std::string name(field);
  // Whole numbers in full: a limit is no use as "2e+06".
  auto text = [](double number) {
    return std::fabs(number) < 1e15 && number == std::floor(number)
               ? absl::StrCat(static_cast<int64_t>(number))
               : absl::StrCat(number);
  };
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_INVALID_PARAMETER,
                   absl::StrCat(name, " is ", text(value), "; right is ",
                                text(min), " to ", text(max)),
                   field, value < min ? min : max);
}

absl::Status CheckCount(std::string_view field, int count, int min, int max) {
  if (count >= min && count <= max) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_INVALID_PARAMETER,
                   absl::StrCat(std::string(field), " has ", count,
                                " entries; right is ", min, " to ", max),
                   field, count < min ? min : max);
}

absl::StatusOr<std::vector<DiversityLimit>> LimitsOf(
    const google::protobuf::RepeatedPtrField<v1::Diversity>& diversity) {
  VITRINE_RETURN_IF_ERROR(
      CheckCount("diversity", diversity.size(), 0, kMaxDiversity));
  std::vector<DiversityLimit> limits;
  for (int i = 0; i < diversity.size(); ++i) {
    const std::string field = absl::StrCat("diversity[", i, "]");
    if (diversity[i].attribute().empty()) {
      return Invalid(field + ".attribute",
                     field +
                         " names no attribute; give one, such as "
                         "\"category\"");
    }
    VITRINE_RETURN_IF_ERROR(
        CheckRange(field + ".limit", diversity[i].limit(), 1, kMaxResults));
    limits.push_back({diversity[i].attribute(), diversity[i].limit()});
  }
  return limits;
}

absl::Status CheckExclusions(int count) {
  return CheckCount("exclude_product_ids", count, 0, kMaxExcludedProducts);
}

absl::Status CheckContent(
    std::string_view field,
    const google::protobuf::RepeatedPtrField<std::string>& content_sha256s) {
  VITRINE_RETURN_IF_ERROR(
      CheckCount(field, content_sha256s.size(), 0, kMaxContents));
  for (const std::string& sha256 : content_sha256s) {
    if (sha256.size() == sizeof(Sha256Digest)) continue;
    return Invalid(
        field, absl::StrCat(std::string(field), " holds one of ", sha256.size(),
                            " bytes; right is ", sizeof(Sha256Digest),
                            ", the SHA-256 of a picture"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SearchParams> CheckRequest(const v1::SearchRequest& request,
                                          const std::vector<Block>& blocks,
                                          Metric metric) {
  VITRINE_RETURN_IF_ERROR(CheckExamples(request, blocks));
  VITRINE_ASSIGN_OR_RETURN(SearchParams params,
                           ParamsOf(request, blocks, metric));
  VITRINE_RETURN_IF_ERROR(CheckFacets(request));
  VITRINE_RETURN_IF_ERROR(
      CheckContent("content_sha256s", request.content_sha256s()));
  return params;
}

absl::StatusOr<ProductVector> VectorOfProduct(const Snapshot& snapshot,
                                              std::string_view product_id,
                                              std::string_view field) {
  auto product = snapshot.FindProduct(product_id);
  if (!product.ok()) return WithField(product.status(), field);
  ProductVector result;
  std::vector<ProductPicture> pictures;
  snapshot.ForEachRowOf(product_id, [&](const Shard& shard, uint32_t row) {
    const RowKey key = shard.key(row);
    ProductPicture& picture = pictures.emplace_back();
    picture.key = key.image_key;
    picture.vector.resize(static_cast<size_t>(snapshot.dim()));
    FloatsFromHalves(shard.vector(row), picture.vector.size(),
                     picture.vector.data());
    result.sha256s.emplace_back(key.sha256);
  });
  auto mean =
      MeanOfPictures(snapshot.blocks(), product_id, field, std::move(pictures));
  if (!mean.ok()) return mean.status();
  result.vector = *std::move(mean);
  return result;
}

absl::StatusOr<std::vector<float>> MeanOfPictures(
    const std::vector<Block>& blocks, std::string_view product_id,
    std::string_view field, std::vector<ProductPicture> pictures) {
  if (pictures.empty()) {
    return MakeError(absl::StatusCode::kNotFound,
                     v1::ERROR_REASON_UNKNOWN_IMAGE,
                     absl::StrCat("product '", std::string(product_id),
                                  "' has no searchable picture"),
                     field);
  }
  // Sums of numbers depend on their order, and that of rows on their shards.
  std::sort(pictures.begin(), pictures.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<WeightedVector> examples;
  for (const ProductPicture& picture : pictures) {
    examples.push_back({picture.vector.data(), 1});
  }
  auto mean = CombineExamples(blocks, examples);
  if (!mean.ok()) return WithField(mean.status(), field);
  // That of one picture has the rounding of stored vectors.
  NormaliseBlocks(blocks, mean->data());
  return mean;
}

absl::StatusOr<Query> BuildQuery(const Serving& serving,
                                 const v1::SearchRequest& request,
                                 const Call& call, v1::Timings* timings) {
  const Snapshot& snapshot = serving.snapshot();
  VITRINE_RETURN_IF_ERROR(CheckPreconditions(snapshot, request.min_generation(),
                                             request.required_model()));
  Query query;
  VITRINE_ASSIGN_OR_RETURN(
      query.params,
      CheckRequest(request, snapshot.blocks(), MetricOf(snapshot.set())));
  VITRINE_ASSIGN_OR_RETURN(query.rows,
                           SelectRows(snapshot, FilterOf(request), call));
  query.params.filter = query.rows.get();
  query.sha256s.assign(request.content_sha256s().begin(),
                       request.content_sha256s().end());

  std::vector<std::vector<float>> vectors(request.examples_size());
  std::vector<WeightedVector> examples(request.examples_size());
  std::vector<PictureInput> pictures;
  std::vector<int> example_of_picture;
  for (int i = 0; i < request.examples_size(); ++i) {
    const v1::Example& example = request.examples(i);
    examples[i].weight = example.has_weight() ? example.weight() : 1;
    const std::string field = absl::StrCat("examples[", i, "]");
    if (example.has_image()) {
      pictures.push_back({&example.image(), field + ".image"});
      example_of_picture.push_back(i);
    } else if (example.has_vector()) {
      vectors[i].assign(example.vector().values().begin(),
                        example.vector().values().end());
      NormaliseBlocks(snapshot.blocks(), vectors[i].data());
    } else {
      VITRINE_ASSIGN_OR_RETURN(ProductVector product,
                               VectorOfProduct(snapshot, example.product_id(),
                                               field + ".product_id"));
      vectors[i] = std::move(product.vector);
      if (examples[i].weight > 0) {
        std::move(product.sha256s.begin(), product.sha256s.end(),
                  std::back_inserter(query.sha256s));
      }
    }
  }
  auto embedded = EmbedPictures(serving, pictures, call, timings);
  for (size_t p = 0; p < embedded.size(); ++p) {
    if (!embedded[p].ok()) return embedded[p].status();
    const int i = example_of_picture[p];
    vectors[i] = std::move(embedded[p]->vector);
    if (examples[i].weight > 0 && !embedded[p]->sha256.empty()) {
      query.sha256s.push_back(std::move(embedded[p]->sha256));
    }
  }
  for (size_t i = 0; i < examples.size(); ++i) {
    examples[i].vector = vectors[i].data();
  }
  VITRINE_ASSIGN_OR_RETURN(query.vector,
                           CombineExamples(snapshot.blocks(), examples));

  if (request.examples_size() == 1 && request.examples(0).has_product_id() &&
      !query.params.excluded_products.contains(
          request.examples(0).product_id()) &&
      HasRowOf(snapshot, query.rows.get(), request.examples(0).product_id())) {
    query.first_product = request.examples(0).product_id();
  }
  return query;
}

}  // namespace vitrine
