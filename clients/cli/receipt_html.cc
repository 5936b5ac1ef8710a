#include "clients/cli/receipt_html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "clients/cli/receipt_lines.h"
#include "clients/cli/text.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"

namespace vitrine::cli {
namespace {

constexpr char kStyle[] = R"(
body { margin: 0; background: #fff; color: #202226;
       font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 21px; margin: 40px 0 12px; }
p { max-width: 80ch; margin: 8px 0; }
.lead { font-size: 18px; color: #4a4e55; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid #e2e4e8; }
th { font-weight: 600; border-bottom: 2px solid #202226; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.cards { display: grid; gap: 16px;
         grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); }
.card { display: grid; grid-template-columns: 128px 1fr; gap: 14px;
        border: 1px solid #e2e4e8; border-radius: 6px; padding: 12px;
        break-inside: avoid; }
.card img, .box { width: 128px; height: 160px; object-fit: contain;
                  background: #f4f5f7; }
.box { display: flex; align-items: center; justify-content: center;
       text-align: center; font-size: 13px; color: #6b7078; padding: 8px;
       box-sizing: border-box; }
.card div { min-width: 0; overflow-wrap: anywhere; font-size: 14px; }
.path { font-weight: 600; }
.why { margin: 6px 0; }
.reason { font: 12px/1.4 ui-monospace, monospace; color: #a1260d; }
small { color: #6b7078; }
svg text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
           fill: #4a4e55; }
)";

std::string Text(std::string_view text) { return EscapeHtml(Printable(text)); }

std::string Plural(int64_t count, const char* noun) {
  return FormatCount(count) + " " + noun + (count == 1 ? "" : "s");
}

// Counts by name, most first.
std::string CountTable(const char* heading,
                       const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<std::string, int64_t>> rows(counts.begin(),
                                                    counts.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  std::string html = absl::StrCat("<table><tr><th>", heading,
                                  "</th><th class=n>pictures</th></tr>\n");
  for (const auto& [name, count] : rows) {
    absl::StrAppend(&html, "<tr><td>", Text(name), "</td><td class=n>",
                    FormatCount(count), "</td></tr>\n");
  }
  return html + "</table>\n";
}

std::string FolderTable(const ReceiptSummary& summary) {
  std::string html =
      "<table><tr><th>folder</th><th class=n>accepted</th><th "
      "class=n>refused</th><th class=n>with warnings</th></tr>\n";
  for (const auto& [folder, tally] : summary.folders) {
    absl::StrAppend(&html, "<tr><td>", Text(folder), "</td><td class=n>",
                    FormatCount(tally.accepted), "</td><td class=n>",
                    FormatCount(tally.refused), "</td><td class=n>",
                    FormatCount(tally.warned), "</td></tr>\n");
  }
  return html + "</table>\n";
}

std::string FreshnessSvg(const Freshness& freshness) {
  constexpr int kBar = 60, kHeight = 120, kTop = 20, kLabels = 24;
  int64_t most = 1;
  for (const auto& bucket : freshness.buckets) {
    most = std::max(most, bucket.pictures);
  }
  const int width = kBar * static_cast<int>(freshness.buckets.size());
  std::string svg = absl::StrCat(
      "<svg role=img aria-label=\"How long pictures took to become "
      "searchable\" width=",
      width, " height=", kTop + kHeight + kLabels, " viewBox=\"0 0 ", width,
      " ", kTop + kHeight + kLabels, "\">\n");
  for (size_t i = 0; i < freshness.buckets.size(); ++i) {
    const auto& bucket = freshness.buckets[i];
    const int height =
        static_cast<int>((bucket.pictures * kHeight + most - 1) / most);
    const int x = static_cast<int>(i) * kBar;
    absl::StrAppend(&svg, "<rect x=", x + 6, " y=", kTop + kHeight - height,
                    " width=", kBar - 12, " height=", height,
                    " fill=\"#3b6ea5\"/>");
    if (bucket.pictures > 0) {
      absl::StrAppend(&svg, "<text text-anchor=middle x=", x + kBar / 2,
                      " y=", kTop + kHeight - height - 5, ">",
                      FormatCount(bucket.pictures), "</text>");
    }
    absl::StrAppend(&svg, "<text text-anchor=middle x=", x + kBar / 2,
                    " y=", kTop + kHeight + 16, ">",
                    std::isinf(bucket.at_most_s)
                        ? "more"
                        : "≤ " + DurationText(bucket.at_most_s),
                    "</text>\n");
  }
  return svg + "</svg>\n";
}

std::string PictureHtml(const ReceiptPage& page,
                        const std::vector<ReportThumbnail>& thumbnails,
                        size_t i) {
  if (!page.has_pictures || i >= thumbnails.size()) {
    return "<div class=box>the picture is not in this page</div>";
  }
  const ReportThumbnail& thumbnail = thumbnails[i];
  if (thumbnail.jpeg_base64.empty()) {
    return absl::StrCat("<div class=box>", Text(thumbnail.error), "</div>");
  }
  return absl::StrCat("<img alt=\"\" src=\"data:image/jpeg;base64,",
                      thumbnail.jpeg_base64, "\">");
}

std::string Cards(const ReceiptPage& page,
                  const std::vector<v1::Receipt>& receipts,
                  const std::vector<ReportThumbnail>& thumbnails) {
  std::string html = "<div class=cards>\n";
  const size_t shown = std::min(receipts.size(), kMostShown);
  for (size_t i = 0; i < shown; ++i) {
    const v1::Receipt& receipt = receipts[i];
    absl::StrAppend(&html, "<div class=card>", PictureHtml(page, thumbnails, i),
                    "<div><div class=path>", Text(receipt.path()), "</div>");
    if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
      absl::StrAppend(&html, "<div class=why>", Text(receipt.message()),
                      "</div><div class=reason>",
                      Text(vitrine::ReasonName(receipt.reason())), "</div>");
    }
    for (const std::string& warning : receipt.warnings()) {
      absl::StrAppend(&html, "<div class=why>", Text(warning), "</div>");
    }
    absl::StrAppend(&html, "<small>product ", Text(receipt.product_id()), " · ",
                    TimeText(receipt.time()), " UTC");
    if (receipt.source() != "directory") {
      absl::StrAppend(&html, " · ", Text(receipt.source()));
    }
    if (i < thumbnails.size() && thumbnails[i].changed) {
      html += " · the file has changed since";
    }
    html += "</small></div></div>\n";
  }
  html += "</div>\n";
  if (receipts.size() > shown) {
    absl::StrAppend(&html, "<p>", FormatCount(static_cast<int64_t>(shown)),
                    " of ", FormatCount(static_cast<int64_t>(receipts.size())),
                    " are shown; <code>vitrine receipts --format=csv</code> "
                    "lists all.</p>\n");
  }
  return html;
}

}  // namespace

std::string ReceiptHtml(const ReceiptPage& page) {
  const ReceiptSummary& summary = page.summary;
  const PictureTally& total = summary.total;
  std::string title;
  if (page.has_refused) title = Plural(total.refused, "picture") + " refused";
  if (page.has_warned) {
    if (!title.empty()) title += ", ";
    title += FormatCount(total.warned) + " with warnings";
  }
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width\">\n<title>",
      title, "</title>\n<style>", kStyle, "</style>\n<main>\n<h1>", title,
      "</h1>\n<p class=lead>");
  if (summary.first_time.empty()) {
    html += "There are no receipts.";
  } else {
    absl::StrAppend(&html, "What became of pictures between ",
                    summary.first_time, " and ", summary.last_time,
                    " UTC, each by its last receipt. ",
                    Plural(total.accepted, "picture"),
                    total.accepted == 1 ? " is" : " are", " searchable.");
  }
  absl::StrAppend(&html, "</p>\n<p><small>Made by Vitrine on ", page.made_at,
                  " UTC.</small></p>\n");
  if (page.unreadable_lines > 0) {
    absl::StrAppend(&html, "<p>", Plural(page.unreadable_lines, "line"),
                    " of receipts.jsonl could not be read.</p>\n");
  }
  if (!page.has_pictures && (total.refused > 0 || total.warned > 0)) {
    html +=
        "<p>The pictures themselves are not in this page: run <code>vitrine "
        "receipts --format=html</code> with <code>--catalog=DIR</code>, the "
        "folder that the paths below are in.</p>\n";
  }
  if (page.has_refused && total.refused > 0) {
    html += "<h2>Why pictures were refused</h2>\n" +
            CountTable("reason", total.reasons);
  }
  if (page.has_warned && total.warned > 0) {
    html += "<h2>What pictures were warned of</h2>\n" +
            CountTable("warning", total.warnings);
  }
  if (!summary.folders.empty()) {
    html += "<h2>By folder</h2>\n" + FolderTable(summary);
  }
  if (summary.freshness.pictures > 0) {
    absl::StrAppend(&html,
                    "<h2>From arriving to being searchable</h2>\n<p>Half "
                    "within ",
                    DurationText(summary.freshness.median_s), ", 95 % within ",
                    DurationText(summary.freshness.p95_s), ".</p>\n",
                    FreshnessSvg(summary.freshness));
  }
  if (page.has_refused && !summary.refused.empty()) {
    html +=
        "<h2>Refused</h2>\n<p>These are not searchable. Put a better file "
        "in their place, and they are tried again.</p>\n" +
        Cards(page, summary.refused, page.refused);
  }
  if (page.has_warned && !summary.warned.empty()) {
    html +=
        "<h2>With warnings</h2>\n<p>These are searchable, and would be "
        "found better.</p>\n" +
        Cards(page, summary.warned, page.warned);
  }
  return html + "</main>\n</html>\n";
}

}  // namespace vitrine::cli
