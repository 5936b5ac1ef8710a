#include "indexer/receipts.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "common/catalog/receipt_json.h"
#include "tests/test_util.h"
#include "tests/test_util/receipt_lines.h"

namespace vitrine {
namespace {

using testing::ReadAll;
using testing::TempDir;

TEST(ReceiptLog, AppendsAcrossRuns) {
  TempDir dir;
  for (uint64_t run : {1, 2}) {
    const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ((*log)->last_generation(), run == 1 ? 0 : 7);
    ASSERT_TRUE((*log)->Append({RefusedReceipt(), RefusedReceipt()}).ok());
  }
  std::istringstream lines(ReadAll(dir / "receipts.jsonl"));
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    EXPECT_EQ(line, ReceiptToJson(RefusedReceipt()));
  }
  EXPECT_EQ(n, 4);
}

TEST(ReceiptLog, KnowsWhatTheLastGenerationSays) {
  TempDir dir;
  std::vector<v1::Receipt> receipts;
  std::set<ReceiptLog::Picture> last;
  // More than is read at a time.
  for (int i = 0; i < 4000; ++i) {
    v1::Receipt receipt = RefusedReceipt();
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
  const std::string whole = ReceiptToJson(RefusedReceipt()) + "\n";
  testing::WriteAll(dir / "receipts.jsonl", whole + whole.substr(0, 20));
  const auto log = ReceiptLog::Open(dir / "receipts.jsonl");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->last_generation(), 7u);
  ASSERT_TRUE((*log)->Append({RefusedReceipt()}).ok());
  EXPECT_EQ(ReadAll(dir / "receipts.jsonl"), whole + whole);
}

}  // namespace
}  // namespace vitrine
