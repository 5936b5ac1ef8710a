#include "clients/cli/receipt_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/cli/receipt_lines.h"
#include "clients/cli/text.h"
#include "common/catalog/receipt_json.h"
#include "common/catalog/receipt_reader.h"

namespace vitrine::cli {
namespace {

constexpr double kBounds[] = {0.25,
                              0.5,
                              1,
                              2,
                              5,
                              15,
                              60,
                              300,
                              1800,
                              7200,
                              std::numeric_limits<double>::infinity()};
constexpr int kBarColumns = 40;

// What names a picture: of a queue, keys are unique within their product.
std::string PictureName(const v1::Receipt& receipt) {
  if (receipt.source() == "directory") return receipt.path();
  return receipt.source() + '\0' + receipt.product_id() + '\0' + receipt.path();
}

void Count(const v1::Receipt* receipt, v1::Receipt::Outcome outcome,
           PictureTally* tally) {
  switch (outcome) {
    case v1::Receipt::OUTCOME_ACCEPTED:
    case v1::Receipt::OUTCOME_CHANGED: {
      ++tally->accepted;
      if (receipt == nullptr) return;
      ++tally->warned;
      std::set<std::string> kinds;
      for (const std::string& warning : receipt->warnings()) {
        kinds.insert(WarningKind(warning));
      }
      for (const std::string& kind : kinds) ++tally->warnings[kind];
      return;
    }
    case v1::Receipt::OUTCOME_REMOVED:
      ++tally->removed;
      return;
    case v1::Receipt::OUTCOME_REFUSED:
      ++tally->refused;
      ++tally->reasons[vitrine::ReasonName(receipt->reason())];
      return;
    default:
      return;
  }
}

Freshness FreshnessOf(std::vector<float> seconds) {
  Freshness freshness;
  for (double bound : kBounds) freshness.buckets.push_back({bound, 0});
  if (seconds.empty()) return freshness;
  std::sort(seconds.begin(), seconds.end());
  freshness.pictures = static_cast<int64_t>(seconds.size());
  auto share = [&seconds](double q) {
    return seconds[static_cast<size_t>(
        std::ceil(q * static_cast<double>(seconds.size())) - 1)];
  };
  freshness.median_s = share(0.5);
  freshness.p95_s = share(0.95);
  size_t bucket = 0;
  for (float s : seconds) {
    while (s > freshness.buckets[bucket].at_most_s) ++bucket;
    ++freshness.buckets[bucket].pictures;
  }
  return freshness;
}

bool IsShown(const PictureTally& tally, bool refused, bool warned) {
  return (!refused && !warned) || (refused && tally.refused > 0) ||
         (warned && tally.warned > 0);
}

// "IMAGE_TRUNCATED 3, IMAGE_EMPTY 1".
std::string CountsText(const std::map<std::string, int64_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) {
    parts.push_back(name + " " + FormatCount(count));
  }
  return absl::StrJoin(parts, ", ");
}

std::string FreshnessText(const Freshness& freshness) {
  if (freshness.pictures == 0) return "";
  std::string text = "\nFrom arriving to being searchable: half within " +
                     DurationText(freshness.median_s) + ", 95 % within " +
                     DurationText(freshness.p95_s) + ", of " +
                     FormatCount(freshness.pictures) +
                     (freshness.pictures == 1 ? " picture\n" : " pictures\n");
  int64_t most = 1;
  for (const auto& bucket : freshness.buckets) {
    most = std::max(most, bucket.pictures);
  }
  Table table({"", "", ""}, {true, true, false});
  for (size_t i = 0; i < freshness.buckets.size(); ++i) {
    const Freshness::Bucket& bucket = freshness.buckets[i];
    std::string bar;
    const int64_t columns = (bucket.pictures * kBarColumns + most - 1) / most;
    for (int64_t c = 0; c < columns; ++c) bar += "█";
    table.AddRow({std::isinf(bucket.at_most_s)
                      ? "more"
                      : "≤ " + DurationText(bucket.at_most_s),
                  FormatCount(bucket.pictures), bar});
  }
  return text + table.ToString("  ");
}

Json TallyJson(const PictureTally& tally) {
  return {{"accepted", tally.accepted}, {"removed", tally.removed},
          {"refused", tally.refused},   {"warned", tally.warned},
          {"reasons", tally.reasons},   {"warnings", tally.warnings}};
}

}  // namespace

std::string FolderOf(const v1::Receipt& receipt) {
  if (receipt.source() != "directory") return receipt.source();
  const size_t slash = receipt.path().rfind('/');
  return slash == std::string::npos ? "." : receipt.path().substr(0, slash);
}

std::string WarningKind(const std::string& warning) {
  // The others tell of the table that describes the picture.
  static const auto* kinds = new std::set<std::string>{
      "too small", "nearly blank", "too dark", "blurred", "duplicate"};
  const std::string kind = warning.substr(0, warning.find(':'));
  return kinds->contains(kind) ? kind : "description";
}

std::string DurationText(double seconds) {
  if (seconds < 60) return FormatNumber(seconds, 2) + " s";
  if (seconds < 3600) return FormatNumber(seconds / 60, 2) + " min";
  return FormatNumber(seconds / 3600, 3) + " h";
}

void ReceiptReport::Add(const v1::Receipt& receipt) {
  if (!first_.has_time()) *first_.mutable_time() = receipt.time();
  *last_.mutable_time() = receipt.time();
  State& state = pictures_[PictureName(receipt)];
  state.folder = FolderOf(receipt);
  state.outcome = receipt.outcome();
  const bool is_in = receipt.outcome() == v1::Receipt::OUTCOME_ACCEPTED ||
                     receipt.outcome() == v1::Receipt::OUTCOME_CHANGED;
  if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED ||
      (is_in && receipt.warnings_size() > 0)) {
    if (state.kept < 0) {
      state.kept = static_cast<int64_t>(kept_.size());
      kept_.emplace_back();
    }
    kept_[static_cast<size_t>(state.kept)] = receipt;
  } else if (state.kept >= 0) {
    kept_[static_cast<size_t>(state.kept)].Clear();
  }
  if (is_in && receipt.has_arrived_at() && receipt.has_searchable_at()) {
    seconds_.push_back(static_cast<float>(
        std::max(0.0, absl::ToDoubleSeconds(TimeOf(receipt.searchable_at()) -
                                            TimeOf(receipt.arrived_at())))));
  }
}

ReceiptSummary ReceiptReport::Summarise() const {
  ReceiptSummary summary;
  for (const auto& [name, state] : pictures_) {
    const v1::Receipt* kept =
        state.kept < 0 ? nullptr : &kept_[static_cast<size_t>(state.kept)];
    if (kept != nullptr && !kept->has_time()) kept = nullptr;
    for (PictureTally* tally :
         {&summary.total, &summary.folders[state.folder]}) {
      Count(kept, state.outcome, tally);
    }
    if (kept == nullptr) continue;
    (state.outcome == v1::Receipt::OUTCOME_REFUSED ? summary.refused
                                                   : summary.warned)
        .push_back(*kept);
  }
  for (auto* receipts : {&summary.refused, &summary.warned}) {
    std::sort(receipts->begin(), receipts->end(),
              [](const v1::Receipt& a, const v1::Receipt& b) {
                return std::tuple(FolderOf(a), a.path(), a.product_id()) <
                       std::tuple(FolderOf(b), b.path(), b.product_id());
              });
  }
  summary.freshness = FreshnessOf(seconds_);
  if (first_.has_time()) {
    summary.first_time = TimeText(first_.time());
    summary.last_time = TimeText(last_.time());
  }
  return summary;
}

std::string SummaryTable(const ReceiptSummary& summary, bool refused,
                         bool warned) {
  if (summary.folders.empty()) return "no receipts\n";
  Table table({"folder", "accepted", "removed", "refused", "warned", "why"},
              {false, true, true, true, true, false});
  auto add = [&table](const std::string& name, const PictureTally& tally) {
    std::string why = CountsText(tally.reasons);
    const std::string warnings = CountsText(tally.warnings);
    if (!why.empty() && !warnings.empty()) why += "; ";
    table.AddRow({name, FormatCount(tally.accepted), FormatCount(tally.removed),
                  FormatCount(tally.refused), FormatCount(tally.warned),
                  why + warnings});
  };
  for (const auto& [folder, tally] : summary.folders) {
    if (IsShown(tally, refused, warned)) add(Shorten(folder, 50), tally);
  }
  add("all", summary.total);
  return table.ToString() + FreshnessText(summary.freshness);
}

std::string SummaryJson(const ReceiptSummary& summary, bool refused,
                        bool warned) {
  std::string lines;
  for (const auto& [folder, tally] : summary.folders) {
    if (!IsShown(tally, refused, warned)) continue;
    Json line = {{"folder", folder}};
    line.update(TallyJson(tally));
    lines += ToLine(line);
  }
  const Freshness& freshness = summary.freshness;
  Json buckets = Json::array();
  for (const Freshness::Bucket& bucket : freshness.buckets) {
    Json at_most_s = nullptr;
    if (!std::isinf(bucket.at_most_s)) at_most_s = bucket.at_most_s;
    buckets.push_back(
        {{"at_most_s", at_most_s}, {"pictures", bucket.pictures}});
  }
  Json last = {{"total", TallyJson(summary.total)},
               {"freshness",
                {{"pictures", freshness.pictures},
                 {"median_s", freshness.median_s},
                 {"p95_s", freshness.p95_s},
                 {"buckets", buckets}}}};
  return lines + ToLine(last);
}

std::string SummaryCsv(const ReceiptSummary& summary, bool refused,
                       bool warned) {
  std::string csv =
      "\xEF\xBB\xBF" + CsvLine({"folder", "accepted", "removed", "refused",
                                "warned", "reasons", "warnings"});
  for (const auto& [folder, tally] : summary.folders) {
    if (!IsShown(tally, refused, warned)) continue;
    csv += CsvLine({folder, std::to_string(tally.accepted),
                    std::to_string(tally.removed),
                    std::to_string(tally.refused), std::to_string(tally.warned),
                    CountsText(tally.reasons), CountsText(tally.warnings)});
  }
  return csv;
}

}  // namespace vitrine::cli
