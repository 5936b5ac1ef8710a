// Orders the nearest candidates anew, by the harmony of colours and by boosts,
// and takes the best that limits let stand. Candidates of one index and those
// of several partitions, the nearest of all together, come to the same answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/vector/block.h"
#include "server/boosts.h"
#include "server/colour_harmony.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Colour's part of a complement's score; the rest is style.
inline constexpr float kColourShare = 0.6f;
// The same where candidates are looked for whose harmony is to be judged: by
// more, none of another colour would be among them.
inline constexpr float kCandidateColourShare = 0.2f;

// How much each block is to count so that colour has `share` of the score;
// empty where the vectors have no block of colour, or no other.
std::vector<float> ColourEmphasis(const std::vector<Block>& blocks,
                                  float share);

// What a Reranker is told of a search: the request itself but for what its
// candidates are chosen by.
v1::SearchRequest RerankRules(const v1::SearchRequest& request);

// What a complement's colour is to go with.
struct Harmony {
  std::string colour;         // Names colours that are known.
  std::vector<Block> blocks;  // Of the vectors.
};

// Of one answer. Not thread-safe; the rules must outlive it.
class Reranker {
 public:
  // `rules` has the boosts, the limits, k, offset and the fields of the answer.
  // `first_product`, where it is not empty and the nearest hit, stays the
  // first.
  explicit Reranker(const v1::SearchRequest& rules,
                    std::optional<Harmony> harmony = std::nullopt,
                    std::string first_product = {});

  // How many of the nearest candidates are to be found, with which fields.
  int candidates() const { return candidates_; }
  v1::ReturnFields fields() const;

  // Makes the nearest candidates, in their order, the answer. `all` tells that
  // there are no others. False where too few stand and others are to be looked
  // at: as many as candidates() then says are to be found anew.
  bool Choose(bool all, google::protobuf::RepeatedPtrField<v1::Hit>* hits);

 private:
  void Harmonise(v1::Hit* hit) const;

  const v1::SearchRequest& rules_;
  const Boosts boosts_;
  const std::optional<Harmony> harmony_;
  const std::vector<NamedColour> colours_;  // Of harmony_.
  const std::string first_product_;
  int candidates_;
};

}  // namespace vitrine
