// Receipts one by one: lines for people and for spreadsheets. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vitrine/v1/catalog.pb.h"

namespace vitrine::cli {

// "2026-11-01 12:00:00  refused   photos/1.jpg   IMAGE_TRUNCATED: …", with its
// end; the time is UTC.
std::string ReceiptLine(const v1::Receipt& receipt);

// UTF-8 with a byte order mark, by which spreadsheets know it, and a line of
// names.
std::string ReceiptCsvHead();
std::string ReceiptCsvLine(const v1::Receipt& receipt);

// A line of quoted fields with its end. What a spreadsheet would take for a
// formula (=, +, -, @ or a control character first) gets an apostrophe before
// it.
std::string CsvLine(const std::vector<std::string>& fields);

// "2026-11-01 12:00:00", in UTC.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace vitrine::cli
