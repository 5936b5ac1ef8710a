// One page about the pictures that were refused or warned of, to send to
// whoever took them.
#pragma once

#include <string>
#include <vector>

#include "clients/cli/receipt_pictures.h"
#include "clients/cli/receipt_report.h"

namespace vitrine::cli {

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

// Needs no other file and no network.
std::string ReceiptHtml(const ReceiptPage& page);

}  // namespace vitrine::cli
