#include "benchmarks/comparison.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmarks/child_process.h"
#include "benchmarks/programs.h"
#include "nlohmann/json.hpp"

namespace vitrine {
namespace {

std::string MeasuredBy(const Report& report) {
  nlohmann::json measured = {{"rows", nlohmann::json::array()},
                             {"curves", nlohmann::json::array()}};
  const Machine& machine = report.machine();
  measured["machine"] = {{"processor", machine.processor},
                         {"cores", machine.cores},
                         {"features", machine.features}};
  for (const BenchRow& row : report.rows()) {
    measured["rows"].push_back(nlohmann::json::parse(JsonLine(row, machine)));
  }
  for (const Curve& curve : report.curves()) {
    nlohmann::json points = nlohmann::json::array();
    for (const Curve::Point& point : curve.points) {
      points.push_back({{"ef", point.ef},
                        {"recall", point.recall},
                        {"rate", Median(point.rates)}});
    }
    measured["curves"].push_back(
        {{"name", curve.name}, {"points", std::move(points)}});
  }
  return measured.dump();
}

}  // namespace

absl::Status WriteComparison(const Report& report,
                             const std::filesystem::path& python,
                             const std::filesystem::path& file) {
  auto process = ChildProcess::Start(
      {python.string(), BenchScript("compare.py").string(), file.string()});
  absl::Status status = process.status();
  if (status.ok()) status = (*process)->Write(MeasuredBy(report));
  if (status.ok()) status = (*process)->Finish();
  if (status.ok()) return status;
  return absl::FailedPreconditionError(absl::StrCat(
      "--compare: ", file.string(), " cannot be drawn with ", python.string(),
      ": `./dev bench` makes it from PyPI, or name with --python an "
      "interpreter that has matplotlib"));
}

}  // namespace vitrine
