#include "server/recommend.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/index/search.h"
#include "common/vector/blocks.h"
#include "server/answer.h"
#include "server/catalogue.h"
#include "server/learned_complements.h"
#include "server/pictures.h"
#include "server/preconditions.h"
#include "server/query.h"
#include "server/rerank.h"
#include "server/selection.h"
#include "server/subject.h"

namespace vitrine {
namespace {

class Recommender {
 public:
  Recommender(const Serving& serving, const v1::RecommendRequest& request)
      : serving_(serving),
        snapshot_(serving.snapshot()),
        catalogue_(serving.catalogue()),
        request_(request),
        subject_(request, serving.slots()) {
    excluded_.insert(request.exclude_product_ids().begin(),
                     request.exclude_product_ids().end());
    if (request.has_product_id()) excluded_.insert(request.product_id());
    if (request.has_product()) excluded_.insert(request.product().product_id());
  }

  absl::StatusOr<v1::RecommendResponse> Run(const Call& call) {
    v1::RecommendResponse response;
    v1::Timings& timings = *response.mutable_timings();
    timings.set_queue_ms(MillisecondsSince(call.arrived));
    VITRINE_RETURN_IF_ERROR(Check());
    VITRINE_ASSIGN_OR_RETURN(rows_,
                             SelectRows(snapshot_, FilterOf(request_), call));
    VITRINE_RETURN_IF_ERROR(FindSubject(call, &timings));
    VITRINE_RETURN_IF_ERROR(call.Check());
    const auto begin = std::chrono::steady_clock::now();
    if (subject_.NeedsNeighbours()) {
      VITRINE_ASSIGN_OR_RETURN(
          const Hits neighbours,
          FindNear(subject_.vector, kNeighboursAsked, Metric::kCosine, {},
                   /*filter=*/nullptr, v1::ReturnFields()));
      subject_.AskNeighbours(neighbours);
    }
    VITRINE_RETURN_IF_ERROR(AddSimilar(call, &response));
    VITRINE_RETURN_IF_ERROR(AddComplements(call, &response));
    response.set_category(subject_.category());
    response.set_category_confidence(subject_.confidence());
    response.set_slot(std::string(subject_.sure_slot()));
    response.set_generation(snapshot_.generation());
    response.set_model(snapshot_.set().model());
    if (snapshot_.complements() != nullptr)
      response.set_learned_complements(snapshot_.complements()->digest());
    timings.set_search_ms(MillisecondsSince(begin));
    return response;
  }

 private:
  absl::Status Check() const {
    VITRINE_RETURN_IF_ERROR(CheckPreconditions(
        snapshot_, request_.min_generation(), request_.required_model()));
    VITRINE_RETURN_IF_ERROR(CheckRecommend(request_, serving_.slots()));
    if (!request_.category().empty() &&
        catalogue_.FindCategory(request_.category()) == nullptr) {
      return UnknownCategory(request_.category(), catalogue_.CloseCategories(
                                                      request_.category(), 3));
    }
    return CheckAttributes(request_.boosts(), request_.diversity(),
                           catalogue_.AttributeNames());
  }

  // Its vector, and what it or the caller tells of it.
  absl::Status FindSubject(const Call& call, v1::Timings* timings) {
    if (request_.has_image()) {
      auto embedded = EmbedPictures(serving_, {{&request_.image(), "image"}},
                                    call, timings);
      if (!embedded[0].ok()) return embedded[0].status();
      subject_.vector = std::move(embedded[0]->vector);
      if (!embedded[0]->sha256.empty())
        subject_.sha256s.push_back(std::move(embedded[0]->sha256));
    } else if (request_.has_product()) {
      VITRINE_RETURN_IF_ERROR(TakeProduct(request_.product()));
    } else {
      VITRINE_ASSIGN_OR_RETURN(
          ProductVector product,
          VectorOfProduct(snapshot_, request_.product_id(), "product_id"));
      subject_.vector = std::move(product.vector);
      subject_.sha256s = std::move(product.sha256s);
      VITRINE_ASSIGN_OR_RETURN(const storage::ProductRecord record,
                               snapshot_.FindProduct(request_.product_id()));
      AttributeMap attributes;
      for (const auto& [name, attribute] : record.attributes())
        attributes[name] = ToProto(attribute);
      subject_.SetTraits(attributes);
      subject_.TellCategory(record.category());
    }
    if (!request_.category().empty())
      subject_.SetCategory(NameOf(request_.category()));
    return absl::OkStatus();
  }

  absl::Status TakeProduct(const v1::ProductExample& product) {
    const auto& values = product.vector().values();
    VITRINE_RETURN_IF_ERROR(CheckVector(
        snapshot_.blocks(), {values.data(), static_cast<size_t>(values.size())},
        "product.vector.values"));
    subject_.vector.assign(values.begin(), values.end());
    NormaliseBlocks(snapshot_.blocks(), subject_.vector.data());
    subject_.sha256s.assign(product.content_sha256s().begin(),
                            product.content_sha256s().end());
    subject_.SetTraits(product.attributes());
    // What no product here has is no more than not told.
    subject_.TellCategory(NameOf(product.category()));
    return absl::OkStatus();
  }

  // A category as the catalogue writes it; empty where it has none such.
  std::string NameOf(std::string_view category) const {
    const Catalogue::Category* found = catalogue_.FindCategory(category);
    return found != nullptr ? found->name : std::string();
  }

  // Products near a vector that are not excluded, nearest first.
  absl::StatusOr<Hits> FindNear(const std::vector<float>& vector, int k,
                                Metric metric, std::vector<float> emphasis,
                                const RowFilter* filter,
                                const v1::ReturnFields& fields) const {
    SearchParams params;
    params.k = k;
    params.metric = metric;
    params.emphasis = std::move(emphasis);
    params.filter = filter;
    params.excluded_products = excluded_;
    VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                             Search(snapshot_, vector, params));
    Hits hits;
    AddHits(snapshot_, result.hits, fields, subject_.sha256s, &hits);
    return hits;
  }

  // The best k of them, without those that show the very same picture.
  absl::StatusOr<Hits> FindBest(const std::vector<float>& vector, int k,
                                Metric metric,
                                const std::vector<float>& emphasis,
                                const RowFilter* filter,
                                std::optional<Harmony> harmony) const {
    if (!harmony && request_.boosts().empty() && request_.diversity().empty()) {
      VITRINE_ASSIGN_OR_RETURN(
          Hits hits, FindNear(vector, k + kSpareHits, metric, emphasis, filter,
                              request_.fields()));
      DropCopies(k, &hits);
      return hits;
    }
    const v1::SearchRequest rules = RulesOf(request_, k);
    Reranker reranker(rules, std::move(harmony));
    while (true) {
      const int asked = reranker.candidates();
      VITRINE_ASSIGN_OR_RETURN(
          Hits hits,
          FindNear(vector, asked, metric, emphasis, filter, reranker.fields()));
      const bool all = hits.size() < asked;
      DropCopies(asked, &hits);
      if (reranker.Choose(all, &hits)) return hits;
    }
  }

  absl::Status AddSimilar(const Call& call,
                          v1::RecommendResponse* response) const {
    const bool restricted = subject_.restricts();
    response->set_restricted_to_category(restricted);
    const int k = KSimilarOf(request_);
    if (k == 0) return absl::OkStatus();
    std::shared_ptr<const RowFilter> rows = rows_;
    if (restricted) {
      v1::Filter of_category;
      v1::Filter::Condition& condition = *of_category.mutable_condition();
      condition.set_attribute(std::string(ProductColumns::kCategory));
      condition.mutable_any_of()->add_values(NameOf(subject_.category()));
      rows = RowsThatAre(of_category, call);
    }
    VITRINE_ASSIGN_OR_RETURN(
        *response->mutable_similar(),
        FindBest(subject_.vector, k, MetricOf(snapshot_.set()), {}, rows.get(),
                 /*harmony=*/std::nullopt));
    return absl::OkStatus();
  }

  // Rows that may be recommended and pass `filter`, which recurs: a request's
  // own may not, and is no part of it.
  std::shared_ptr<const RowFilter> RowsThatAre(const v1::Filter& filter,
                                               const Call& call) const {
    auto passing = SelectCheckedRows(snapshot_, &filter, call);
    if (rows_ == nullptr) return passing;
    auto both = std::make_shared<RowFilter>();
    for (size_t s = 0; s < passing->rows.size(); ++s) {
      Bitmap rows = passing->rows[s];
      rows.And(rows_->rows[s]);
      both->Add(std::move(rows));
    }
    return both;
  }

  absl::Status AddComplements(const Call& call,
                              v1::RecommendResponse* response) const {
    if (KPerSlotOf(request_) == 0 && request_.candidates_per_slot() == 0)
      return absl::OkStatus();
    for (const std::string& slot : subject_.Complements()) {
      VITRINE_RETURN_IF_ERROR(call.Check());
      v1::SlotRecommendation recommendation;
      VITRINE_RETURN_IF_ERROR(FillSlot(slot, call, &recommendation));
      if (recommendation.hits().empty()) continue;
      *response->add_complements() = std::move(recommendation);
    }
    return absl::OkStatus();
  }

  absl::Status FillSlot(const std::string& slot, const Call& call,
                        v1::SlotRecommendation* recommendation) const {
    recommendation->set_slot(slot);
    const auto goes_with = catalogue_.FilterOfSlot(slot, subject_.traits());
    if (!goes_with) return absl::OkStatus();
    const auto rows = RowsThatAre(*goes_with, call);
    if (rows->matching == 0) return absl::OkStatus();
    const std::optional<LearnedQuery> learned = Learned(slot);
    recommendation->set_basis(learned ? learned->basis
                                      : v1::COMPLEMENT_BASIS_RULE);
    std::optional<Harmony> harmony;
    if (!learned && !subject_.colour().empty())
      harmony = {subject_.colour(), snapshot_.blocks()};
    const std::vector<float>& vector =
        learned ? learned->query.vector : subject_.vector;
    const std::vector<float> emphasis =
        learned
            ? learned->query.emphasis
            : ColourEmphasis(snapshot_.blocks(),
                             harmony ? kCandidateColourShare : kColourShare);
    if (const int candidates = request_.candidates_per_slot()) {
      VITRINE_ASSIGN_OR_RETURN(
          *recommendation->mutable_hits(),
          FindNear(vector, candidates, Metric::kCosine, emphasis, rows.get(),
                   request_.fields()));
    } else {
      VITRINE_ASSIGN_OR_RETURN(
          *recommendation->mutable_hits(),
          FindBest(vector, KPerSlotOf(request_), Metric::kCosine, emphasis,
                   rows.get(), std::move(harmony)));
    }
    return absl::OkStatus();
  }

  // What goes with it in a slot; nothing where the rule is to tell.
  std::optional<LearnedQuery> Learned(std::string_view to_slot) const {
    if (request_.by_rule()) return std::nullopt;
    return LearnComplements(snapshot_.complements(),
                            subject_.learned_category(),
                            subject_.learned_slot(), to_slot, subject_.vector);
  }

  const Serving& serving_;
  const Snapshot& snapshot_;
  const Catalogue& catalogue_;
  const v1::RecommendRequest& request_;
  decltype(SearchParams::excluded_products) excluded_;
  std::shared_ptr<const RowFilter> rows_;  // That may be recommended.
  Subject subject_;
};

}  // namespace

absl::StatusOr<v1::RecommendResponse> HandleRecommend(
    const Serving& serving, const v1::RecommendRequest& request,
    const Call& call) {
  VITRINE_RETURN_IF_ERROR(call.Check());
  VITRINE_ASSIGN_OR_RETURN(const Serving* const asked,
                           ServingOf(serving, request.model()));
  return CheckedOf(serving, *asked, Recommender(*asked, request).Run(call));
}

}  // namespace vitrine
