#include "clients/cli/receipt_lines.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/cli/text.h"
#include "common/catalog/receipt_json.h"
#include "common/catalog/receipt_reader.h"

namespace vitrine::cli {
namespace {

constexpr int kPathColumns = 40;

std::string Padded(std::string_view text, int columns) {
  std::string padded = Printable(text);
  padded.append(std::max(0, columns - DisplayWidth(padded)), ' ');
  return padded;
}

std::string OptionalTime(bool has, const google::protobuf::Timestamp& time) {
  return has ? Rfc3339(time) : "";
}

}  // namespace

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", TimeOf(time),
                          absl::UTCTimeZone());
}

std::string ReceiptLine(const v1::Receipt& receipt) {
  std::string line = TimeText(receipt.time()) + "  " +
                     Padded(OutcomeName(receipt.outcome()), 8) + "  " +
                     Padded(receipt.path(), kPathColumns);
  if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
    line += "  ";
    if (receipt.reason() != v1::ERROR_REASON_UNSPECIFIED) {
      line += vitrine::ReasonName(receipt.reason()) + ": ";
    }
    line += Printable(receipt.message());
  }
  for (const std::string& warning : receipt.warnings()) {
    line += "  " + Printable(warning);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (!line.empty()) line += ',';
    line += '"';
    if (!field.empty() &&
        (std::string_view("=+-@").find(field[0]) != std::string_view::npos ||
         static_cast<unsigned char>(field[0]) < ' ')) {
      line += '\'';
    }
    for (char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line + "\r\n";
}

std::string ReceiptCsvHead() {
  return "\xEF\xBB\xBF" +
         CsvLine({"time", "source", "path", "product_id", "sha256", "outcome",
                  "reason", "message", "generation", "searchable_at",
                  "arrived_at", "warnings"});
}

std::string ReceiptCsvLine(const v1::Receipt& receipt) {
  const bool has_reason = receipt.reason() != v1::ERROR_REASON_UNSPECIFIED;
  return CsvLine(
      {Rfc3339(receipt.time()), receipt.source(), receipt.path(),
       receipt.product_id(), receipt.sha256(), OutcomeName(receipt.outcome()),
       has_reason ? vitrine::ReasonName(receipt.reason()) : "",
       receipt.message(), std::to_string(receipt.generation()),
       OptionalTime(receipt.has_searchable_at(), receipt.searchable_at()),
       OptionalTime(receipt.has_arrived_at(), receipt.arrived_at()),
       absl::StrJoin(receipt.warnings(), "; ")});
}

}  // namespace vitrine::cli
