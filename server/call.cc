#include "server/call.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::Status Call::Check() const {
  if (cancelled && cancelled()) {
    return absl::CancelledError("the caller has cancelled the call");
  }
  if (std::chrono::system_clock::now() > deadline) {
    return MakeError(absl::StatusCode::kDeadlineExceeded,
                     v1::ERROR_REASON_DEADLINE_EXCEEDED,
                     absl::StrCat("the deadline passed ",
                                  static_cast<int>(MillisecondsSince(arrived)),
                                  " ms after the request had come; allow more "
                                  "time or send fewer requests at once"));
  }
  return absl::OkStatus();
}

float MillisecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<float, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace vitrine
