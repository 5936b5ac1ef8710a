#include "clients/cli/receipt_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/hash.h"
#include "common/image/image.h"
#include "tests/test_util.h"
#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string Program() {
  return (testing::BinDir() / "vitrine-pictures").string();
}

v1::Receipt OfQueue(v1::Receipt::Outcome outcome, const std::string& bytes) {
  v1::Receipt receipt;
  receipt.set_source("queue/supplier");
  receipt.set_path("front");
  receipt.set_product_id("p");
  receipt.set_sha256(bytes.empty() ? "" : ToHex(Sha256(bytes)));
  receipt.set_outcome(outcome);
  return receipt;
}

TEST(ThumbnailsOf, AsksTheProgram) {
  testing::TempDir dir;
  const std::string program = (dir / "program").string();
  testing::WriteAll(program,
                    "#!/bin/sh\n[ \"$1 $2\" = \"thumbnails --root=photos\" ] "
                    "|| exit 1\nin=$(cat)\n"
                    "echo '{\"jpeg_base64\": \"QUJD\", \"changed\": true}'\n"
                    "case \"$in\" in *photos/3.jpg*) echo '{\"error\": "
                    "\"gone\"}';; esac\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  ASSERT_OK_AND_ASSIGN(const auto thumbnails,
                       ThumbnailsOf(program, {.catalog = "photos", .index = ""},
                                    {NumberedReceipt(0), NumberedReceipt(3)}));
  ASSERT_EQ(thumbnails.size(), 2u);
  EXPECT_EQ(thumbnails[0].jpeg_base64, "QUJD");
  EXPECT_TRUE(thumbnails[0].changed);
  EXPECT_EQ(thumbnails[1].error, "gone");
  EXPECT_STATUS(ThumbnailsOf(program, {.catalog = "photos", .index = ""},
                             {NumberedReceipt(0), NumberedReceipt(6)}),
                absl::StatusCode::kInternal, "too few");
}

TEST(ThumbnailsOf, ShowsWhatCameByAQueueFromTheIndex) {
  ServingIndex index;
  const std::string jpeg = DrawPicture(1, 200, 30, 30);
  ASSERT_OK(index.Add({{"p", "Dress", {{"front", {}, jpeg}}, {}}}));
  const std::string refused = DrawPicture(2, 30, 200, 30);
  const fs::path folder = index.paths().refused();
  fs::create_directories(folder);
  testing::WriteAll(folder / ToHex(Sha256(refused)), refused);
  testing::WriteAll(folder / ToHex(Sha256("no picture")), "no picture");
  const std::vector<v1::Receipt> receipts = {
      OfQueue(v1::Receipt::OUTCOME_REFUSED, refused),
      OfQueue(v1::Receipt::OUTCOME_REFUSED, "no picture"),
      OfQueue(v1::Receipt::OUTCOME_REFUSED, "long ago"),
      OfQueue(v1::Receipt::OUTCOME_REFUSED, ""),
      OfQueue(v1::Receipt::OUTCOME_ACCEPTED, jpeg),
      OfQueue(v1::Receipt::OUTCOME_ACCEPTED, "removed since"),
      NumberedReceipt(0)};
  ASSERT_OK_AND_ASSIGN(
      const auto shown,
      ThumbnailsOf(Program(),
                   {.catalog = "", .index = index.paths().root.string()},
                   receipts));
  ASSERT_EQ(shown.size(), receipts.size());
  EXPECT_FALSE(shown[0].jpeg_base64.empty()) << shown[0].error;
  EXPECT_FALSE(shown[0].changed);
  EXPECT_EQ(shown[1].error, "it does not decode");
  EXPECT_NE(shown[2].error, "");
  EXPECT_EQ(shown[3].error, "its bytes never came");
  EXPECT_FALSE(shown[4].jpeg_base64.empty()) << shown[4].error;
  EXPECT_THAT(shown[5].error, HasSubstr("does not have it"));
  EXPECT_THAT(shown[6].error, HasSubstr("--catalog"));
  ASSERT_OK_AND_ASSIGN(
      const auto elsewhere,
      ThumbnailsOf(Program(), {.catalog = "", .index = ""}, receipts));
  EXPECT_THAT(elsewhere[0].error, HasSubstr("--index=DIR"));
}

}  // namespace
}  // namespace vitrine::cli
