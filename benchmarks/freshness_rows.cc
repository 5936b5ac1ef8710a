// From the drop of a picture into a watched catalogue to its being found
// through gRPC: an indexer, idle otherwise, and a server.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/catalog_pictures.h"
#include "benchmarks/report.h"
#include "benchmarks/watched_catalog.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr size_t kDrops = 50;
constexpr size_t kBeforehand = 500;  // Pictures that are indexed first.

}  // namespace

absl::Status RunFreshnessRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      const std::vector<std::string> pictures,
      DifferentPictures(options.catalog, kBeforehand + kDrops));
  if (pictures.size() <= kDrops) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.catalog.string(), " holds ", pictures.size(),
        " different pictures; at least ", kDrops + 1, " are needed"));
  }
  VITRINE_ASSIGN_OR_RETURN(const auto world, WatchedCatalog::Make());
  const size_t beforehand = pictures.size() - kDrops;
  for (size_t i = 0; i < beforehand; ++i) {
    VITRINE_RETURN_IF_ERROR(world->Drop(absl::StrCat("old", i), pictures[i]));
  }
  VITRINE_RETURN_IF_ERROR(world->Start(options.model));
  VITRINE_RETURN_IF_ERROR(
      world->WaitForImages(static_cast<int64_t>(beforehand)));

  std::vector<DropStages> drops;
  for (size_t i = 0; i < kDrops; ++i) {
    VITRINE_ASSIGN_OR_RETURN(
        const DropStages stages,
        world->Measure(absl::StrCat("new", i), pictures[beforehand + i]));
    drops.push_back(stages);
  }
  std::vector<double> all;
  size_t within_a_second = 0;
  for (const DropStages& drop : drops) {
    all.push_back(drop.all);
    within_a_second += drop.all < 1000 ? 1 : 0;
  }
  auto median_of = [&drops](double DropStages::*stage) {
    std::vector<double> values;
    for (const DropStages& drop : drops) values.push_back(drop.*stage);
    return Median(std::move(values));
  };
  const double own_work =
      median_of(&DropStages::decode) + median_of(&DropStages::embed);
  report->Add({.name = "freshness",
               .value = Median(all),
               .unit = "ms (median)",
               .against = "decoding and embedding that picture",
               .ratio = Median(all) / own_work});
  report->Add({.name = "freshness_slowest",
               .value = *std::max_element(all.begin(), all.end()),
               .unit = "ms"});
  report->Add({.name = "freshness_within_1_s",
               .value = static_cast<double>(within_a_second),
               .unit = absl::StrCat("of ", kDrops)});
  const std::pair<const char*, double DropStages::*> stages[] = {
      {"freshness_decode", &DropStages::decode},
      {"freshness_embed", &DropStages::embed},
      {"freshness_notice_and_publish", &DropStages::publish},
      {"freshness_take_up", &DropStages::take_up}};
  for (const auto& [name, stage] : stages) {
    report->Add({.name = name, .value = median_of(stage), .unit = "ms"});
  }
  return absl::OkStatus();
}

}  // namespace vitrine
