#include "server/subject.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "server/boosts.h"
#include "server/colour_harmony.h"
#include "server/query.h"

namespace vitrine {
namespace {

// The limits that search.proto names.
constexpr int kMaxSimilar = 100;
constexpr int kMaxPerSlot = 20;
constexpr int kMaxCandidates = 1000;

// Products that tell what an unknown picture shows.
constexpr int kNeighbours = kNeighboursAsked - kSpareHits;
// A slot with this share of the neighbours' vote may be what the picture shows.
constexpr float kPlausibleShare = 0.2f;

struct Vote {
  float share = 0;
  std::string value;
};

// The value with most weight and its share; ties go to the lower value.
Vote Winner(const std::map<std::string, float>& weights) {
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

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& names,
              std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TraitValues TraitValuesOf(const AttributeMap& attributes) {
  TraitValues values;
  for (const auto& [name, attribute] : attributes) {
    const auto trait =
        std::find(kTraits.begin(), kTraits.end(), LowerCase(name));
    if (trait == kTraits.end()) continue;
    std::vector<std::string>& told =
        values[static_cast<size_t>(trait - kTraits.begin())];
    told.clear();
    bool fits_all = false;
    ForEachTraitValue(attribute, [&](const std::string& value) {
      fits_all = fits_all || FitsAll(value);
      told.push_back(value);
    });
    if (fits_all) told.clear();
  }
  return values;
}

int KSimilarOf(const v1::RecommendRequest& request) {
  return request.has_k_similar() ? request.k_similar() : 10;
}

int KPerSlotOf(const v1::RecommendRequest& request) {
  return request.has_k_per_slot() ? request.k_per_slot() : 3;
}

float MinConfidenceOf(const v1::RecommendRequest& request) {
  return request.has_min_confidence() ? request.min_confidence() : 0.5f;
}

v1::SearchRequest RulesOf(const v1::RecommendRequest& request, int k) {
  v1::SearchRequest rules;
  rules.set_k(k);
  *rules.mutable_fields() = request.fields();
  *rules.mutable_diversity() = request.diversity();
  *rules.mutable_boosts() = request.boosts();
  return rules;
}

absl::Status CheckRecommend(const v1::RecommendRequest& request,
                            const SlotTable& slots) {
  if (request.source_case() == v1::RecommendRequest::SOURCE_NOT_SET) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     v1::ERROR_REASON_NO_EXAMPLE,
                     "the request names nothing to recommend for; give an "
                     "image, a product_id or a product",
                     "image");
  }
  VITRINE_RETURN_IF_ERROR(
      CheckRange("k_similar", KSimilarOf(request), 0, kMaxSimilar));
  VITRINE_RETURN_IF_ERROR(
      CheckRange("k_per_slot", KPerSlotOf(request), 0, kMaxPerSlot));
  VITRINE_RETURN_IF_ERROR(
      CheckRange("min_confidence", MinConfidenceOf(request), 0, 1));
  VITRINE_RETURN_IF_ERROR(CheckRange(
      "candidates_per_slot", request.candidates_per_slot(), 0, kMaxCandidates));
  VITRINE_RETURN_IF_ERROR(CheckExclusions(request.exclude_product_ids_size()));
  VITRINE_RETURN_IF_ERROR(LimitsOf(request.diversity()).status());
  VITRINE_RETURN_IF_ERROR(CheckBoosts(request.boosts()));
  VITRINE_RETURN_IF_ERROR(CheckContent("product.content_sha256s",
                                       request.product().content_sha256s()));
  for (int i = 0; i < request.slots_size(); ++i) {
    if (std::find(slots.slots().begin(), slots.slots().end(),
                  request.slots(i)) == slots.slots().end()) {
      return MakeError(
          absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_CATEGORY,
          absl::StrCat("there is no slot '", request.slots(i), "'; slots are ",
                       absl::StrJoin(slots.slots(), ", ")),
          absl::StrCat("slots[", i, "]"));
    }
  }
  return absl::OkStatus();
}

absl::Status UnknownCategory(std::string_view category,
                             const std::vector<std::string>& close) {
  return MakeError(
      absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_CATEGORY,
      absl::StrCat("no product has the category '", std::string(category),
                   "'; close ones are ", absl::StrJoin(close, ", ")),
      "category");
}

void Subject::SetCategory(const std::string& category) {
  category_ = category;
  confidence_ = 1;
  const std::string_view slot = slots_.SlotOf(category);
  slot_is_sure_ = !slot.empty();
  may_be_.clear();
  if (slot_is_sure_) may_be_.push_back(slot);
}

void Subject::SetTraits(const AttributeMap& attributes) {
  traits_ = TraitValuesOf(attributes);
  colour_ = ColourOf(attributes);
  knows_traits_ = true;
}

bool Subject::TakesNamedSlots() const {
  return request_.has_product() && !request_.slots().empty() &&
         request_.category().empty() && request_.product().category().empty();
}

bool Subject::NeedsNeighbours() const {
  if (!knows_traits_) return true;
  return !knows_category() && (KSimilarOf(request_) > 0 || !TakesNamedSlots());
}

void Subject::AskNeighbours(const Hits& neighbours) {
  const bool ask_category = !knows_category();
  std::map<std::string, float> categories;
  std::map<std::string_view, float> slots;
  float slot_total = 0;
  std::array<std::map<std::string, float>, kTraits.size()> traits;
  std::map<std::string, float> colours;
  int voters = 0;
  for (const v1::Hit& hit : neighbours) {
    const TraitValues values = TraitValuesOf(hit.attributes());
    const bool knows =
        !hit.category().empty() && !slots_.IsUnknown(hit.category());
    if (hit.same_content()) {
      // The catalogue itself says what this very picture shows.
      if (!knows_traits_) SetTraits(hit.attributes());
      if (!ask_category || !knows) continue;
      SetCategory(hit.category());
      return;
    }
    if (++voters > kNeighbours) break;
    for (size_t t = 0; t < kTraits.size(); ++t) {
      if (values[t].empty()) continue;
      traits[t][*std::min_element(values[t].begin(), values[t].end())] +=
          hit.score();
    }
    if (const std::string colour = ColourOf(hit.attributes()); !colour.empty())
      colours[colour] += hit.score();
    if (!knows) continue;
    categories[hit.category()] += hit.score();
    slots[slots_.SlotOf(hit.category())] += hit.score();
    slot_total += hit.score();
  }
  const float min_confidence = MinConfidenceOf(request_);
  if (!knows_traits_) {
    for (size_t t = 0; t < kTraits.size(); ++t) {
      const Vote vote = Winner(traits[t]);
      if (vote.share > 0 && vote.share >= min_confidence)
        traits_[t] = {vote.value};
    }
    const Vote vote = Winner(colours);
    if (vote.share > 0 && vote.share >= min_confidence) colour_ = vote.value;
  }
  if (!ask_category || categories.empty()) return;
  const Vote vote = Winner(categories);
  category_ = vote.value;
  confidence_ = vote.share;
  const auto likeliest = std::max_element(
      slots.begin(), slots.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  for (const auto& [slot, weight] : slots) {
    if (weight >= kPlausibleShare * slot_total) may_be_.push_back(slot);
  }
  if (likeliest->second >= min_confidence * slot_total) {
    // Sure enough that what else was said does not count.
    may_be_ = {likeliest->first};
    slot_is_sure_ = !likeliest->first.empty();
  }
  std::erase(may_be_, std::string_view());
}

std::string_view Subject::sure_slot() const {
  return slot_is_sure_ ? may_be_[0] : std::string_view();
}

std::string_view Subject::learned_category() const {
  if (restricts()) return category_;
  return TakesNamedSlots() ? request_.learned_from_category()
                           : std::string_view();
}

std::string_view Subject::learned_slot() const {
  if (slot_is_sure_) return sure_slot();
  return TakesNamedSlots() ? request_.learned_from_slot() : std::string_view();
}

bool Subject::restricts() const {
  return !category_.empty() && confidence_ >= MinConfidenceOf(request_);
}

std::vector<std::string> Subject::Complements() const {
  std::vector<std::string> complements;
  for (const std::string& slot : slots_.slots()) {
    if (!request_.slots().empty() && !Contains(request_.slots(), slot))
      continue;
    const bool goes_with_all =
        !may_be_.empty() &&
        std::all_of(may_be_.begin(), may_be_.end(), [&](std::string_view mine) {
          return slots_.GoWith(mine, slot);
        });
    if (TakesNamedSlots() || goes_with_all) complements.push_back(slot);
  }
  return complements;
}

void DropCopies(int k, Hits* hits) {
  int kept = 0;
  for (int i = 0; i < hits->size() && kept < k; ++i) {
    if ((*hits)[i].same_content()) continue;
    if (kept != i) hits->SwapElements(kept, i);
    ++kept;
  }
  hits->DeleteSubrange(kept, hits->size() - kept);
}

}  // namespace vitrine
