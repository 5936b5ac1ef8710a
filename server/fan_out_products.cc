#include "server/fan_out_products.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "server/fan_out_search.h"
#include "server/gather.h"

namespace vitrine {
namespace {

// As those of server/products.cc.
constexpr int kProductsPerMessage = 64;
constexpr size_t kBytesPerMessage = 1 << 20;

// What the one partition that has a product says.
template <typename Response, typename Request>
absl::StatusOr<Response> AskOwner(const Partitions& partitions,
                                  const Request& request, const Call& call) {
  auto answers = Gather<Response>(
      AskAll(partitions.all(), request), partitions.HandDown(call),
      [](size_t, const absl::Status& status, const Response&) {
        return status.ok() ||
               ErrorOf(status).reason() == v1::ERROR_REASON_UNKNOWN_IMAGE;
      });
  VITRINE_RETURN_IF_ERROR(call.Check());
  Shortfall shortfall(partitions, /*require_complete=*/false);
  absl::Status unknown;
  for (auto& answer : answers) {
    if (answer.status.ok()) return std::move(answer.response);
    // It has the product, but not the picture.
    if (ErrorOf(answer.status).reason() == v1::ERROR_REASON_UNKNOWN_IMAGE)
      return answer.status;
    if (absl::IsNotFound(answer.status)) unknown = answer.status;
  }
  for (const auto& answer : answers) {
    if (absl::IsNotFound(answer.status)) continue;
    VITRINE_RETURN_IF_ERROR(shortfall.Add(answer.backend, answer.status));
  }
  if (shortfall.missing().empty()) return unknown;
  return shortfall.Unavailable(
      absl::StrCat("product '", request.product_id(),
                   "' is in no partition that can be asked; missing are "));
}

// Merges the streams of all partitions.
class MergedProducts final : public ProductStream {
 public:
  MergedProducts(const Partitions& partitions,
                 const v1::ListProductsRequest& request, const Call& call)
      : partitions_(partitions) {
    for (Backend* backend : partitions.all())
      heads_.push_back({backend, backend->List(request, call)});
  }

  absl::StatusOr<v1::ListProductsResponse> Next() override {
    v1::ListProductsResponse response;
    for (Head& head : heads_) VITRINE_RETURN_IF_ERROR(Fill(&head));
    response.set_model(model_);
    size_t bytes = 0;
    while (response.products_size() < kProductsPerMessage &&
           bytes < kBytesPerMessage) {
      Head* least = nullptr;
      for (Head& head : heads_) {
        if (head.ended) continue;
        if (least == nullptr ||
            head.product().product_id() < least->product().product_id()) {
          least = &head;
        }
      }
      if (least == nullptr) break;
      v1::Product* product = response.add_products();
      *product = std::move(least->product());
      bytes += product->ByteSizeLong();
      ++least->next;
      VITRINE_RETURN_IF_ERROR(Fill(least));
    }
    return response;
  }

 private:
  struct Head {
    Backend* backend;
    std::unique_ptr<ProductStream> stream;
    v1::ListProductsResponse message = {};
    int next = 0;  // Of the message's products.
    bool ended = false;

    v1::Product& product() { return *message.mutable_products(next); }
  };

  // Sees to it that a head has a product, or has ended.
  absl::Status Fill(Head* head) {
    if (head->ended || head->next < head->message.products_size())
      return absl::OkStatus();
    auto message = head->stream->Next();
    if (!message.ok()) {
      Shortfall shortfall(partitions_, /*require_complete=*/true);
      return shortfall.Add(head->backend, message.status());
    }
    head->message = *std::move(message);
    head->next = 0;
    head->ended = head->message.products().empty();
    const std::string& model = head->message.model();
    if (model_.empty()) model_ = model;
    if (model.empty() || model == model_) return absl::OkStatus();
    return MakeError(
        absl::StatusCode::kUnavailable, v1::ERROR_REASON_PARTITION_UNAVAILABLE,
        absl::StrCat(head->backend->name(), " serves model ", model,
                     ", and others ", model_, "; try again when all do"),
        {}, std::nullopt, /*retry_after_ms=*/1000);
  }

  const Partitions& partitions_;
  std::vector<Head> heads_;
  std::string model_;
};

void AddCounts(const v1::DescribeIndexResponse& one,
               std::map<std::string, v1::CategorySummary>* categories,
               std::map<std::string, v1::AttributeSummary>* attributes) {
  for (const v1::CategorySummary& category : one.categories()) {
    v1::CategorySummary& sum = (*categories)[category.category()];
    const int64_t products = sum.products() + category.products();
    sum = category;
    sum.set_products(products);
  }
  for (const v1::AttributeSummary& attribute : one.attributes()) {
    v1::AttributeSummary& sum = (*attributes)[attribute.name()];
    const int64_t products = sum.products() + attribute.products();
    const bool mixed = sum.products() > 0 && sum.type() != attribute.type();
    sum = attribute;
    sum.set_products(products);
    if (mixed) sum.set_type(v1::ATTRIBUTE_TYPE_MIXED);
  }
}

// The mean over all queries that were compared.
void AddRecall(const v1::RecallFound& found, v1::DescribeIndexResponse* to) {
  for (v1::RecallFound& sum : *to->mutable_recall_found()) {
    if (sum.passing_from() != found.passing_from()) continue;
    const int64_t queries = sum.queries() + found.queries();
    const double hits =
        static_cast<double>(sum.recall()) * static_cast<double>(sum.queries()) +
        static_cast<double>(found.recall()) *
            static_cast<double>(found.queries());
    sum.set_queries(queries);
    if (queries > 0)
      sum.set_recall(static_cast<float>(hits / static_cast<double>(queries)));
    return;
  }
  *to->add_recall_found() = found;
}

void AddSets(const v1::DescribeIndexResponse& one,
             v1::DescribeIndexResponse* to) {
  for (const v1::VectorSetSummary& set : one.vector_sets()) {
    auto* sets = to->mutable_vector_sets();
    auto same =
        std::find_if(sets->begin(), sets->end(), [&](const auto& other) {
          return other.model().id() == set.model().id();
        });
    if (same == sets->end()) {
      *sets->Add() = set;
    } else {
      same->set_images(same->images() + set.images());
    }
  }
}

}  // namespace

absl::StatusOr<v1::GetProductResponse> FanOutGetProduct(
    const Partitions& partitions, const v1::GetProductRequest& request,
    const Call& call) {
  VITRINE_RETURN_IF_ERROR(
      CheckNoGeneration(request.min_generation(), partitions.all().size()));
  auto found = AskOwner<v1::GetProductResponse>(partitions, request, call);
  if (found.ok()) found->clear_generation();
  return found;
}

absl::StatusOr<v1::GetImageResponse> FanOutGetImage(
    const Partitions& partitions, const v1::GetImageRequest& request,
    const Call& call) {
  return AskOwner<v1::GetImageResponse>(partitions, request, call);
}

std::unique_ptr<ProductStream> FanOutList(
    const Partitions& partitions, const v1::ListProductsRequest& request,
    const Call& call) {
  return std::make_unique<MergedProducts>(partitions, request, call);
}

absl::StatusOr<v1::DescribeIndexResponse> FanOutDescribe(
    const Partitions& partitions, const std::string& version,
    const Call& call) {
  auto answers = Gather<v1::DescribeIndexResponse>(
      AskAll(partitions.all(), v1::DescribeIndexRequest()),
      partitions.HandDown(call),
      [&](size_t i, const absl::Status& status,
          const v1::DescribeIndexResponse& told) {
        if (status.ok()) partitions.Learn(partitions.all()[i], told);
        return false;
      });
  VITRINE_RETURN_IF_ERROR(call.Check());
  Shortfall shortfall(partitions, /*require_complete=*/false);
  for (const auto& answer : answers)
    VITRINE_RETURN_IF_ERROR(shortfall.Add(answer.backend, answer.status));
  VITRINE_RETURN_IF_ERROR(shortfall.Check());
  VITRINE_ASSIGN_OR_RETURN(const VectorFacts facts,
                           partitions.Facts({}, {}, call));

  v1::DescribeIndexResponse sum;
  std::map<std::string, v1::CategorySummary> categories;
  std::map<std::string, v1::AttributeSummary> attributes;
  std::vector<std::string> troubles;
  for (auto& answer : answers) {
    v1::DescribeIndexResponse& one = answer.response;
    v1::PartitionSummary* partition = sum.add_partitions();
    partition->set_name(answer.backend->name());
    std::string trouble(answer.status.message());
    if (answer.status.ok()) {
      partition->set_generation(one.generation());
      partition->set_images(one.images());
      partition->set_products(one.products());
      trouble = one.degraded_reason();
      if (one.model().id() != facts.model) {
        trouble = absl::StrCat("it serves model ", one.model().id(),
                               ", and answers are of model ", facts.model);
      } else if (!sum.has_model()) {
        *sum.mutable_model() = one.model();
        sum.set_metric(one.metric());
        sum.set_dim(one.dim());
      }
      // The newest of the partitions' publications.
      if (one.published_at().seconds() > sum.published_at().seconds())
        *sum.mutable_published_at() = one.published_at();
      sum.set_images(sum.images() + one.images());
      sum.set_products(sum.products() + one.products());
      sum.set_flat_shards(sum.flat_shards() + one.flat_shards());
      sum.set_hnsw_shards(sum.hnsw_shards() + one.hnsw_shards());
      AddCounts(one, &categories, &attributes);
      for (const v1::RecallFound& found : one.recall_found())
        AddRecall(found, &sum);
      AddSets(one, &sum);
    }
    partition->set_trouble(trouble);
    if (!trouble.empty())
      troubles.push_back(absl::StrCat(answer.backend->name(), ": ", trouble));
  }
  for (auto& [name, category] : categories)
    *sum.add_categories() = std::move(category);
  std::stable_sort(
      sum.mutable_categories()->begin(), sum.mutable_categories()->end(),
      [](const auto& a, const auto& b) { return a.products() > b.products(); });
  for (auto& [name, attribute] : attributes)
    *sum.add_attributes() = std::move(attribute);
  sum.set_degraded(!troubles.empty());
  sum.set_degraded_reason(absl::StrJoin(troubles, "; "));
  sum.set_server_version(version);
  return sum;
}

absl::Status FanOutCheckAttributes(const Partitions& partitions,
                                   const BoostList& boosts,
                                   const DiversityList& diversity,
                                   const Call& call) {
  if (boosts.empty() && diversity.empty()) return absl::OkStatus();
  VITRINE_ASSIGN_OR_RETURN(const v1::DescribeIndexResponse described,
                           FanOutDescribe(partitions, {}, call));
  for (const v1::PartitionSummary& partition : described.partitions()) {
    if (partition.generation() == 0) return absl::OkStatus();
  }
  std::vector<std::string_view> names;
  for (const v1::AttributeSummary& attribute : described.attributes())
    names.push_back(attribute.name());
  return CheckAttributes(boosts, diversity, names);
}

}  // namespace vitrine
