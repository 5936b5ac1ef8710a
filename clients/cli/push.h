// Products and pictures into the queue of an indexer.
#pragma once

#include <chrono>

#include "clients/cli/flags.h"
#include "clients/cli/verbs.h"

namespace vitrine::cli {

// kFailed where a picture could not be read (its product is left as it is, the
// others are pushed), where the queue could not be written to, and, with
// --wait, where the indexer has refused an event, or a picture as far as a
// server tells. `look` is how often to look
// whether the indexer has gone on.
int Push(const Flags& flags, const Environment& environment,
         std::chrono::milliseconds look = std::chrono::milliseconds(50));

}  // namespace vitrine::cli
