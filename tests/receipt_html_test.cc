#include "clients/cli/receipt_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/test_util.h"
#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Receipt Accepted(int i) {
  v1::Receipt receipt = NumberedReceipt(3 * i + 1);
  receipt.add_warnings("too dark: its mean brightness is 0.04");
  *receipt.mutable_arrived_at() = receipt.time();
  return receipt;
}

class ReceiptHtmlTest : public ::testing::Test {
 protected:
  std::string Html() {
    summary_ = report_.Summarise();
    page_.made_at = "2026-11-01 12:00";
    return ReceiptHtml(page_);
  }

  ReceiptReport report_;
  ReceiptSummary summary_;
  ReceiptPage page_{summary_};
};

TEST_F(ReceiptHtmlTest, ShowsPicturesWithWhatWasWrong) {
  report_.Add(NumberedReceipt(0));
  report_.Add(NumberedReceipt(3));
  report_.Add(Accepted(1));
  page_.has_pictures = true;
  page_.refused = {{.jpeg_base64 = "QUJD"}, {.error = "it is gone"}};
  page_.warned = {{.jpeg_base64 = "REVG", .changed = true}};
  const std::string html = Html();
  EXPECT_THAT(html, HasSubstr("<h1>2 pictures refused, 1 with warnings</h1>"));
  EXPECT_THAT(html, HasSubstr("src=\"data:image/jpeg;base64,QUJD\""));
  EXPECT_THAT(html, HasSubstr("src=\"data:image/jpeg;base64,REVG\""));
  EXPECT_THAT(html, HasSubstr("<div class=box>it is gone</div>"));
  EXPECT_THAT(html, HasSubstr("the file has changed since"));
  EXPECT_THAT(html, HasSubstr("photos/3.jpg"));
  EXPECT_THAT(html, HasSubstr("it ends early"));
  EXPECT_THAT(html, HasSubstr("IMAGE_TRUNCATED</td><td class=n>2</td>"));
  EXPECT_THAT(html, HasSubstr("too dark</td><td class=n>1</td>"));
  EXPECT_THAT(html, HasSubstr("2023-11-14 22:13:20 UTC"));
  EXPECT_THAT(html, HasSubstr("<svg role=img"));
  EXPECT_THAT(html, HasSubstr("Half within 1 s"));
}

TEST_F(ReceiptHtmlTest, NeedsNothingElse) {
  report_.Add(NumberedReceipt(0));
  const std::string html = Html();
  for (const char* loads : {"href=", "@import", "url(", "<script"}) {
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  }
  for (size_t at = html.find("src=\""); at != std::string::npos;
       at = html.find("src=\"", at + 1)) {
    EXPECT_EQ(html.substr(at, 10), "src=\"data:");
  }
}

TEST_F(ReceiptHtmlTest, SaysHowToGetThePictures) {
  report_.Add(NumberedReceipt(0));
  EXPECT_THAT(Html(), HasSubstr("<code>--catalog=DIR</code>"));
  page_.has_pictures = true;
  page_.refused = {{.jpeg_base64 = "QUJD"}};
  EXPECT_THAT(Html(), Not(HasSubstr("--catalog=DIR")));
}

TEST_F(ReceiptHtmlTest, TakesNothingForItsOwnWords) {
  v1::Receipt receipt = NumberedReceipt(0);
  const std::string evil = "</style><script>alert(\"1\")</script>&\x1b\x80";
  receipt.set_path(evil + "/" + evil);
  receipt.set_product_id(evil);
  receipt.set_message(evil);
  receipt.set_source(evil);
  report_.Add(receipt);
  v1::Receipt accepted = Accepted(1);
  accepted.set_path(evil);
  accepted.add_warnings(evil);
  report_.Add(accepted);
  page_.has_pictures = true;
  page_.refused = {{.error = evil}};
  const std::string html = Html();
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, Not(HasSubstr("alert(\"1\")")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&quot;1&quot;)"));
}

TEST_F(ReceiptHtmlTest, LeavesOutWhatWasNotAskedFor) {
  report_.Add(NumberedReceipt(0));
  report_.Add(Accepted(1));
  page_.has_warned = false;
  std::string html = Html();
  EXPECT_THAT(html, HasSubstr("<h1>1 picture refused</h1>"));
  EXPECT_THAT(html, Not(HasSubstr("too dark")));
  page_.has_warned = true;
  page_.has_refused = false;
  html = Html();
  EXPECT_THAT(html, HasSubstr("<h1>1 with warnings</h1>"));
  EXPECT_THAT(html, Not(HasSubstr("it ends early")));
}

TEST_F(ReceiptHtmlTest, BoundsHowManyItShows) {
  for (int i = 0; i < 2500; ++i) report_.Add(NumberedReceipt(3 * i));
  EXPECT_THAT(Html(), HasSubstr("2,000 of 2,500 are shown"));
}

TEST_F(ReceiptHtmlTest, IsThereWithoutReceipts) {
  EXPECT_THAT(Html(), HasSubstr("There are no receipts."));
}

}  // namespace
}  // namespace vitrine::cli
