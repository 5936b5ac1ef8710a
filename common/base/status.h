// Helpers for absl::Status, and the one way to attach a vitrine.v1.Error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vitrine/v1/search.pb.h"

#define VITRINE_CONCAT_INNER(a, b) a##b
#define VITRINE_CONCAT(a, b) VITRINE_CONCAT_INNER(a, b)

// Returns the status of `expr` from the enclosing function unless it is OK.
#define VITRINE_RETURN_IF_ERROR(expr)                              \
  if (absl::Status vitrine_status = (expr); vitrine_status.ok()) { \
  } else                                                           \
    return vitrine_status

// VITRINE_ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns its status.
#define VITRINE_ASSIGN_OR_RETURN(lhs, expr)                                 \
  VITRINE_ASSIGN_OR_RETURN_IMPL(VITRINE_CONCAT(vitrine_or_, __LINE__), lhs, \
                                expr)
#define VITRINE_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return std::move(tmp).status();      \
  lhs = std::move(tmp).value()

namespace vitrine {

// A status whose payload tells programs what `message` tells people. `field` is
// the path of the request's field; `limit` the bound that was passed;
// `retry_after_ms`, where positive, when a retry is sensible.
absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason,
                       std::string_view message, std::string_view field = {},
                       std::optional<double> limit = std::nullopt,
                       int retry_after_ms = 0);

// The error of a status that is not OK: its payload, or one made from its code
// and message where it has none.
v1::Error ErrorOf(const absl::Status& status);

// `status` with `field` for the path of what was wrong, in the words of the
// request rather than of the function that found it.
absl::Status WithField(const absl::Status& status, std::string_view field);

// `status` with `prefix` and ": " before its message; payloads are kept.
absl::Status Annotate(const absl::Status& status, std::string_view prefix);

// A status for the errno of a system call, as "cannot open /x: No such file".
absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace vitrine
