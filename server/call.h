// What a request handler must know of the call that it serves, whatever
// carries it.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vitrine {

struct Call {
  std::chrono::steady_clock::time_point arrived =
      std::chrono::steady_clock::now();
  // The same by the clock of the world, which tells what is offered.
  std::chrono::system_clock::time_point arrived_at =
      std::chrono::system_clock::now();
  // Past it the answer is of no use.
  std::chrono::system_clock::time_point deadline =
      std::chrono::system_clock::time_point::max();
  // Whether the caller has gone; may be empty.
  std::function<bool()> cancelled;
  // Whether the thread may not be held long: a search that turns out to need
  // more than its first walks ends with CANCELLED.
  bool brief = false;

  // DEADLINE_EXCEEDED or CANCELLED where work would be in vain.
  absl::Status Check() const;
};

// Moves what a handler has made to where its caller takes it from.
template <typename Response>
absl::Status PutInto(Response* response, absl::StatusOr<Response> made) {
  absl::Status status = made.status();
  if (status.ok()) *response = *std::move(made);
  return status;
}

// Milliseconds from `begin` to now.
float MillisecondsSince(std::chrono::steady_clock::time_point begin);

}  // namespace vitrine
