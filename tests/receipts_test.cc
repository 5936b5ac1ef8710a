#include "indexer/receipts.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "common/catalog/receipt_json.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

using testing::ReadAll;
using testing::TempDir;

v1::Receipt Refused() {
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

TEST(ReceiptLog, AppendsAcrossRuns) {
  TempDir dir;
  for (uint64_t run : {1, 2}) {
    const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ((*log)->last_generation(), run == 1 ? 0 : 7);
    ASSERT_TRUE((*log)->Append({Refused(), Refused()}).ok());
  }
  std::istringstream lines(ReadAll(dir / "receipts.jsonl"));
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    EXPECT_EQ(line, ReceiptToJson(Refused()));
  }
  EXPECT_EQ(n, 4);
}

TEST(ReceiptLog, KnowsWhatTheLastGenerationSays) {
  TempDir dir;
  std::vector<v1::Receipt> receipts;
  std::set<ReceiptLog::Picture> last;
  // More than is read at a time.
  for (int i = 0; i < 4000; ++i) {
    v1::Receipt receipt = Refused();
    receipt.set_path("p" + std::to_string(i));
    receipt.set_generation(i < 1500 ? 6 : 7);
    if (i >= 1500) last.emplace(receipt.product_id(), receipt.path());
    receipts.push_back(receipt);
  }
  {
    const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Append(receipts).ok());
  }
  ASSERT_GT(std::filesystem::file_size(dir / "receipts.jsonl"), 900'000u);
  const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->last_generation(), 7u);
  EXPECT_EQ((*log)->last_pictures(), last);
}

TEST(ReceiptLog, CutsOffATornLine) {
  TempDir dir;
  const std::string whole = ReceiptToJson(Refused()) + "\n";
  testing::WriteAll(dir / "receipts.jsonl", whole + whole.substr(0, 20));
  const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->last_generation(), 7u);
  ASSERT_TRUE((*log)->Append({Refused()}).ok());
  EXPECT_EQ(ReadAll(dir / "receipts.jsonl"), whole + whole);
}

}  // namespace
}  // namespace vitrine
