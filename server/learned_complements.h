// What to look for in a slot, where the index has learned it of pairs.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "common/index/complements.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// What complements are looked for by.
struct LearnedQuery {
  ComplementQuery query;
  v1::ComplementBasis basis = v1::COMPLEMENT_BASIS_UNSPECIFIED;
};

// For a product of a category and a slot, of which either may be empty, with a
// vector that is normalised by blocks: by the projection of its category, else
// of its slot, else of any product to the slot that is looked in. Nothing, so
// that the rule holds, where `complements`, which may be null, has none.
std::optional<LearnedQuery> LearnComplements(const Complements* complements,
                                             std::string_view category,
                                             std::string_view slot,
                                             std::string_view to_slot,
                                             std::span<const float> vector);

}  // namespace vitrine
