#include "server/stream_budget.h"

#include <malloc.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr int kRetryMs = 1000;
constexpr size_t kFewOfMuch = 8;

absl::Status FullError(absl::string_view why, double limit) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
      absl::StrCat("the server is full: ", why, "; try again later"), {}, limit,
      kRetryMs);
}

}  // namespace

bool StreamBudget::Share::Set(size_t bytes) {
  const size_t before = std::exchange(bytes_, bytes);
  // Unsigned numbers wrap round, and back.
  const size_t all = budget_.bytes_ += bytes - before;
  if (all > budget_.limits_.much_bytes) {
    budget_.held_much_ = true;
  } else if (all < budget_.limits_.much_bytes / kFewOfMuch &&
             budget_.held_much_.exchange(false)) {
    // A gigabyte would stay in the heap, whose pieces are kept for the model's.
    malloc_trim(0);
  }
  return bytes <= before || all <= budget_.limits_.most_bytes;
}

absl::Status StreamBudget::CheckRoom() const {
  if (streams_ < limits_.streams) return absl::OkStatus();
  return FullError(absl::StrCat(limits_.streams, " streams are open"),
                   limits_.streams);
}

absl::Status StreamBudget::Full() const {
  return FullError(
      absl::StrCat("all streams together hold more than ",
                   limits_.most_bytes >> 20,
                   " MB, with the answers that callers have not taken"),
      static_cast<double>(limits_.most_bytes));
}

}  // namespace vitrine
