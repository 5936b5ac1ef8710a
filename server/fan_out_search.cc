#include "server/fan_out_search.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/filter.h"
#include "common/index/search_params.h"
#include "common/vector/blocks.h"
#include "server/answer.h"
#include "server/fan_out_examples.h"
#include "server/fan_out_products.h"
#include "server/gather.h"
#include "server/hit_merge.h"
#include "server/query.h"
#include "server/rerank.h"
#include "server/selection.h"

namespace vitrine {
namespace {

// The limits that search.proto names.
constexpr int kMostFacetValues = 10'000;
constexpr int kMostExcluded = 10'000;
constexpr size_t kMostContents = 1000;
// Where hits are passed over for others, so many are looked at, at the least.
constexpr int kLeastChoice = 64;

int KOf(const v1::SearchRequest& request) {
  return request.has_k() ? request.k() : 10;
}

// What the examples come to.
struct Target {
  std::vector<float> vector;
  std::vector<std::string> sha256s;
  const Backend* first = nullptr;  // Of the product that comes first.
  std::string first_product;
};

absl::StatusOr<Target> FindTarget(const Partitions& partitions,
                                  const VectorFacts& facts,
                                  const v1::SearchRequest& request,
                                  const Call& call, v1::Timings* timings) {
  std::vector<std::string> ids, id_fields, picture_fields;
  std::vector<const v1::ImageInput*> pictures;
  for (int i = 0; i < request.examples_size(); ++i) {
    const v1::Example& example = request.examples(i);
    const std::string field = absl::StrCat("examples[", i, "]");
    if (example.has_product_id()) {
      ids.push_back(example.product_id());
      id_fields.push_back(field + ".product_id");
    } else if (example.has_image()) {
      pictures.push_back(&example.image());
      picture_fields.push_back(field + ".image");
    }
  }
  VITRINE_ASSIGN_OR_RETURN(
      std::vector<FoundProduct> products,
      FindProducts(partitions, facts, ids, id_fields, call));
  VITRINE_ASSIGN_OR_RETURN(
      std::vector<FoundPicture> embedded,
      EmbedExamples(partitions, facts, request.model(), pictures,
                    picture_fields, call, timings));

  Target target;
  target.sha256s.assign(request.content_sha256s().begin(),
                        request.content_sha256s().end());
  std::vector<std::vector<float>> vectors;
  std::vector<WeightedVector> examples;
  size_t p = 0, e = 0;
  for (const v1::Example& example : request.examples()) {
    const float weight = example.has_weight() ? example.weight() : 1;
    if (example.has_product_id()) {
      FoundProduct& product = products[p++];
      vectors.push_back(std::move(product.vector));
      if (weight > 0) {
        target.sha256s.insert(target.sha256s.end(), product.sha256s.begin(),
                              product.sha256s.end());
      }
    } else if (example.has_image()) {
      FoundPicture& picture = embedded[e++];
      vectors.push_back(std::move(picture.vector));
      if (weight > 0 && !picture.sha256.empty())
        target.sha256s.push_back(std::move(picture.sha256));
    } else {
      vectors.emplace_back(example.vector().values().begin(),
                           example.vector().values().end());
      NormaliseBlocks(facts.blocks, vectors.back().data());
    }
    examples.push_back({nullptr, weight});
  }
  for (size_t i = 0; i < examples.size(); ++i)
    examples[i].vector = vectors[i].data();
  if (target.sha256s.size() > kMostContents)
    target.sha256s.resize(kMostContents);
  VITRINE_ASSIGN_OR_RETURN(target.vector,
                           CombineExamples(facts.blocks, examples));
  if (request.examples_size() == 1 && !ids.empty() &&
      !request.exclude_query_products()) {
    target.first = products[0].owner;
    target.first_product = ids[0];
  }
  return target;
}

void AddPlan(const v1::QueryPlan& plan, v1::QueryPlan* to) {
  auto is = [&](v1::QueryPlan::Kind a, v1::QueryPlan::Kind b) {
    return plan.kind() == a || plan.kind() == b || to->kind() == a ||
           to->kind() == b;
  };
  const bool walked =
      is(v1::QueryPlan::KIND_GRAPH_WALK, v1::QueryPlan::KIND_FILTERED_WALK);
  const bool filtered =
      is(v1::QueryPlan::KIND_FILTERED_SCAN, v1::QueryPlan::KIND_FILTERED_WALK);
  const bool is_first = to->kind() == v1::QueryPlan::KIND_UNSPECIFIED;
  to->set_kind(walked     ? filtered ? v1::QueryPlan::KIND_FILTERED_WALK
                                     : v1::QueryPlan::KIND_GRAPH_WALK
               : filtered ? v1::QueryPlan::KIND_FILTERED_SCAN
                          : v1::QueryPlan::KIND_EXACT_SCAN);
  to->set_ef(std::max(to->ef(), plan.ef()));
  to->set_rows_visited(to->rows_visited() + plan.rows_visited());
  to->set_rows_matching(to->rows_matching() + plan.rows_matching());
  to->set_shards(to->shards() + plan.shards());
  // The answer is known as well as the worst part of it.
  to->set_recall_basis(std::max(to->recall_basis(), plan.recall_basis()));
  to->set_recall(is_first ? plan.recall()
                          : std::min(to->recall(), plan.recall()));
}

void MergeFacets(const v1::SearchRequest& request,
                 const std::vector<Answer<v1::SearchResponse>>& answers,
                 v1::SearchResponse* response) {
  for (int f = 0; f < request.facets_size(); ++f) {
    std::map<std::string, int64_t> counts;
    int64_t others = 0;
    for (const auto& answer : answers) {
      if (answer.response.facets_size() <= f) continue;
      const v1::Facet& facet = answer.response.facets(f);
      for (const v1::Facet::Count& count : facet.counts())
        counts[count.value()] += count.count();
      others += facet.others();
    }
    std::vector<std::pair<int64_t, std::string>> sorted;
    for (const auto& [value, count] : counts)
      sorted.emplace_back(-count, value);
    std::sort(sorted.begin(), sorted.end());
    v1::Facet* merged = response->add_facets();
    merged->set_attribute(request.facets(f));
    for (auto& [minus_count, value] : sorted) {
      if (merged->counts_size() == FacetValuesOf(request)) {
        others -= minus_count;
        continue;
      }
      v1::Facet::Count* count = merged->add_counts();
      count->set_value(value);
      count->set_count(-minus_count);
    }
    merged->set_others(others);
  }
}

// Offers the hits of all partitions in their order, up to where one of those
// that have more may hold a better one. Whether any has more.
bool OfferAll(std::vector<Answer<v1::SearchResponse>>* answers, int asked,
              size_t needed, HitMerge* merge) {
  const v1::Hit* horizon = nullptr;
  std::vector<v1::Hit*> hits;
  for (auto& answer : *answers) {
    auto& found = *answer.response.mutable_hits();
    for (v1::Hit& hit : found) hits.push_back(&hit);
    if (found.size() < asked) continue;
    const v1::Hit& last = found[found.size() - 1];
    if (horizon == nullptr || ComesBefore(last, *horizon)) horizon = &last;
  }
  const std::optional<v1::Hit> end =
      horizon == nullptr ? std::nullopt : std::optional(*horizon);
  std::sort(hits.begin(), hits.end(), [](const v1::Hit* a, const v1::Hit* b) {
    return ComesBefore(*a, *b);
  });
  for (v1::Hit* hit : hits) {
    if (merge->hits().size() >= needed || (end && ComesBefore(*end, *hit)))
      break;
    merge->Offer(std::move(*hit));
  }
  return end.has_value();
}

// Makes a request look past what was offered already. False where that is not
// possible: the next answers would hold nothing new.
bool LookFurther(const v1::SearchRequest& request, const HitMerge& merge,
                 v1::SearchRequest* sub) {
  const bool groups =
      !request.has_group_by_product() || request.group_by_product();
  bool further = false;
  if (groups) {
    // No product is offered twice.
    sub->clear_exclude_product_ids();
    *sub->mutable_exclude_product_ids() = request.exclude_product_ids();
    for (const std::string& product : merge.products())
      sub->add_exclude_product_ids(product);
    further = sub->exclude_product_ids_size() <= kMostExcluded;
  } else if (sub->k() < kMaxResults) {
    sub->set_k(std::min(4 * sub->k(), kMaxResults));
    further = true;
  }
  if (v1::Filter full = merge.Full(); full.has_any()) {
    v1::Filter open;
    if (request.has_filter())
      *open.mutable_all()->add_filters() = request.filter();
    *open.mutable_all()->add_filters()->mutable_none()->add_filters() =
        std::move(full);
    if (CheckFilter(open, "filter").ok() &&
        open.SerializeAsString() != sub->filter().SerializeAsString()) {
      *sub->mutable_filter() = std::move(open);
      further = further || !groups;
    }
  }
  return further;
}

}  // namespace

absl::Status CheckNoGeneration(uint64_t min_generation, size_t partitions) {
  if (min_generation == 0) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat("min_generation is ", min_generation,
                   ", but the answer is of ", partitions,
                   " partitions with generations of their own; "
                   "leave it unset, or ask the server of one partition"),
      "min_generation");
}

absl::Status SearchPartitions(
    const Partitions& partitions, const VectorFacts& facts,
    const std::vector<float>& vector, const v1::SearchRequest& request,
    const Backend* first, const std::string& first_product, const Call& call,
    Shortfall* shortfall, v1::SearchResponse* response) {
  const auto needed =
      static_cast<size_t>(KOf(request)) + static_cast<size_t>(request.offset());
  HitMerge merge(request);
  v1::SearchRequest sub = request;
  sub.set_k(static_cast<int>(needed));
  sub.set_offset(0);
  sub.clear_diversity();
  sub.clear_collapse_near_duplicates();
  if (merge.is_selective()) {
    sub.set_k(
        std::clamp(2 * static_cast<int>(needed), kLeastChoice, kMaxResults));
    *sub.mutable_fields() = merge.FieldsNeeded();
  }
  if (!request.facets().empty()) sub.set_facet_values(kMostFacetValues);
  if (request.model().empty()) sub.set_required_model(facts.model);
  sub.clear_examples();
  sub.add_examples()->mutable_vector()->mutable_values()->Assign(vector.begin(),
                                                                 vector.end());
  for (bool first_round = true;; first_round = false) {
    auto questions = AskAll(shortfall->Present(), sub);
    for (auto& question : questions) {
      if (question.backend != first) continue;
      v1::SearchRequest by_product = sub;
      by_product.clear_examples();
      by_product.add_examples()->set_product_id(first_product);
      question.request =
          std::make_shared<const v1::SearchRequest>(std::move(by_product));
    }
    auto answers = Gather<v1::SearchResponse>(std::move(questions),
                                              partitions.HandDown(call));
    VITRINE_RETURN_IF_ERROR(call.Check());
    absl::Status noted;  // The first error, once note is taken of them all.
    for (auto& answer : answers) {
      // One that goes over to another metric keeps its model.
      if (answer.status.ok() && request.metric() == v1::METRIC_UNSPECIFIED &&
          answer.response.metric() != ToProto(facts.metric)) {
        answer.status = MakeError(
            absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_MODEL,
            "it compares by another metric than the others");
      }
      noted.Update(shortfall->Add(answer.backend, answer.status));
    }
    VITRINE_RETURN_IF_ERROR(noted);
    VITRINE_RETURN_IF_ERROR(shortfall->Check());
    for (auto& answer : answers) {
      if (!answer.status.ok()) continue;
      v1::SearchResponse& one = answer.response;
      if (!first_round) {
        response->mutable_plan()->set_rows_visited(
            response->plan().rows_visited() + one.plan().rows_visited());
        continue;
      }
      // What is missing from it is missing from ours.
      response->set_partial(response->partial() || one.partial());
      for (const std::string& missing : one.missing()) {
        response->add_missing(
            absl::StrCat(answer.backend->name(), ": ", missing));
      }
      AddPlan(one.plan(), response->mutable_plan());
      response->set_metric(one.metric());
      if (answer.backend == first && !one.hits().empty() &&
          one.hits(0).product_id() == first_product) {
        merge.Take(one.hits(0));
      }
    }
    if (first_round) MergeFacets(request, answers, response);
    const bool more = OfferAll(&answers, sub.k(), needed, &merge);
    if (merge.hits().size() >= needed || !more) break;
    sub.clear_facets();
    if (!LookFurther(request, merge, &sub)) {
      response->set_partial(true);
      response->add_missing(absl::StrCat(
          "further hits: of the nearest ", merge.products().size(),
          " products only ", merge.hits().size(),
          " keep within the limits, and no others were looked at"));
      break;
    }
  }
  merge.Give(static_cast<size_t>(request.offset()), response->mutable_hits());
  response->set_model(facts.model);
  Tell(*shortfall, response);
  return absl::OkStatus();
}

namespace {

absl::Status TrySearch(const Partitions& partitions,
                       const v1::SearchRequest& request, const Call& call,
                       v1::SearchResponse* response) {
  v1::Timings* timings = response->mutable_timings();
  timings->set_queue_ms(MillisecondsSince(call.arrived));
  VITRINE_ASSIGN_OR_RETURN(
      const VectorFacts facts,
      partitions.Facts(request.required_model(), request.model(), call));
  VITRINE_RETURN_IF_ERROR(
      CheckRequest(request, facts.blocks, facts.metric).status());
  VITRINE_ASSIGN_OR_RETURN(
      const Target target,
      FindTarget(partitions, facts, request, call, timings));
  const auto begin = std::chrono::steady_clock::now();
  v1::SearchRequest resolved = request;
  resolved.clear_examples();
  resolved.clear_exclude_query_products();
  resolved.clear_content_sha256s();
  for (const std::string& sha256 : target.sha256s)
    resolved.add_content_sha256s(sha256);
  if (request.exclude_query_products()) {
    for (const v1::Example& example : request.examples()) {
      if (example.has_product_id())
        resolved.add_exclude_product_ids(example.product_id());
    }
    VITRINE_RETURN_IF_ERROR(
        CheckExclusions(resolved.exclude_product_ids_size()));
  }
  const auto& excluded = resolved.exclude_product_ids();
  const bool is_excluded = std::find(excluded.begin(), excluded.end(),
                                     target.first_product) != excluded.end();
  Shortfall shortfall(partitions, request.require_complete(), &facts);
  const Backend* const first = is_excluded ? nullptr : target.first;
  if (request.boosts().empty()) {
    VITRINE_RETURN_IF_ERROR(
        SearchPartitions(partitions, facts, target.vector, resolved, first,
                         target.first_product, call, &shortfall, response));
  } else {
    VITRINE_RETURN_IF_ERROR(
        FanOutCheckAttributes(partitions, request.boosts(), {}, call));
    const v1::SearchRequest rules = RerankRules(request);
    Reranker reranker(rules, std::nullopt,
                      first == nullptr ? "" : target.first_product);
    resolved.clear_boosts();
    resolved.clear_diversity();
    resolved.set_offset(0);
    int asked = 0;
    do {
      asked = reranker.candidates();
      resolved.set_k(asked);
      *resolved.mutable_fields() = reranker.fields();
      const v1::Timings spent = response->timings();
      response->Clear();
      *response->mutable_timings() = spent;
      VITRINE_RETURN_IF_ERROR(
          SearchPartitions(partitions, facts, target.vector, resolved, first,
                           target.first_product, call, &shortfall, response));
    } while (!reranker.Choose(response->hits_size() < asked,
                              response->mutable_hits()));
  }
  response->mutable_timings()->set_search_ms(MillisecondsSince(begin));
  return absl::OkStatus();
}

}  // namespace

absl::Status FanOutSearch(const Partitions& partitions,
                          const v1::SearchRequest& request, const Call& call,
                          v1::SearchResponse* response) {
  VITRINE_RETURN_IF_ERROR(call.Check());
  VITRINE_RETURN_IF_ERROR(
      CheckNoGeneration(request.min_generation(), partitions.all().size()));
  if (request.has_filter()) {
    VITRINE_RETURN_IF_ERROR(CheckFilter(request.filter(), "filter"));
  }
  return partitions.Attempt(call, [&] {
    response->Clear();
    return TrySearch(partitions, request, call, response);
  });
}

}  // namespace vitrine
