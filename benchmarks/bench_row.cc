#include "benchmarks/bench_row.h"

#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace vitrine {

std::string JsonLine(const BenchRow& row, const Machine& machine) {
  nlohmann::ordered_json line = {
      {"name", row.name}, {"value", row.value}, {"unit", row.unit}};
  if (!row.against.empty()) {
    line["against"] = row.against;
    line["ratio"] = row.ratio;
  }
  if (row.recall >= 0) line["recall"] = row.recall;
  line["machine"] = {{"processor", machine.processor},
                     {"cores", machine.cores},
                     {"features", machine.features}};
  return line.dump();
}

std::string TableHead() {
  return absl::StrFormat("%-32s %12s %-12s %8s  %s", "row", "value", "unit",
                         "ratio", "against");
}

std::string TableLine(const BenchRow& row) {
  std::string line =
      absl::StrFormat("%-32s %12.4g %-12s", row.name, row.value, row.unit);
  if (!row.against.empty()) {
    absl::StrAppendFormat(&line, " %8.2f  %s", row.ratio, row.against);
  }
  if (row.recall >= 0) {
    absl::StrAppendFormat(&line, "  (recall@10 %.4f)", row.recall);
  }
  return line;
}

}  // namespace vitrine
