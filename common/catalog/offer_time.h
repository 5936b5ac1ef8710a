// When products are offered, as catalogues write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

// A date ("2026-03-01", its first moment in UTC) or a date with a time
// ("2026-03-01T09:30:00Z", "2026-03-01 09:30:00.5+01:00") as in RFC 3339, in
// milliseconds since 1970; never 0, which records take for none. Nothing where
// it is neither.
std::optional<int64_t> ParseOfferTime(std::string_view text);

// What is wrong with `value` as the field or column `name`, with the remedy.
std::string BadOfferTime(std::string_view name, std::string_view value);

}  // namespace vitrine
