// The values of flags that are more than a word or a number. Each function
// throws CLI::ValidationError, whose text says what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/flags.h"

namespace vitrine::cli {

std::vector<std::string> SplitAtCommas(const std::string& text);

// "0,0.5,1,1": left, top, right, bottom.
Region ParseRegion(const std::string& text);

// "colour=2".
std::pair<std::string, float> ParseEmphasis(const std::string& text);

// "brand=2".
std::pair<std::string, int32_t> ParseMaxPer(const std::string& text);

// "1163@0.5": what follows the last @ is the weight where it is a number;
// without, it is 1, or -0.5 for `minus`: at equal weights, what is left of two
// similar examples is mostly noise.
ExtraExample ParseExtraExample(const std::string& text, bool is_image,
                               bool minus);

// "7d", "12h", "30m", "45s", "2w": so long before `now_unix_ms`; "2026-11-01",
// which begins in UTC, or "2026-11-01T12:30:00Z". In milliseconds since 1970.
int64_t ParseSince(const std::string& text, int64_t now_unix_ms);

}  // namespace vitrine::cli
