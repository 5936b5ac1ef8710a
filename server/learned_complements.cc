#include "server/learned_complements.h"

#include <utility>

namespace vitrine {

std::optional<LearnedQuery> LearnComplements(const Complements* complements,
                                             std::string_view category,
                                             std::string_view slot,
                                             std::string_view to_slot,
                                             std::span<const float> vector) {
  if (complements == nullptr) return std::nullopt;
  struct Step {
    std::string_view category;
    std::string_view slot;
    v1::ComplementBasis basis;
  };
  for (const Step& step :
       {Step{category, slot, v1::COMPLEMENT_BASIS_LEARNED_CATEGORY},
        Step{"", slot, v1::COMPLEMENT_BASIS_LEARNED_SLOT},
        Step{"", "", v1::COMPLEMENT_BASIS_LEARNED_ANY}}) {
    if (step.basis == v1::COMPLEMENT_BASIS_LEARNED_CATEGORY && category.empty())
      continue;
    if (step.basis == v1::COMPLEMENT_BASIS_LEARNED_SLOT && slot.empty())
      continue;
    const v1::Projection* const projection =
        complements->Find(step.category, step.slot, to_slot);
    if (projection == nullptr) continue;
    if (auto query = complements->Project(*projection, vector))
      return LearnedQuery{*std::move(query), step.basis};
  }
  return std::nullopt;
}

}  // namespace vitrine
