// Attributes in which the pieces of a look agree.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"

namespace vitrine {

// By their lower-case names.
inline constexpr std::array<std::string_view, 4> kTraits = {"gender", "kids",
                                                            "usage", "season"};

// The values of each trait in lower case; none is not told.
using TraitValues = std::array<std::vector<std::string>, kTraits.size()>;

inline std::string LowerCase(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

// Values that agree with every other, and those that tell nothing.
inline bool FitsAll(std::string_view value) {
  return value.empty() || value == "unisex" || value == "all" ||
         value == "na" || value == "n/a";
}

// Calls `visit` with each value of an attribute, stored or of the API, that can
// be a trait, in lower case.
template <typename Attribute, typename Visit>
void ForEachTraitValue(const Attribute& attribute, const Visit& visit) {
  switch (attribute.kind_case()) {
    case Attribute::kText:
      visit(LowerCase(attribute.text()));
      break;
    case Attribute::kFlag:
      visit(attribute.flag() ? "true" : "false");
      break;
    case Attribute::kList:
      for (const std::string& value : attribute.list().values()) {
        visit(LowerCase(value));
      }
      break;
    default:
      break;
  }
}

}  // namespace vitrine
