// Many receipts as counts: by folder, by reason, and how soon pictures were
// searchable. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "clients/cli/output_json.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine::cli {

// Pictures by what their last receipt says.
struct PictureTally {
  int64_t accepted = 0;
  int64_t removed = 0;
  int64_t refused = 0;
  int64_t warned = 0;                       // Of the accepted ones.
  std::map<std::string, int64_t> reasons;   // Of the refused ones.
  std::map<std::string, int64_t> warnings;  // "too dark", "duplicate", …
};

// Seconds from arriving to being searchable, of all pictures for which both are
// known.
struct Freshness {
  int64_t pictures = 0;
  double median_s = 0;
  double p95_s = 0;
  // So many took at most so long, and more than the one before; the last bound
  // is infinite.
  struct Bucket {
    double at_most_s;
    int64_t pictures;
  };
  std::vector<Bucket> buckets;
};

struct ReceiptSummary {
  PictureTally total;
  std::map<std::string, PictureTally> folders;
  Freshness freshness;
  // The last receipts of the pictures that are refused, and of those that are
  // accepted with warnings; each by folder, then path.
  std::vector<v1::Receipt> refused;
  std::vector<v1::Receipt> warned;
  std::string first_time;  // "2026-11-01 12:00:00", of all receipts; or empty.
  std::string last_time;
};

// Not thread-safe. Keeps the last receipt of a picture where that is refused or
// warned of, and a few bytes of each other.
class ReceiptReport {
 public:
  void Add(const v1::Receipt& receipt);
  ReceiptSummary Summarise() const;

 private:
  struct State {
    std::string folder;
    v1::Receipt::Outcome outcome = v1::Receipt::OUTCOME_UNSPECIFIED;
    int64_t kept = -1;  // An index into kept_.
  };

  std::unordered_map<std::string, State> pictures_;
  std::vector<v1::Receipt> kept_;
  std::vector<float> seconds_;
  v1::Receipt first_, last_;
};

// The folder that a receipt counts for: that of its path, "." for the
// catalogue's own; a queue's name where it came from one.
std::string FolderOf(const v1::Receipt& receipt);

// What a warning is about: "too dark" of "too dark: its mean …".
std::string WarningKind(const std::string& warning);

// "0.25 s", "5 min".
std::string DurationText(double seconds);

// A table of folders, and the histogram of freshness, for people; the same as
// JSON lines and for spreadsheets. Folders without what `refused` or `warned`
// asks for are left out, where either does.
std::string SummaryTable(const ReceiptSummary& summary, bool refused,
                         bool warned);
std::string SummaryJson(const ReceiptSummary& summary, bool refused,
                        bool warned);
std::string SummaryCsv(const ReceiptSummary& summary, bool refused,
                       bool warned);

}  // namespace vitrine::cli
