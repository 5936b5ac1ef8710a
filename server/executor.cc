#include "server/executor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::Status Executor::TrySchedule(std::function<void()> task) {
  if (waiting_ >= max_waiting_) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     v1::ERROR_REASON_OVERLOADED,
                     absl::StrCat("the server is full: ", max_waiting_,
                                  " requests wait already; try again later"),
                     {}, max_waiting_, /*retry_after_ms=*/100);
  }
  Schedule(std::move(task));
  return absl::OkStatus();
}

void Executor::Schedule(std::function<void()> task) {
  ++waiting_;
  pool_.Schedule([this, task = std::move(task)] {
    --waiting_;
    task();
  });
}

}  // namespace vitrine
