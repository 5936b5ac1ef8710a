#include "server/rerank.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/index/search_params.h"
#include "server/hit_merge.h"

namespace vitrine {
namespace {

// How many candidates are looked at, as search.proto tells.
constexpr int kLeastCandidates = 100;
constexpr int kMoreCandidates = 4;

constexpr std::string_view kColourBlock = "colour";

// So many hits of the order count: those that are skipped, too.
int Needed(const v1::SearchRequest& rules) {
  return rules.offset() + rules.k();
}

float WeightOf(const std::vector<Block>& blocks, std::string_view name) {
  for (const Block& block : blocks) {
    if (block.name == name) return block.weight;
  }
  return 0;
}

}  // namespace

std::vector<float> ColourEmphasis(const std::vector<Block>& blocks,
                                  float share) {
  const float weight = WeightOf(blocks, kColourBlock);
  if (weight <= 0 || weight >= 1) return {};
  std::vector<float> emphasis;
  for (const Block& block : blocks) {
    emphasis.push_back(block.name == kColourBlock ? share / weight
                                                  : (1 - share) / (1 - weight));
  }
  return emphasis;
}

v1::SearchRequest RerankRules(const v1::SearchRequest& request) {
  v1::SearchRequest rules;
  rules.set_k(request.has_k() ? request.k() : 10);
  rules.set_offset(request.offset());
  if (request.has_group_by_product())
    rules.set_group_by_product(request.group_by_product());
  *rules.mutable_fields() = request.fields();
  *rules.mutable_diversity() = request.diversity();
  *rules.mutable_boosts() = request.boosts();
  return rules;
}

Reranker::Reranker(const v1::SearchRequest& rules,
                   std::optional<Harmony> harmony, std::string first_product)
    : rules_(rules),
      boosts_(rules.boosts()),
      harmony_(std::move(harmony)),
      colours_(harmony_ ? ColoursNamed(harmony_->colour)
                        : std::vector<NamedColour>()),
      first_product_(std::move(first_product)),
      candidates_(std::clamp(kMoreCandidates * Needed(rules), kLeastCandidates,
                             kMaxResults)) {}

v1::ReturnFields Reranker::fields() const {
  v1::ReturnFields fields = rules_.fields();
  fields.set_omit_attributes(false);
  return fields;
}

void Reranker::Harmonise(v1::Hit* hit) const {
  float style = 0, styles = 0, colour = 0;
  for (const v1::BlockScore& block : hit->block_scores()) {
    if (block.block() == kColourBlock) {
      colour = block.cosine();
      continue;
    }
    const float weight = WeightOf(harmony_->blocks, block.block());
    style += weight * block.cosine();
    styles += weight;
  }
  // Vectors of colour alone have no style to tell apart.
  if (styles > 0) style /= styles;
  const std::string own = ColourOf(hit->attributes());
  const v1::ColourHarmony::Relation relation =
      RelationOf(ColoursNamed(own), colours_);
  if (relation != v1::ColourHarmony::RELATION_UNSPECIFIED) {
    colour = ValueOf(relation);
    v1::ColourHarmony* harmony = hit->mutable_colour_harmony();
    harmony->set_relation(relation);
    harmony->set_colour(own);
    harmony->set_goes_with(harmony_->colour);
  } else if (WeightOf(harmony_->blocks, kColourBlock) <= 0) {
    // Nothing tells of its colour, so that style must do for both.
    colour = style;
  }
  const float score = (1 - kColourShare) * style + kColourShare * colour;
  hit->set_score(std::clamp(score, 0.0f, 1.0f));
  hit->set_distance(std::max(1 - score, 0.0f));
}

bool Reranker::Choose(bool all,
                      google::protobuf::RepeatedPtrField<v1::Hit>* hits) {
  struct Ranked {
    float rank;
    v1::Hit* hit;
  };
  HitMerge merge(rules_);
  std::vector<Ranked> ranked;
  for (v1::Hit& hit : *hits) {
    if (harmony_) Harmonise(&hit);
    float factor = 1;
    if (!rules_.boosts().empty()) {
      factor = boosts_.FactorOf(hit);
      hit.set_boost(factor);
    }
    if (&hit == &(*hits)[0] && !first_product_.empty() &&
        hit.product_id() == first_product_) {
      merge.Take(std::move(hit));
      continue;
    }
    ranked.push_back({factor * hit.score(), &hit});
  }
  std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.rank != b.rank ? a.rank > b.rank : ComesBefore(*a.hit, *b.hit);
  });
  const auto needed = static_cast<size_t>(Needed(rules_));
  for (const Ranked& one : ranked) {
    if (merge.hits().size() >= needed) break;
    merge.Offer(std::move(*one.hit));
  }
  if (merge.hits().size() < needed && !all && candidates_ < kMaxResults) {
    candidates_ = std::min(kMoreCandidates * candidates_, kMaxResults);
    return false;
  }
  hits->Clear();
  merge.Give(static_cast<size_t>(rules_.offset()), hits);
  return true;
}

}  // namespace vitrine
