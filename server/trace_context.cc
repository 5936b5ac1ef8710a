#include "server/trace_context.h"

#include <algorithm>

namespace vitrine {
namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr size_t kTraceAt = 3;
constexpr size_t kTraceDigits = 32;
constexpr size_t kSpanAt = kTraceAt + kTraceDigits + 1;
constexpr size_t kSpanDigits = 16;
constexpr size_t kFlagsAt = kSpanAt + kSpanDigits + 1;
constexpr size_t kLength = kFlagsAt + 2;

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool IsId(std::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kLength) return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace = header.substr(kTraceAt, kTraceDigits);
  const std::string_view span = header.substr(kSpanAt, kSpanDigits);
  const bool is_longer = header.size() > kLength;
  if (!IsHex(version) || version == "ff" ||
      (is_longer && (version == "00" || header[kLength] != '-')) ||
      header[kTraceAt - 1] != '-' || header[kSpanAt - 1] != '-' ||
      header[kFlagsAt - 1] != '-' || !IsId(trace) || !IsId(span) ||
      !IsHex(header.substr(kFlagsAt, 2))) {
    return std::nullopt;
  }
  return TraceContext{std::string(trace), std::string(span)};
}

}  // namespace vitrine
