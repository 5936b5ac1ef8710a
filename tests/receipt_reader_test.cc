#include "common/catalog/receipt_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

class ReceiptReaderTest : public ::testing::Test {
 protected:
  // The products of what is there now.
  std::vector<std::string> ReadAll(ReceiptReader* reader) {
    std::vector<std::string> products;
    for (bool at_end = false; !at_end;) {
      auto batch = reader->Next();
      EXPECT_OK(batch);
      if (!batch.ok()) break;
      for (const v1::Receipt& receipt : batch->receipts) {
        products.push_back(receipt.product_id());
      }
      unreadable_ += batch->unreadable_lines;
      at_end = batch->at_end;
      ++batches_;
    }
    return products;
  }

  TempDir dir_;
  const fs::path path_ = dir_ / "receipts.jsonl";
  uint64_t unreadable_ = 0;
  int batches_ = 0;
};

TEST_F(ReceiptReaderTest, ReadsAllInOrder) {
  AppendTo(path_, ReceiptLines(0, 5000));
  ReceiptReader reader(path_);
  const auto products = ReadAll(&reader);
  ASSERT_EQ(products.size(), 5000u);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(products[i], "p" + std::to_string(i));
  }
  EXPECT_GT(batches_, 2);
  EXPECT_EQ(unreadable_, 0u);
}

TEST_F(ReceiptReaderTest, WaitsForTheEndOfALine) {
  const std::string line = ReceiptLines(1, 2);
  ReceiptReader reader(path_);
  EXPECT_TRUE(ReadAll(&reader).empty());  // There is no file yet.
  AppendTo(path_, line.substr(0, 30));
  EXPECT_TRUE(ReadAll(&reader).empty());
  AppendTo(path_, line.substr(30));
  EXPECT_EQ(ReadAll(&reader), std::vector<std::string>{"p1"});
  EXPECT_TRUE(ReadAll(&reader).empty());
  EXPECT_EQ(unreadable_, 0u);
}

TEST_F(ReceiptReaderTest, TakesALineThatIsWrittenAnewInPlaceOfATornOne) {
  AppendTo(path_, ReceiptLines(1, 2));
  const auto whole = fs::file_size(path_);
  AppendTo(path_, ReceiptLines(2, 3).substr(0, 50));
  ReceiptReader reader(path_);
  EXPECT_EQ(ReadAll(&reader), std::vector<std::string>{"p1"});
  fs::resize_file(path_, whole);
  AppendTo(path_, ReceiptLines(3, 4));
  EXPECT_EQ(ReadAll(&reader), std::vector<std::string>{"p3"});
}

TEST_F(ReceiptReaderTest, PassesOverAndCountsWhatIsNoReceipt) {
  AppendTo(path_, ReceiptLines(0, 1) + "a note\n\n" + ReceiptLines(1, 2) +
                      std::string(1 << 20, 'x') + "\n" + ReceiptLines(2, 3));
  ReceiptReader reader(path_);
  EXPECT_EQ(ReadAll(&reader), (std::vector<std::string>{"p0", "p1", "p2"}));
  EXPECT_EQ(unreadable_, 3u);
}

TEST_F(ReceiptReaderTest, BeginsAtATimeWithoutReadingAll) {
  constexpr int kLines = 50'000;
  AppendTo(path_, ReceiptLines(0, kLines));
  const int per_batch =
      static_cast<int>((256 << 10) * int64_t{kLines} /
                       static_cast<int64_t>(fs::file_size(path_)));
  for (int first : {-500, 0, 1, 25'000, 49'999, kLines, kLines + 500}) {
    ReceiptReader reader(path_,
                         absl::FromUnixSeconds(kFirstReceipt + 60 * first));
    batches_ = 0;
    const auto products = ReadAll(&reader);
    const int from = std::max(0, first);
    ASSERT_EQ(products.size(), static_cast<size_t>(std::max(0, kLines - from)))
        << first;
    if (!products.empty()) {
      EXPECT_EQ(products.front(), "p" + std::to_string(from));
    }
    EXPECT_LE(batches_, (kLines - std::min(from, kLines)) / per_batch + 4)
        << first;
  }
}

TEST_F(ReceiptReaderTest, MissesNothingWhereAClockWasSetBack) {
  AppendTo(path_, ReceiptLines(0, 20'000));
  // Half an hour back.
  AppendTo(path_, ReceiptLines(19'970, 40'000));
  ReceiptReader reader(path_,
                       absl::FromUnixSeconds(kFirstReceipt + 60 * 19'990));
  const auto products = ReadAll(&reader);
  EXPECT_EQ(products.size(), 10u + 20'010u);
}

TEST_F(ReceiptReaderTest, GoesOnWithAnotherFileInItsPlace) {
  AppendTo(path_, ReceiptLines(0, 100));
  ReceiptReader reader(path_);
  EXPECT_EQ(ReadAll(&reader).size(), 100u);
  AppendTo(dir_ / "new", ReceiptLines(500, 501));
  fs::rename(dir_ / "new", path_);
  EXPECT_EQ(ReadAll(&reader), std::vector<std::string>{"p500"});
}

TEST_F(ReceiptReaderTest, SaysThatItMayNotReadAndWaitsForNoPipe) {
  fs::create_directory(path_);
  ReceiptReader reader(path_);
  EXPECT_STATUS(reader.Next(), absl::StatusCode::kFailedPrecondition,
                path_.string() + " is no regular file");
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_STATUS(reader.Next(), absl::StatusCode::kFailedPrecondition,
                path_.string() + " is no regular file");
  fs::remove(path_);
  AppendTo(path_, ReceiptLines(0, 1));
  EXPECT_EQ(ReadAll(&reader).size(), 1u);
}

}  // namespace
}  // namespace vitrine
