// One page about the pictures that were refused or warned of, to send to
// whoever took them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/receipt_report.h"

namespace vitrine::cli {

// What stands in a picture's place on the page.
struct ReportThumbnail {
  std::string jpeg_base64 = {};  // Empty where it cannot be shown, …
  std::string error = {};        // … and why.
  bool changed = false;          // The file is not what the receipt is about.
};

struct ReceiptPage {
  const ReceiptSummary& summary;
  bool has_refused = true;
  bool has_warned = true;
  // Whether the thumbnails were made; one of each receipt that is shown, in
  // their order.
  bool has_pictures = false;
  std::vector<ReportThumbnail> refused = {};
  std::vector<ReportThumbnail> warned = {};
  int64_t unreadable_lines = 0;
  std::string made_at = {};  // "2026-11-01 12:00:00".
};

// So many pictures of each kind are shown at most; the page says how many are
// not.
inline constexpr size_t kMostShown = 2000;

// Needs no other file and no network.
std::string ReceiptHtml(const ReceiptPage& page);

// The thumbnails of the first kMostShown of `receipts`, made of the catalogue
// by `program`. Those that came by a queue with their bytes have none.
absl::StatusOr<std::vector<ReportThumbnail>> ThumbnailsOf(
    const std::string& program, const std::string& catalog,
    const std::vector<v1::Receipt>& receipts);

}  // namespace vitrine::cli
