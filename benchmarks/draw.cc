// Drawn rows as an index that stays.
#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"

namespace vitrine {

absl::Status DrawIndex(const BenchOptions& options,
                       const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "--draw: ", folder.string(), " is there already; name a new folder"));
  }
  const IndexPaths from{options.index}, to{folder};
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  VITRINE_RETURN_IF_ERROR(
      WriteIndex(to, *drawn.source, RowsOf(drawn), ProductsOf(drawn)).status());
  return CopyModel(from, to, drawn.source->set().model());
}

}  // namespace vitrine
