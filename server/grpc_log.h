// What gRPC itself tells.
#pragma once

#include "common/log/log.h"

namespace vitrine {

// From here on `log`, which must live for ever, gets what gRPC would write to
// standard error in a form of its own. Once.
void TakeGrpcLog(Log* log);

}  // namespace vitrine
