#include "common/index/control.h"

#include <gtest/gtest.h>

#include "tests/test_util.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using testing::WriteAll;

class ControlTest : public ::testing::Test {
 protected:
  TempDir dir_;
  IndexPaths paths_{dir_.path()};
};

TEST_F(ControlTest, BringsARequestThereAndItsAnswerBack) {
  EXPECT_TRUE(TakeRequests(paths_).empty());
  const auto name = PostRequest(paths_, ControlRequest::kServe, 42);
  ASSERT_OK(name.status());
  EXPECT_FALSE(IsTaken(paths_, *name));
  EXPECT_FALSE(TakeAnswer(paths_, *name));
  for (int look = 0; look < 2; ++look) {
    const auto requests = TakeRequests(paths_);
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(requests[0].kind, ControlRequest::kServe);
    EXPECT_EQ(requests[0].set, 42u);
    EXPECT_TRUE(IsTaken(paths_, *name));
  }
  ASSERT_OK(
      AnswerRequest(paths_, TakeRequests(paths_)[0], {absl::OkStatus(), 7}));
  EXPECT_TRUE(TakeRequests(paths_).empty());
  const auto answer = TakeAnswer(paths_, *name);
  ASSERT_TRUE(answer);
  ASSERT_OK(answer->status);
  EXPECT_EQ(answer->generation, 7u);
  // Nothing is left behind.
  EXPECT_TRUE(std::filesystem::is_empty(paths_.control()));
}

TEST_F(ControlTest, BringsARefusalBack) {
  const auto name = PostRequest(paths_, ControlRequest::kGiveUp, 1);
  ASSERT_OK(name.status());
  const auto requests = TakeRequests(paths_);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].kind, ControlRequest::kGiveUp);
  const ControlAnswer refusal = {
      absl::FailedPreconditionError("vector set 1 serves")};
  ASSERT_OK(AnswerRequest(paths_, requests[0], refusal));
  // A crash may have come before the request was removed.
  ASSERT_OK(AnswerRequest(paths_, requests[0], refusal));
  const auto answer = TakeAnswer(paths_, *name);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, refusal.status);
}

TEST_F(ControlTest, RefusesWhatIsNoRequest) {
  std::filesystem::create_directories(paths_.control());
  for (const char* text : {"", "serve", "serve x", "dance 4"}) {
    WriteAll(paths_.control() / "odd.request", text);
    EXPECT_TRUE(TakeRequests(paths_).empty()) << text;
    const auto answer = TakeAnswer(paths_, "odd");
    ASSERT_TRUE(answer) << text;
    EXPECT_STATUS(answer->status, absl::StatusCode::kInvalidArgument,
                  "is no request");
  }
}

TEST_F(ControlTest, RemembersWhatWasDeclined) {
  std::filesystem::create_directories(paths_.control());
  EXPECT_FALSE(IsModelDeclined(paths_, "abc"));
  ASSERT_OK(DeclineModel(paths_, "abc"));
  ASSERT_OK(DeclineModel(paths_, "abc"));
  EXPECT_TRUE(IsModelDeclined(paths_, "abc"));
  EXPECT_TRUE(TakeRequests(paths_).empty());
  ASSERT_OK(AcceptModel(paths_, "abc"));
  EXPECT_FALSE(IsModelDeclined(paths_, "abc"));
}

TEST_F(ControlTest, TakesBackWhatIsNotAnswered) {
  const auto name = PostRequest(paths_, ControlRequest::kServe, 42);
  TakeRequests(paths_);
  ASSERT_OK(WithdrawRequest(paths_, *name));
  EXPECT_TRUE(TakeRequests(paths_).empty());
  EXPECT_TRUE(std::filesystem::is_empty(paths_.control()));
}

}  // namespace
}  // namespace vitrine
