#include "server/recommend.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/index/search.h"
#include "server/answer.h"
#include "server/catalogue.h"
#include "server/pictures.h"
#include "server/query.h"
#include "server/selection.h"

namespace vitrine {
namespace {

// The limits that search.proto names.
constexpr int kMaxSimilar = 100;
constexpr int kMaxPerSlot = 20;

// Products that tell what an unknown picture shows.
constexpr int kNeighbours = 10;
// More is asked for than is wanted, since copies of the query's own pictures
// under other products are dropped.
constexpr int kSpare = 10;
// A slot with this share of the neighbours' vote may be what the picture shows.
constexpr float kPlausibleShare = 0.2f;
// Colour's part of a complement's score; the rest is style. Across categories
// the other blocks tell the kind of garment more than its style.
constexpr float kColourShare = 0.6f;
constexpr std::string_view kColourBlock = "colour";

// What is recommended for.
struct Subject {
  std::vector<float> vector;
  std::vector<std::string> sha256s;  // Of its pictures, 32 bytes each.
  int category = ProductFacts::kNoCategory;
  float confidence = 0;
  Traits traits{};
  // Slots that it may belong to: a known category's one, or what the neighbours
  // say; empty where it belongs to no outfit.
  std::vector<std::string_view> slots;
  bool slot_is_sure = false;
};

struct Vote {
  float share = 0;
  int value = 0;
};

// The value with most weight and its share; ties go to the lower value.
Vote Winner(const std::map<int, float>& weights) {
  Vote vote;
  float total = 0;
  float most = 0;
  for (const auto& [value, weight] : weights) {
    total += weight;
    if (weight > most) {
      most = weight;
      vote.value = value;
    }
  }
  if (total > 0) vote.share = most / total;
  return vote;
}

class Recommender {
 public:
  Recommender(const Serving& serving, const v1::RecommendRequest& request)
      : serving_(serving),
        snapshot_(serving.snapshot()),
        catalogue_(serving.catalogue()),
        request_(request),
        min_confidence_(request.has_min_confidence() ? request.min_confidence()
                                                     : 0.5f) {
    excluded_.insert(request.exclude_product_ids().begin(),
                     request.exclude_product_ids().end());
    if (request.has_product_id()) excluded_.insert(request.product_id());
  }

  absl::StatusOr<v1::RecommendResponse> Run(const Call& call) {
    v1::RecommendResponse response;
    v1::Timings& timings = *response.mutable_timings();
    timings.set_queue_ms(MillisecondsSince(call.arrived));
    VITRINE_RETURN_IF_ERROR(Check());
    VITRINE_ASSIGN_OR_RETURN(rows_,
                             SelectRows(snapshot_, FilterOf(request_), call));
    VITRINE_RETURN_IF_ERROR(FindVector(call, &timings));
    VITRINE_RETURN_IF_ERROR(call.Check());
    const auto begin = std::chrono::steady_clock::now();
    VITRINE_RETURN_IF_ERROR(FindCategory());
    VITRINE_RETURN_IF_ERROR(AddSimilar(&response));
    VITRINE_RETURN_IF_ERROR(AddComplements(call, &response));
    if (subject_.category != ProductFacts::kNoCategory) {
      response.set_category(catalogue_.categories()[subject_.category].name);
      response.set_category_confidence(subject_.confidence);
    }
    if (subject_.slot_is_sure) {
      response.set_slot(std::string(subject_.slots[0]));
    }
    response.set_generation(snapshot_.generation());
    response.set_model(snapshot_.set().model());
    timings.set_search_ms(MillisecondsSince(begin));
    return response;
  }

 private:
  int k_similar() const {
    return request_.has_k_similar() ? request_.k_similar() : 10;
  }
  int k_per_slot() const {
    return request_.has_k_per_slot() ? request_.k_per_slot() : 3;
  }

  absl::Status Check() const {
    VITRINE_RETURN_IF_ERROR(CheckPreconditions(
        snapshot_, request_.min_generation(), request_.required_model()));
    if (request_.source_case() == v1::RecommendRequest::SOURCE_NOT_SET) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       v1::ERROR_REASON_NO_EXAMPLE,
                       "the request names nothing to recommend for; give an "
                       "image or a product_id",
                       "image");
    }
    VITRINE_RETURN_IF_ERROR(
        CheckRange("k_similar", k_similar(), 0, kMaxSimilar));
    VITRINE_RETURN_IF_ERROR(
        CheckRange("k_per_slot", k_per_slot(), 0, kMaxPerSlot));
    VITRINE_RETURN_IF_ERROR(
        CheckRange("min_confidence", min_confidence_, 0, 1));
    VITRINE_RETURN_IF_ERROR(
        CheckExclusions(request_.exclude_product_ids_size()));
    if (!request_.category().empty() &&
        !catalogue_.FindCategory(request_.category())) {
      return UnknownCategory();
    }
    const std::vector<std::string>& slots = serving_.slots().slots();
    for (int i = 0; i < request_.slots_size(); ++i) {
      if (std::find(slots.begin(), slots.end(), request_.slots(i)) ==
          slots.end()) {
        return MakeError(
            absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_CATEGORY,
            absl::StrCat("there is no slot '", request_.slots(i),
                         "'; slots are ", absl::StrJoin(slots, ", ")),
            absl::StrCat("slots[", i, "]"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FindVector(const Call& call, v1::Timings* timings) {
    if (request_.has_product_id()) {
      VITRINE_ASSIGN_OR_RETURN(
          ProductVector product,
          VectorOfProduct(snapshot_, request_.product_id(), "product_id"));
      subject_.vector = std::move(product.vector);
      subject_.sha256s = std::move(product.sha256s);
      return absl::OkStatus();
    }
    auto embedded =
        EmbedPictures(serving_, {{&request_.image(), "image"}}, call, timings);
    if (!embedded[0].ok()) return embedded[0].status();
    subject_.vector = std::move(embedded[0]->vector);
    if (!embedded[0]->sha256.empty()) {
      subject_.sha256s.push_back(std::move(embedded[0]->sha256));
    }
    return absl::OkStatus();
  }

  bool HasSameContent(const SearchHit& hit) const {
    return std::find(subject_.sha256s.begin(), subject_.sha256s.end(),
                     hit.key().sha256) != subject_.sha256s.end();
  }

  // Products near the query that are not excluded, nearest first.
  absl::StatusOr<std::vector<SearchHit>> FindNear(
      int k, Metric metric, std::vector<float> emphasis,
      const RowFilter* filter) const {
    SearchParams params;
    params.k = k;
    params.metric = metric;
    params.emphasis = std::move(emphasis);
    params.filter = filter;
    params.excluded_products = excluded_;
    VITRINE_ASSIGN_OR_RETURN(SearchResult result,
                             Search(snapshot_, subject_.vector, params));
    return std::move(result.hits);
  }

  // The same, without those that show the very same picture.
  absl::StatusOr<std::vector<SearchHit>> FindOthers(
      int k, Metric metric, std::vector<float> emphasis,
      const RowFilter* filter) const {
    VITRINE_ASSIGN_OR_RETURN(
        std::vector<SearchHit> hits,
        FindNear(k + kSpare, metric, std::move(emphasis), filter));
    std::erase_if(hits,
                  [this](const SearchHit& hit) { return HasSameContent(hit); });
    if (std::ssize(hits) > k) hits.resize(k);
    return hits;
  }

  // Category, traits and slot: as the caller or the catalogue tells, else as
  // the neighbours vote.
  absl::Status FindCategory() {
    bool traits_known = false;
    if (request_.has_product_id()) {
      VITRINE_ASSIGN_OR_RETURN(storage::ProductRecord record,
                               snapshot_.FindProduct(request_.product_id()));
      const ProductFacts facts = catalogue_.FactsOf(record);
      subject_.traits = facts.traits;
      traits_known = true;
      if (facts.category != ProductFacts::kNoCategory &&
          !catalogue_.categories()[facts.category].unknown) {
        subject_.category = facts.category;
        subject_.confidence = 1;
      }
    }
    if (!request_.category().empty()) {
      subject_.category = *catalogue_.FindCategory(request_.category());
      subject_.confidence = 1;
    }
    if (subject_.confidence == 1) SetSlotOfCategory();
    if (subject_.confidence == 1 && traits_known) return absl::OkStatus();
    return AskNeighbours(subject_.confidence < 1, !traits_known);
  }

  absl::Status UnknownCategory() const {
    return MakeError(
        absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_CATEGORY,
        absl::StrCat(
            "no product has the category '", request_.category(),
            "'; close ones are ",
            absl::StrJoin(catalogue_.CloseCategories(request_.category(), 3),
                          ", ")),
        "category");
  }

  void SetSlotOfCategory() {
    const std::string_view slot =
        catalogue_.categories()[subject_.category].slot;
    if (slot.empty()) return;
    subject_.slots = {slot};
    subject_.slot_is_sure = true;
  }

  absl::Status AskNeighbours(bool ask_category, bool ask_traits) {
    VITRINE_ASSIGN_OR_RETURN(std::vector<SearchHit> neighbours,
                             FindNear(kNeighbours + kSpare, Metric::kCosine, {},
                                      /*filter=*/nullptr));
    std::map<int, float> categories;
    std::map<std::string_view, float> slots;
    float slot_total = 0;
    std::array<std::map<int, float>, kTraits.size()> bits;
    int voters = 0;
    for (const SearchHit& hit : neighbours) {
      auto record = snapshot_.FindProduct(hit.key().product_id);
      if (!record.ok()) continue;
      const ProductFacts facts = catalogue_.FactsOf(*record);
      const bool knows = facts.category != ProductFacts::kNoCategory &&
                         !catalogue_.categories()[facts.category].unknown;
      if (HasSameContent(hit)) {
        // The catalogue itself says what this very picture shows.
        if (ask_traits) subject_.traits = facts.traits;
        ask_traits = false;
        if (!ask_category || !knows) continue;
        subject_.category = facts.category;
        subject_.confidence = 1;
        SetSlotOfCategory();
        return absl::OkStatus();
      }
      if (++voters > kNeighbours) break;
      for (size_t t = 0; t < kTraits.size(); ++t) {
        if (facts.traits[t] == 0) continue;
        bits[t][std::countr_zero(facts.traits[t])] += hit.score;
      }
      if (!knows) continue;
      categories[facts.category] += hit.score;
      slots[catalogue_.categories()[facts.category].slot] += hit.score;
      slot_total += hit.score;
    }
    if (ask_traits) {
      for (size_t t = 0; t < kTraits.size(); ++t) {
        const Vote vote = Winner(bits[t]);
        if (vote.share > 0 && vote.share >= min_confidence_) {
          subject_.traits[t] = uint64_t{1} << vote.value;
        }
      }
    }
    if (!ask_category || categories.empty()) return absl::OkStatus();
    const Vote vote = Winner(categories);
    subject_.category = vote.value;
    subject_.confidence = vote.share;
    const auto likeliest = std::max_element(
        slots.begin(), slots.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const auto& [slot, weight] : slots) {
      if (weight >= kPlausibleShare * slot_total)
        subject_.slots.push_back(slot);
    }
    if (likeliest->second >= min_confidence_ * slot_total) {
      // Sure enough that what else was said does not count.
      subject_.slots = {likeliest->first};
      subject_.slot_is_sure = !likeliest->first.empty();
    }
    std::erase(subject_.slots, std::string_view());
    return absl::OkStatus();
  }

  absl::Status AddSimilar(v1::RecommendResponse* response) const {
    const bool restricted = subject_.category != ProductFacts::kNoCategory &&
                            subject_.confidence >= min_confidence_;
    response->set_restricted_to_category(restricted);
    if (k_similar() == 0) return absl::OkStatus();
    RowFilter filter;
    if (restricted) {
      filter = catalogue_.Rows(
          [this](const ProductFacts& product) {
            return product.category == subject_.category;
          },
          rows_.get());
    }
    VITRINE_ASSIGN_OR_RETURN(
        std::vector<SearchHit> hits,
        FindOthers(k_similar(), MetricOf(snapshot_.set()), {},
                   restricted ? &filter : rows_.get()));
    AddHits(snapshot_, hits, request_.fields(), subject_.sha256s,
            response->mutable_similar());
    return absl::OkStatus();
  }

  // Whether a piece of `slot` can be worn with all that the subject may be.
  bool Complements(std::string_view slot) const {
    if (!request_.slots().empty() &&
        std::find(request_.slots().begin(), request_.slots().end(), slot) ==
            request_.slots().end()) {
      return false;
    }
    return !subject_.slots.empty() &&
           std::all_of(subject_.slots.begin(), subject_.slots.end(),
                       [&](std::string_view mine) {
                         return serving_.slots().GoWith(mine, slot);
                       });
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
    if (k_per_slot() == 0) return absl::OkStatus();
    for (const std::string& slot : serving_.slots().slots()) {
      if (!Complements(slot)) continue;
      VITRINE_RETURN_IF_ERROR(call.Check());
      v1::SlotRecommendation recommendation;
      VITRINE_RETURN_IF_ERROR(FillSlot(slot, &recommendation));
      if (recommendation.hits().empty()) continue;
      *response->add_complements() = std::move(recommendation);
    }
    return absl::OkStatus();
  }

  absl::Status FillSlot(std::string_view slot,
                        v1::SlotRecommendation* recommendation) const {
    recommendation->set_slot(std::string(slot));
    const RowFilter filter = catalogue_.Rows(
        [&](const ProductFacts& product) {
          return product.category != ProductFacts::kNoCategory &&
                 catalogue_.categories()[product.category].slot == slot &&
                 Agree(product.traits, subject_.traits);
        },
        rows_.get());
    if (filter.matching == 0) return absl::OkStatus();
    VITRINE_ASSIGN_OR_RETURN(const std::vector<SearchHit> hits,
                             FindOthers(k_per_slot(), Metric::kCosine,
                                        ComplementEmphasis(), &filter));
    AddHits(snapshot_, hits, request_.fields(), subject_.sha256s,
            recommendation->mutable_hits());
    return absl::OkStatus();
  }

  const Serving& serving_;
  const Snapshot& snapshot_;
  const Catalogue& catalogue_;
  const v1::RecommendRequest& request_;
  const float min_confidence_;
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
  return asked->Checked(Recommender(*asked, request).Run(call));
}

}  // namespace vitrine
