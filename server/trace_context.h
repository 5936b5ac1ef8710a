// The trace that a call belongs to, by W3C Trace Context
// (https://www.w3.org/TR/trace-context/).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

struct TraceContext {
  std::string trace_id;  // 32 small hexadecimal digits, not all of them 0.
  std::string span_id;   // The caller's span; 16 of them.
};

// What a header `traceparent` says; nothing where it is not right, as the
// standard has it. Later versions may say more than is read.
std::optional<TraceContext> ParseTraceparent(std::string_view header);

}  // namespace vitrine
