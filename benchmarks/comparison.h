// What a run has measured, as a picture.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "benchmarks/report.h"

namespace vitrine {

// Writes the curves, where there are any, and the table of a report's rows to a
// PNG file. FAILED_PRECONDITION, with the remedy, where `python` is no
// interpreter that has matplotlib.
absl::Status WriteComparison(const Report& report,
                             const std::filesystem::path& python,
                             const std::filesystem::path& file);

}  // namespace vitrine
