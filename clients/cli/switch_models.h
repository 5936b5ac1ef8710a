// Which of an index's two models serves.
#pragma once

#include <chrono>

#include "clients/cli/flags.h"
#include "clients/cli/verbs.h"

namespace vitrine::cli {

// Asks the indexer of --index to let the other model's vectors serve (promote),
// to return to those that served before, or to give up those that are being
// built (rollback), and waits for it unless --no-wait. kFailed where there is
// nothing to do so with, or the indexer refuses. `look` is how often to look
// for the answer.
int SwitchModels(
    const Flags& flags, const Environment& environment,
    std::chrono::milliseconds look = std::chrono::milliseconds(100));

}  // namespace vitrine::cli
