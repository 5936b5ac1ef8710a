#include "common/catalog/receipt_json.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::Receipt Accepted() {
  v1::Receipt receipt = RefusedReceipt();
  receipt.set_outcome(v1::Receipt::OUTCOME_ACCEPTED);
  receipt.clear_reason();
  receipt.clear_message();
  receipt.mutable_searchable_at()->set_seconds(1'700'000'001);
  receipt.mutable_arrived_at()->set_seconds(1'699'999'999);
  receipt.mutable_arrived_at()->set_nanos(5'000'000);
  receipt.add_warnings("no row");
  receipt.add_warnings("too dark");
  return receipt;
}

TEST(ReceiptToJson, HasTheFieldsThatPeopleAndProgramsRead) {
  EXPECT_EQ(ReceiptToJson(RefusedReceipt()),
            R"({"time":"2023-11-14T22:13:20.045Z","source":"directory",)"
            R"("path":"a/\"b\".jpg","product_id":"a/b","sha256":")" +
                std::string(64, 'f') +
                R"(","outcome":"refused","reason":"IMAGE_TRUNCATED",)"
                R"("message":"it ends early","generation":7})");
  const auto json = nlohmann::json::parse(ReceiptToJson(Accepted()));
  EXPECT_EQ(json["outcome"], "accepted");
  EXPECT_EQ(json["searchable_at"], "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(json["arrived_at"], "2023-11-14T22:13:19.005Z");
  EXPECT_EQ(json["warnings"][0], "no row");
  EXPECT_FALSE(json.contains("reason"));
}

TEST(ReceiptToJson, IsJsonWhateverTheBytes) {
  v1::Receipt receipt = RefusedReceipt();
  receipt.set_message("caf\xe9\n");
  EXPECT_FALSE(nlohmann::json::parse(ReceiptToJson(receipt), nullptr, false)
                   .is_discarded());
}

TEST(ReceiptFromJson, ReadsWhatWasWritten) {
  for (const v1::Receipt& receipt : {RefusedReceipt(), Accepted()}) {
    ASSERT_OK_AND_ASSIGN(const v1::Receipt read,
                         ReceiptFromJson(ReceiptToJson(receipt)));
    EXPECT_TRUE(MessageDifferencer::Equals(read, receipt))
        << read.ShortDebugString();
  }
}

TEST(ReceiptFromJson, ReadsWhatOtherVersionsWrite) {
  ASSERT_OK_AND_ASSIGN(
      const v1::Receipt receipt,
      ReceiptFromJson(R"({"time":"2026-11-01T12:00:00Z","path":"a.jpg",)"
                      R"("outcome":"refused","reason":"IMAGE_TOO_BORING",)"
                      R"("mood":["new"]})"));
  EXPECT_EQ(receipt.path(), "a.jpg");
  EXPECT_EQ(receipt.reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_FALSE(receipt.has_searchable_at());
}

TEST(ReceiptFromJson, RefusesWhatIsNoReceipt) {
  const std::string line = ReceiptToJson(RefusedReceipt());
  for (const std::string& torn :
       {line.substr(0, line.size() - 1), line.substr(1), std::string(),
        std::string("[]"), std::string("{}"), std::string(3, '\0')}) {
    EXPECT_STATUS(ReceiptFromJson(torn), absl::StatusCode::kInvalidArgument,
                  "it is no receipt");
  }
  EXPECT_STATUS(ReceiptFromJson(R"({"time":"yesterday"})"),
                absl::StatusCode::kInvalidArgument, "time is not a time");
  EXPECT_STATUS(ReceiptFromJson(R"({"time":"2026-11-01T12:00:00Z","path":7,)"
                                R"("outcome":"refused"})"),
                absl::StatusCode::kInvalidArgument, "path is not text");
  EXPECT_STATUS(ReceiptFromJson(R"({"time":"2026-11-01T12:00:00Z","path":"a",)"
                                R"("outcome":"lost"})"),
                absl::StatusCode::kInvalidArgument, "'lost' is no outcome");
}

}  // namespace
}  // namespace vitrine
