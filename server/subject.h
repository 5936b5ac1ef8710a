// What is recommended for, and which category, traits and slots it is taken to
// have, by what it tells itself and by what is near it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/slots.h"
#include "server/traits.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// More is asked for than is wanted, since copies of the query's own pictures
// under other products are dropped.
inline constexpr int kSpareHits = 10;
// How many neighbours are to be asked for.
inline constexpr int kNeighboursAsked = 10 + kSpareHits;

using AttributeMap = google::protobuf::Map<std::string, v1::AttributeValue>;
using Hits = google::protobuf::RepeatedPtrField<v1::Hit>;

TraitValues TraitValuesOf(const AttributeMap& attributes);

int KSimilarOf(const v1::RecommendRequest& request);
int KPerSlotOf(const v1::RecommendRequest& request);
float MinConfidenceOf(const v1::RecommendRequest& request);

// By what a Reranker takes the best `k`.
v1::SearchRequest RulesOf(const v1::RecommendRequest& request, int k);

// What of a request can be checked without an index.
absl::Status CheckRecommend(const v1::RecommendRequest& request,
                            const SlotTable& slots);
// NOT_FOUND, with what is close.
absl::Status UnknownCategory(std::string_view category,
                             const std::vector<std::string>& close);

// The table must outlive it.
class Subject {
 public:
  Subject(const v1::RecommendRequest& request, const SlotTable& slots)
      : request_(request), slots_(slots) {}

  std::vector<float> vector;         // dim numbers, normalised.
  std::vector<std::string> sha256s;  // Of its pictures, 32 bytes each.

  // Its category is known; slots are those of the category.
  void SetCategory(const std::string& category);
  // The same as the catalogue tells it: unless the label says nothing.
  void TellCategory(const std::string& category) {
    if (!category.empty() && !slots_.IsUnknown(category)) SetCategory(category);
  }
  void SetTraits(const AttributeMap& attributes);
  // Whether neighbours have something to tell of it.
  bool NeedsNeighbours() const;
  // Lets them vote on what was not told; nearest first, as an answer without a
  // filter under cosine.
  void AskNeighbours(const Hits& neighbours);

  const std::string& category() const { return category_; }  // May be empty.
  float confidence() const { return confidence_; }
  const TraitValues& traits() const { return traits_; }
  // Names colours that are known; empty where nothing tells its colour.
  const std::string& colour() const { return colour_; }
  // Empty where it is not sure.
  std::string_view sure_slot() const;
  // What learned complements are chosen by; empty where it is not sure.
  std::string_view learned_category() const;
  std::string_view learned_slot() const;
  // Whether similar products are of its category only.
  bool restricts() const;
  // The slots whose pieces can be worn with all that it may be and that the
  // request asks for, in the table's order.
  std::vector<std::string> Complements() const;

 private:
  bool knows_category() const { return confidence_ == 1; }
  bool TakesNamedSlots() const;

  const v1::RecommendRequest& request_;
  const SlotTable& slots_;
  std::string category_;
  float confidence_ = 0;
  TraitValues traits_;
  std::string colour_;
  bool knows_traits_ = false;  // And the colour, as far as that is told.
  // Slots that it may belong to: a known category's one, or what the neighbours
  // say; empty where it belongs to no outfit.
  std::vector<std::string_view> may_be_;
  bool slot_is_sure_ = false;
};

// Drops hits that show the very pictures of the query, and all after the first
// k.
void DropCopies(int k, Hits* hits);

}  // namespace vitrine
