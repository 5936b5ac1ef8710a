// Receipts for tests, a minute apart, as lines of receipts.jsonl.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "common/catalog/receipt_json.h"

namespace vitrine {

inline constexpr int64_t kFirstReceipt = 1'700'000'000;

// With quotes in its path, and all that a refusal says.
inline v1::Receipt RefusedReceipt() {
  v1::Receipt receipt;
  receipt.mutable_time()->set_seconds(1'700'000'000);
  receipt.mutable_time()->set_nanos(45'000'000);
  receipt.set_source("directory");
  receipt.set_path("a/\"b\".jpg");
  receipt.set_product_id("a/b");
  receipt.set_sha256(std::string(64, 'f'));
  receipt.set_outcome(v1::Receipt::OUTCOME_REFUSED);
  receipt.set_reason(v1::ERROR_REASON_IMAGE_TRUNCATED);
  receipt.set_message("it ends early");
  receipt.set_generation(7);
  return receipt;
}

// The i-th: every third is refused.
inline v1::Receipt NumberedReceipt(int i) {
  v1::Receipt receipt;
  receipt.mutable_time()->set_seconds(kFirstReceipt + 60 * i);
  receipt.set_source("directory");
  receipt.set_path("photos/" + std::to_string(i) + ".jpg");
  receipt.set_product_id("p" + std::to_string(i));
  receipt.set_generation(1 + static_cast<uint64_t>(i));
  if (i % 3 == 0) {
    receipt.set_outcome(v1::Receipt::OUTCOME_REFUSED);
    receipt.set_reason(v1::ERROR_REASON_IMAGE_TRUNCATED);
    receipt.set_message("it ends early");
  } else {
    receipt.set_outcome(v1::Receipt::OUTCOME_ACCEPTED);
    receipt.mutable_searchable_at()->set_seconds(kFirstReceipt + 60 * i + 1);
  }
  return receipt;
}

inline std::string ReceiptLines(int begin, int end) {
  std::string lines;
  for (int i = begin; i < end; ++i) {
    lines += ReceiptToJson(NumberedReceipt(i)) + "\n";
  }
  return lines;
}

inline void AppendTo(const std::filesystem::path& path,
                     const std::string& bytes) {
  std::ofstream(path, std::ios::app | std::ios::binary) << bytes << std::flush;
}

}  // namespace vitrine
