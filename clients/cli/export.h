// Every product of the index as JSON lines.
#pragma once

#include <chrono>

#include "clients/cli/connection.h"
#include "clients/cli/verbs.h"

namespace vitrine::cli {

// How a broken stream is taken up again: so many times in a row without a
// single product in between, each after twice the pause of the one before.
struct RetryPolicy {
  int attempts = 5;
  std::chrono::milliseconds first_pause{200};
};

int Export(Connection& connection, const Flags& flags,
           const Environment& environment, const RetryPolicy& retry = {});

}  // namespace vitrine::cli
