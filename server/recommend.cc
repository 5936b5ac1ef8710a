#include "server/recommend.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/index/search.h"
#include "common/vector/blocks.h"
#include "server/answer.h"
#include "server/catalogue.h"
#include "server/pictures.h"
#include "server/preconditions.h"
#include "server/query.h"
#include "server/selection.h"
#include "server/subject.h"

namespace vitrine {
namespace {

// Colour's part of a complement's score; the rest is style. Across categories
// the other blocks tell the kind of garment more than its style.
constexpr float kColourShare = 0.6f;
constexpr std::string_view kColourBlock = "colour";

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
          FindNear(kNeighboursAsked, Metric::kCosine, {}, /*filter=*/nullptr,
                   v1::ReturnFields()));
      subject_.AskNeighbours(neighbours);
    }
    VITRINE_RETURN_IF_ERROR(AddSimilar(&response));
    VITRINE_RETURN_IF_ERROR(AddComplements(call, &response));
    response.set_category(subject_.category());
    response.set_category_confidence(subject_.confidence());
    response.set_slot(std::string(subject_.sure_slot()));
    response.set_generation(snapshot_.generation());
    response.set_model(snapshot_.set().model());
    timings.set_search_ms(MillisecondsSince(begin));
    return response;
  }

 private:
  absl::Status Check() const {
    VITRINE_RETURN_IF_ERROR(CheckPreconditions(
        snapshot_, request_.min_generation(), request_.required_model()));
    VITRINE_RETURN_IF_ERROR(CheckRecommend(request_, serving_.slots()));
    if (!request_.category().empty() &&
        !catalogue_.FindCategory(request_.category())) {
      return UnknownCategory(request_.category(), catalogue_.CloseCategories(
                                                      request_.category(), 3));
    }
    return absl::OkStatus();
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
    const auto found = catalogue_.FindCategory(category);
    return found ? catalogue_.categories()[static_cast<size_t>(*found)].name
                 : std::string();
  }

  // Products near the query that are not excluded, nearest first.
  absl::StatusOr<Hits> FindNear(int k, Metric metric,
                                std::vector<float> emphasis,
                                const RowFilter* filter,
                                const v1::ReturnFields& fields) const {
    SearchParams params;
    params.k = k;
    params.metric = metric;
    params.emphasis = std::move(emphasis);
    params.filter = filter;
    params.excluded_products = excluded_;
    VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                             Search(snapshot_, subject_.vector, params));
    Hits hits;
    AddHits(snapshot_, result.hits, fields, subject_.sha256s, &hits);
    return hits;
  }

  // The same, without those that show the very same picture.
  absl::StatusOr<Hits> FindOthers(int k, Metric metric,
                                  std::vector<float> emphasis,
                                  const RowFilter* filter) const {
    VITRINE_ASSIGN_OR_RETURN(
        Hits hits, FindNear(k + kSpareHits, metric, std::move(emphasis), filter,
                            request_.fields()));
    DropCopies(k, &hits);
    return hits;
  }

  absl::Status AddSimilar(v1::RecommendResponse* response) const {
    const bool restricted = subject_.restricts();
    response->set_restricted_to_category(restricted);
    const int k = KSimilarOf(request_);
    if (k == 0) return absl::OkStatus();
    RowFilter filter;
    if (restricted) {
      const auto category = catalogue_.FindCategory(subject_.category());
      filter = catalogue_.Rows(
          [&category](const ProductFacts& product) {
            return product.category == category;
          },
          rows_.get());
    }
    VITRINE_ASSIGN_OR_RETURN(*response->mutable_similar(),
                             FindOthers(k, MetricOf(snapshot_.set()), {},
                                        restricted ? &filter : rows_.get()));
    return absl::OkStatus();
  }

  // Emphasis that gives colour kColourShare of the score.
  std::vector<float> ComplementEmphasis() const {
    float colour_weight = 0;
    for (const Block& block : snapshot_.blocks()) {
      if (block.name == kColourBlock) colour_weight = block.weight;
    }
    if (colour_weight <= 0 || colour_weight >= 1) return {};
    std::vector<float> emphasis;
    for (const Block& block : snapshot_.blocks()) {
      emphasis.push_back(block.name == kColourBlock
                             ? kColourShare / colour_weight
                             : (1 - kColourShare) / (1 - colour_weight));
    }
    return emphasis;
  }

  absl::Status AddComplements(const Call& call,
                              v1::RecommendResponse* response) const {
    if (KPerSlotOf(request_) == 0) return absl::OkStatus();
    const Traits traits = catalogue_.TraitsOf(subject_.traits());
    for (const std::string& slot : subject_.Complements()) {
      VITRINE_RETURN_IF_ERROR(call.Check());
      v1::SlotRecommendation recommendation;
      VITRINE_RETURN_IF_ERROR(FillSlot(slot, traits, &recommendation));
      if (recommendation.hits().empty()) continue;
      *response->add_complements() = std::move(recommendation);
    }
    return absl::OkStatus();
  }

  absl::Status FillSlot(const std::string& slot, const Traits& traits,
                        v1::SlotRecommendation* recommendation) const {
    recommendation->set_slot(slot);
    const RowFilter filter = catalogue_.Rows(
        [&](const ProductFacts& product) {
          return product.category != ProductFacts::kNoCategory &&
                 catalogue_.categories()[product.category].slot == slot &&
                 Agree(product.traits, traits);
        },
        rows_.get());
    if (filter.matching == 0) return absl::OkStatus();
    VITRINE_ASSIGN_OR_RETURN(*recommendation->mutable_hits(),
                             FindOthers(KPerSlotOf(request_), Metric::kCosine,
                                        ComplementEmphasis(), &filter));
    return absl::OkStatus();
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
