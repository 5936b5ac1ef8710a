#include "clients/cli/receipt_lines.h"

#include <gtest/gtest.h>

#include "tests/test_util/receipt_lines.h"

namespace vitrine::cli {
namespace {

TEST(ReceiptLine, SaysWhatBecameOfAPictureAndWhy) {
  EXPECT_EQ(ReceiptLine(NumberedReceipt(0)),
            "2023-11-14 22:13:20  refused   photos/0.jpg" +
                std::string(28, ' ') + "  IMAGE_TRUNCATED: it ends early\n");
  v1::Receipt accepted = NumberedReceipt(1);
  EXPECT_EQ(ReceiptLine(accepted),
            "2023-11-14 22:14:20  accepted  photos/1.jpg\n");
  accepted.add_warnings("too dark: \x1b[2J");
  EXPECT_EQ(ReceiptLine(accepted),
            "2023-11-14 22:14:20  accepted  photos/1.jpg" +
                std::string(28, ' ') + "  too dark: \uFFFD[2J\n");
}

TEST(ReceiptLine, KeepsLongPathsWhole) {
  v1::Receipt receipt = NumberedReceipt(0);
  receipt.set_path(std::string(100, 'x') + ".jpg");
  EXPECT_NE(ReceiptLine(receipt).find(receipt.path() + "  IMAGE_TRUNCATED"),
            std::string::npos);
}

TEST(ReceiptCsv, HasAsManyFieldsAsNames) {
  const std::string head = ReceiptCsvHead();
  EXPECT_TRUE(head.starts_with("\xEF\xBB\xBF\"time\",\"source\""));
  v1::Receipt receipt = NumberedReceipt(3);
  receipt.mutable_arrived_at()->set_seconds(kFirstReceipt);
  EXPECT_EQ(ReceiptCsvLine(receipt),
            "\"2023-11-14T22:16:20.000Z\",\"directory\",\"photos/3.jpg\","
            "\"p3\",\"\",\"refused\",\"IMAGE_TRUNCATED\",\"it ends early\","
            "\"4\",\"\",\"2023-11-14T22:13:20.000Z\",\"\"\r\n");
  receipt = NumberedReceipt(1);
  receipt.add_warnings("too dark");
  receipt.add_warnings("blurred");
  const std::string line = ReceiptCsvLine(receipt);
  EXPECT_EQ(std::count(line.begin(), line.end(), ','),
            std::count(head.begin(), head.end(), ','));
  EXPECT_TRUE(line.ends_with(",\"too dark; blurred\"\r\n")) << line;
}

TEST(CsvLine, QuotesWhatFieldsHold) {
  EXPECT_EQ(CsvLine({"a,b", "say \"hi\"", "two\nlines", ""}),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\"\r\n");
}

TEST(CsvLine, GivesSpreadsheetsNoFormula) {
  EXPECT_EQ(CsvLine({"=cmd|' /C calc'!A0", "+1", "-1.jpg", "@SUM(A1)", "\t=1",
                     "a=1"}),
            "\"'=cmd|' /C calc'!A0\",\"'+1\",\"'-1.jpg\",\"'@SUM(A1)\","
            "\"'\t=1\",\"a=1\"\r\n");
}

}  // namespace
}  // namespace vitrine::cli
