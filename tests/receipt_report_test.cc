#include "clients/cli/receipt_report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/test_util/receipt_lines.h"

namespace vitrine::cli {
namespace {

v1::Receipt Receipt(const std::string& path, v1::Receipt::Outcome outcome,
                    v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED,
                    const std::string& warning = "") {
  v1::Receipt receipt = NumberedReceipt(1);
  receipt.set_path(path);
  receipt.set_outcome(outcome);
  receipt.set_reason(reason);
  if (!warning.empty()) receipt.add_warnings(warning);
  return receipt;
}

v1::Receipt Refused(const std::string& path) {
  return Receipt(path, v1::Receipt::OUTCOME_REFUSED,
                 v1::ERROR_REASON_IMAGE_TRUNCATED);
}
v1::Receipt Accepted(const std::string& path, const std::string& warning = "") {
  return Receipt(path, v1::Receipt::OUTCOME_ACCEPTED,
                 v1::ERROR_REASON_UNSPECIFIED, warning);
}

ReceiptSummary SummaryOf(const std::vector<v1::Receipt>& receipts) {
  ReceiptReport report;
  for (const v1::Receipt& receipt : receipts) report.Add(receipt);
  return report.Summarise();
}

TEST(ReceiptReport, CountsByFolder) {
  const ReceiptSummary summary =
      SummaryOf({Accepted("a.jpg"), Accepted("shoes/b.jpg", "too dark: very"),
                 Refused("shoes/c.jpg"),
                 Receipt("shoes/d.jpg", v1::Receipt::OUTCOME_REFUSED,
                         v1::ERROR_REASON_IMAGE_EMPTY),
                 Receipt("shoes/new/e.jpg", v1::Receipt::OUTCOME_REMOVED)});
  ASSERT_EQ(summary.folders.size(), 3u);
  EXPECT_EQ(summary.folders.at(".").accepted, 1);
  EXPECT_EQ(summary.folders.at("shoes/new").removed, 1);
  const PictureTally& shoes = summary.folders.at("shoes");
  EXPECT_EQ(shoes.accepted, 1);
  EXPECT_EQ(shoes.warned, 1);
  EXPECT_EQ(shoes.warnings.at("too dark"), 1);
  EXPECT_EQ(shoes.refused, 2);
  EXPECT_EQ(shoes.reasons.at("IMAGE_TRUNCATED"), 1);
  EXPECT_EQ(shoes.reasons.at("IMAGE_EMPTY"), 1);
  EXPECT_EQ(summary.total.accepted, 2);
  EXPECT_EQ(summary.total.refused, 2);
}

TEST(ReceiptReport, GoesByTheLastReceiptOfAPicture) {
  const ReceiptSummary summary = SummaryOf(
      {Refused("mended.jpg"), Accepted("spoilt.jpg", "blurred: very"),
       Refused("gone.jpg"), Accepted("mended.jpg"), Refused("spoilt.jpg"),
       Receipt("gone.jpg", v1::Receipt::OUTCOME_REMOVED)});
  EXPECT_EQ(summary.total.accepted, 1);
  EXPECT_EQ(summary.total.refused, 1);
  EXPECT_EQ(summary.total.removed, 1);
  EXPECT_EQ(summary.total.warned, 0);
  ASSERT_EQ(summary.refused.size(), 1u);
  EXPECT_EQ(summary.refused[0].path(), "spoilt.jpg");
  EXPECT_TRUE(summary.warned.empty());
}

TEST(ReceiptReport, TellsAQueuesPicturesApartByTheirProducts) {
  std::vector<v1::Receipt> receipts = {Refused("front"), Refused("front")};
  receipts[0].set_source("queue/shop");
  receipts[0].set_product_id("coat");
  receipts[1].set_source("queue/shop");
  receipts[1].set_product_id("hat");
  const ReceiptSummary summary = SummaryOf(receipts);
  EXPECT_EQ(summary.total.refused, 2);
  EXPECT_EQ(summary.folders.at("queue/shop").refused, 2);
}

TEST(ReceiptReport, SaysHowSoonPicturesWereSearchable) {
  std::vector<v1::Receipt> receipts = {Accepted("unknown.jpg")};
  for (int i = 1; i <= 100; ++i) {
    v1::Receipt receipt = Accepted(std::to_string(i));
    receipt.mutable_arrived_at()->set_seconds(kFirstReceipt);
    receipt.mutable_searchable_at()->set_seconds(kFirstReceipt + i);
    receipts.push_back(receipt);
  }
  const Freshness freshness = SummaryOf(receipts).freshness;
  EXPECT_EQ(freshness.pictures, 100);
  EXPECT_EQ(freshness.median_s, 50);
  EXPECT_EQ(freshness.p95_s, 95);
  int64_t counted = 0;
  for (const Freshness::Bucket& bucket : freshness.buckets) {
    counted += bucket.pictures;
    if (bucket.at_most_s == 1) {
      EXPECT_EQ(bucket.pictures, 1);
    }
    if (bucket.at_most_s == 60) {
      EXPECT_EQ(bucket.pictures, 45);
    }
  }
  EXPECT_EQ(counted, 100);
}

TEST(WarningKind, IsWhatAWarningIsAbout) {
  EXPECT_EQ(WarningKind("too dark: its mean brightness is 0.04"), "too dark");
  EXPECT_EQ(WarningKind("duplicate: the very picture of product '7'"),
            "duplicate");
  EXPECT_EQ(WarningKind("styles.csv:7: no year"), "description");
}

TEST(SummaryTable, ShowsFoldersAndFreshness) {
  v1::Receipt fresh = Accepted("shoes/b.jpg", "too dark: very");
  *fresh.mutable_arrived_at() = fresh.time();
  const ReceiptSummary summary =
      SummaryOf({Accepted("a.jpg"), fresh, Refused("shoes/c.jpg")});
  const std::string table = SummaryTable(summary, false, false);
  EXPECT_NE(table.find("shoes          1        0        1       1  "
                       "IMAGE_TRUNCATED 1; too dark 1"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("half within 1 s, 95 % within 1 s, of 1 picture\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("≤ 1 s"), std::string::npos) << table;
  const std::string refused = SummaryTable(summary, true, false);
  EXPECT_NE(refused.find("\nshoes "), std::string::npos) << refused;
  EXPECT_EQ(refused.find("\n. "), std::string::npos) << refused;
  EXPECT_EQ(SummaryTable(SummaryOf({}), false, false), "no receipts\n");
}

TEST(SummaryJson, HasALineAFolderAndTheTotal) {
  std::istringstream lines(SummaryJson(
      SummaryOf({Accepted("a.jpg"), Refused("shoes/c.jpg")}), false, false));
  std::vector<Json> read;
  for (std::string line; std::getline(lines, line);) {
    read.push_back(Json::parse(line));
  }
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[1]["folder"], "shoes");
  EXPECT_EQ(read[1]["reasons"]["IMAGE_TRUNCATED"], 1);
  EXPECT_EQ(read[2]["total"]["accepted"], 1);
  EXPECT_EQ(read[2]["freshness"]["pictures"], 0);
  EXPECT_TRUE(read[2]["freshness"]["buckets"].back()["at_most_s"].is_null());
}

TEST(SummaryCsv, HasALineAFolder) {
  EXPECT_EQ(SummaryCsv(SummaryOf({Refused("=shoes/c.jpg")}), false, false),
            "\xEF\xBB\xBF\"folder\",\"accepted\",\"removed\",\"refused\","
            "\"warned\",\"reasons\",\"warnings\"\r\n"
            "\"'=shoes\",\"0\",\"0\",\"1\",\"0\",\"IMAGE_TRUNCATED 1\","
            "\"\"\r\n");
}

}  // namespace
}  // namespace vitrine::cli
