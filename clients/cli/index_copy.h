// Copies of an index, made while it is written and served.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "common/index/index_check.h"
#include "common/index/index_paths.h"

namespace vitrine::cli {

struct IndexCopy {
  uint64_t generation = 0;
  uint64_t files = 0;  // That the generation names, …
  uint64_t bytes = 0;
  uint64_t files_copied = 0;  // … and those of them that were copied.
  uint64_t bytes_copied = 0;
};

// Copies the newest generation of `from`, and its receipts, into `to`: a folder
// that is new, empty or an earlier copy of the same index, of which only what
// is missing is copied. Each copy is verified against the manifest. The
// manifest comes last, so that `to` holds a whole generation or none (or the
// earlier one) whenever this ends, and what only earlier generations name is
// removed after. A generation that expires meanwhile is left for the newest.
//
// NOT_FOUND where there is no index; FAILED_PRECONDITION where `to` is anything
// else, or in use; RESOURCE_EXHAUSTED where it has too little room; DATA_LOSS
// where a file of `from` is damaged. `progress` may be empty.
absl::StatusOr<IndexCopy> CopyIndex(const IndexPaths& from,
                                    const IndexPaths& to,
                                    const ByteProgress& progress);

}  // namespace vitrine::cli
