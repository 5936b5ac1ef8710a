#include "server/search_handler.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/search.h"
#include "common/vector/kernels.h"
#include "server/answer.h"
#include "server/pictures.h"
#include "server/preconditions.h"
#include "server/query.h"
#include "server/recall_monitor.h"
#include "server/rerank.h"
#include "server/selection.h"

namespace vitrine {
namespace {

constexpr int kMaxEmbedPictures = 64;

// What may be asked of a brief search.
constexpr int kBriefExamples = 4;
constexpr int kBriefResults = 100;
constexpr int kBriefEf = 128;

// The picture of `product_id` that is most similar to the query.
SearchHit BestPictureOf(const Snapshot& snapshot, std::string_view product_id,
                        const std::vector<float>& query) {
  SearchHit best;
  float best_similarity = 0;
  snapshot.ForEachRowOf(product_id, [&](const Shard& shard, uint32_t row) {
    const float similarity =
        DotHalf(query.data(), shard.vector(row), snapshot.dim());
    if (best.shard == nullptr || similarity > best_similarity) {
      best.shard = &shard;
      best.row = row;
      best_similarity = similarity;
    }
  });
  best.score = 1;
  best.block_cosines.assign(snapshot.blocks().size(), 1);
  return best;
}

// A request on its way to its answer.
struct Asked {
  const v1::SearchRequest* request = nullptr;
  absl::Status status;
  Query query;
  SearchHit first;  // What the query's params point to, where they do.
  // Where the request has boosts: what orders the candidates by them.
  v1::SearchRequest rules;
  std::optional<Reranker> reranker;
  v1::SearchResponse* response = nullptr;
};

// Fills in the query.
absl::Status Ask(const Serving& serving, const Call& call, Asked* asked) {
  v1::Timings* timings = asked->response->mutable_timings();
  timings->set_queue_ms(MillisecondsSince(call.arrived));
  VITRINE_RETURN_IF_ERROR(call.Check());
  VITRINE_ASSIGN_OR_RETURN(asked->query,
                           BuildQuery(serving, *asked->request, call, timings));
  // By the mean of its pictures alone it may not be the first.
  if (!asked->query.first_product.empty()) {
    asked->first = BestPictureOf(serving.snapshot(), asked->query.first_product,
                                 asked->query.vector);
    asked->query.params.first = &asked->first;
  }
  if (!asked->request->boosts().empty()) {
    VITRINE_RETURN_IF_ERROR(CheckAttributes(
        asked->request->boosts(), {}, serving.catalogue().AttributeNames()));
    asked->rules = RerankRules(*asked->request);
    asked->reranker.emplace(asked->rules, std::nullopt,
                            asked->query.first_product);
    asked->query.params.k = asked->reranker->candidates();
    asked->query.params.offset = 0;
    asked->query.params.diversity.clear();
  }
  asked->query.params.stop = [&call] {
    return call.brief || !call.Check().ok();
  };
  return call.Check();
}

// Adds the best hits by the request's boosts, looking for more candidates where
// those that were found are too few.
absl::Status AddReranked(const Snapshot& snapshot, const SearchResult& result,
                         Asked* asked) {
  auto& hits = *asked->response->mutable_hits();
  std::span<const SearchHit> found = result.hits;
  SearchResult more;
  while (true) {
    const int wanted = asked->query.params.k;
    AddHits(snapshot, found, asked->reranker->fields(), asked->query.sha256s,
            &hits);
    if (asked->reranker->Choose(static_cast<int>(found.size()) < wanted, &hits))
      return absl::OkStatus();
    hits.Clear();
    asked->query.params.k = asked->reranker->candidates();
    VITRINE_ASSIGN_OR_RETURN(
        more, Search(snapshot, asked->query.vector, asked->query.params));
    found = more.hits;
  }
}

// Fills in the response.
absl::Status Answer(const Serving& serving, const SearchResult& result,
                    Asked* asked) {
  const Snapshot& snapshot = serving.snapshot();
  const Query& query = asked->query;
  if (serving.recall_monitor() != nullptr) {
    serving.recall_monitor()->Offer(serving.shared_snapshot(), query, result);
  }
  v1::SearchResponse& response = *asked->response;
  if (asked->reranker) {
    VITRINE_RETURN_IF_ERROR(AddReranked(snapshot, result, asked));
  } else {
    AddHits(snapshot, result.hits, asked->request->fields(), query.sha256s,
            response.mutable_hits());
  }
  response.set_generation(snapshot.generation());
  response.set_model(snapshot.set().model());
  response.set_metric(ToProto(query.params.metric));
  *response.mutable_plan() = MakePlan(snapshot, result);
  AddFacets(snapshot, *asked->request, query.rows.get(), &response);
  return absl::OkStatus();
}

// Of one vector set; see HandleSearches.
std::vector<absl::Status> SearchTogether(
    const Serving& serving, std::span<const v1::SearchRequest* const> requests,
    const Call& call, std::span<v1::SearchResponse* const> responses) {
  const Snapshot& snapshot = serving.snapshot();
  std::vector<Asked> asked(requests.size());
  std::vector<SearchQuery> queries;
  for (size_t i = 0; i < requests.size(); ++i) {
    asked[i].request = requests[i];
    asked[i].response = responses[i];
    asked[i].status = Ask(serving, call, &asked[i]);
    if (asked[i].status.ok())
      queries.push_back({asked[i].query.vector, &asked[i].query.params});
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto found = SearchBatch(snapshot, queries);
  std::vector<absl::Status> statuses;
  auto result = found.begin();
  for (Asked& one : asked) {
    if (one.status.ok()) {
      if (result->ok()) {
        one.status = Answer(serving, **result, &one);
        one.response->mutable_timings()->set_search_ms(
            MillisecondsSince(begin));
      } else {
        // The call's own word on why it was stopped.
        if (absl::IsCancelled(result->status())) one.status = call.Check();
        one.status.Update(result->status());
      }
      ++result;
    }
    statuses.push_back(std::move(one.status));
  }
  return statuses;
}

}  // namespace

bool HasPictures(const v1::SearchRequest& request) {
  return std::any_of(
      request.examples().begin(), request.examples().end(),
      [](const v1::Example& example) { return example.has_image(); });
}

bool IsBrief(const Snapshot& snapshot, const v1::SearchRequest& request) {
  if (HasPictures(request) || request.examples_size() > kBriefExamples ||
      int64_t{request.k()} + request.offset() > kBriefResults ||
      request.ef() > kBriefEf || request.has_min_recall() || request.exact() ||
      request.metric() != v1::METRIC_UNSPECIFIED || request.has_filter() ||
      snapshot.selector().has_windows() || !request.facets().empty() ||
      !request.model().empty() || !request.exclude_product_ids().empty() ||
      !request.diversity().empty() || !request.boosts().empty() ||
      request.collapse_near_duplicates() || request.fields().thumbnail() ||
      request.fields().vector()) {
    return false;
  }
  uint32_t scanned = 0;
  for (const LiveShard& live : snapshot.shards()) {
    if (live.shard->graph() == nullptr) scanned += live.shard->rows();
  }
  return scanned <= kLongScan;
}

absl::Status HandleSearch(const Serving& serving,
                          const v1::SearchRequest& request, const Call& call,
                          v1::SearchResponse* response) {
  const v1::SearchRequest* const only = &request;
  VITRINE_ASSIGN_OR_RETURN(const Serving* const asked,
                           ServingOf(serving, request.model()));
  return CheckedOf(
      serving, *asked,
      SearchTogether(*asked, {&only, 1}, call, {&response, 1}).front());
}

std::vector<absl::Status> HandleSearches(
    const Serving& serving, std::span<const v1::SearchRequest* const> requests,
    const Call& call, std::span<v1::SearchResponse* const> responses) {
  const bool one_model =
      std::all_of(requests.begin(), requests.end(),
                  [](const auto* one) { return one->model().empty(); });
  if (one_model) return SearchTogether(serving, requests, call, responses);
  std::vector<absl::Status> statuses;
  for (size_t i = 0; i < requests.size(); ++i) {
    statuses.push_back(HandleSearch(serving, *requests[i], call, responses[i]));
  }
  return statuses;
}
absl::StatusOr<v1::EmbedResponse> HandleEmbed(const Serving& serving,
                                              const v1::EmbedRequest& request,
                                              const Call& call) {
  v1::EmbedResponse response;
  response.mutable_timings()->set_queue_ms(MillisecondsSince(call.arrived));
  VITRINE_RETURN_IF_ERROR(call.Check());
  VITRINE_ASSIGN_OR_RETURN(const Serving* const asked,
                           ServingOf(serving, request.model()));
  VITRINE_RETURN_IF_ERROR(CheckPreconditions(
      asked->snapshot(), /*min_generation=*/0, request.required_model()));
  VITRINE_RETURN_IF_ERROR(
      CheckCount("images", request.images_size(), 1, kMaxEmbedPictures));
  std::vector<PictureInput> pictures;
  for (int i = 0; i < request.images_size(); ++i) {
    pictures.push_back({&request.images(i), absl::StrCat("images[", i, "]")});
  }
  for (const auto& embedded :
       EmbedPictures(*asked, pictures, call, response.mutable_timings())) {
    v1::EmbedResponse::Item* item = response.add_items();
    if (embedded.ok()) {
      item->mutable_vector()->mutable_values()->Assign(embedded->vector.begin(),
                                                       embedded->vector.end());
    } else {
      *item->mutable_error() = ErrorOf(embedded.status());
    }
  }
  VITRINE_RETURN_IF_ERROR(call.Check());
  response.set_model(asked->snapshot().set().model());
  return response;
}

}  // namespace vitrine
