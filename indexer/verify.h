// --verify: whether an index is sound, told on standard error.
#pragma once

#include "absl/status/status.h"
#include "common/index/index_paths.h"
#include "common/log/log.h"

namespace vitrine {

// DATA_LOSS, with the remedy, where anything is damaged, after a line for each
// file. Takes no lock and writes nothing. `log` is as a Console's.
absl::Status VerifyIndex(const IndexPaths& paths, Log* log = nullptr);

}  // namespace vitrine
