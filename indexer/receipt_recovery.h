// The receipts that a crash between a publication and its receipts has lost.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/table.h"
#include "indexer/publisher.h"
#include "indexer/receipts.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

// The receipts of what lies between two states of the table of source files,
// in order of path.
std::vector<v1::Receipt> ReceiptsBetween(const Table& before,
                                         const Table& after,
                                         const Publication& publication);

// Those of the last generation in the log that it lacks, and of all that came
// after.
absl::StatusOr<std::vector<v1::Receipt>> LostReceipts(const IndexPaths& paths,
                                                      const IndexView& view,
                                                      const ReceiptLog& log);

}  // namespace vitrine
