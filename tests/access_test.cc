#include "server/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kShop[] = "a-token-of-the-shop";
constexpr char kTeam[] = "a-token-of-the-team";

class AccessTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "tokens"; }
  // In one step, as a file that is in use is to be replaced.
  void Write(const std::string& text, mode_t mode = 0640) {
    const std::filesystem::path next = folder_.path() / "next";
    std::ofstream(next) << text;
    ASSERT_EQ(::chmod(next.c_str(), mode), 0);
    std::filesystem::rename(next, path());
  }
  absl::StatusOr<std::unique_ptr<Access>> Open() {
    return Access::Open(path(), 20, [this](std::string_view line) {
      std::lock_guard lock(mutex_);
      log_.emplace_back(line);
      logged_.notify_all();
    });
  }
  // The next line of the log that was not looked at.
  std::string NextLine() {
    std::unique_lock lock(mutex_);
    logged_.wait(lock, [this] { return log_.size() > seen_; });
    return log_[seen_++];
  }

  TempDir folder_;
  std::mutex mutex_;
  std::condition_variable logged_;
  std::vector<std::string> log_;
  size_t seen_ = 0;
};

TEST_F(AccessTest, IsForThoseWithATokenOfEnoughRole) {
  Write("query a-token-of-the-shop\ncatalogue a-token-of-the-team");
  const auto access = Open();
  ASSERT_TRUE(access.ok()) << access.status();
  const auto code = [&](const std::string& authorization, Role needed) {
    return (*access)->Check(authorization, needed).code();
  };
  const std::string shop = std::string("Bearer ") + kShop;
  const std::string team = std::string("bearer ") + kTeam;
  EXPECT_EQ(code(shop, Role::kQuery), absl::StatusCode::kOk);
  EXPECT_EQ(code(team, Role::kQuery), absl::StatusCode::kOk);
  EXPECT_EQ(code(team, Role::kCatalogue), absl::StatusCode::kOk);
  EXPECT_EQ(code(shop, Role::kCatalogue), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(team, Role::kAdmin), absl::StatusCode::kPermissionDenied);
  for (const std::string& none :
       {std::string(), std::string(kShop), std::string("Basic ") + kShop,
        std::string("Bearer "), shop + "x"}) {
    const absl::Status refused = (*access)->Check(none, Role::kQuery);
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated) << none;
    EXPECT_EQ(ErrorOf(refused).reason(), v1::ERROR_REASON_NOT_PERMITTED);
    EXPECT_THAT(std::string(refused.message()), Not(HasSubstr(kShop)));
  }
}

TEST_F(AccessTest, FollowsItsFileAndKeepsTheFormerTokensWhereThatIsNotRight) {
  Write("query a-token-of-the-shop");
  const auto access = Open();
  ASSERT_TRUE(access.ok()) << access.status();
  const auto may = [&](const char* token) {
    return (*access)->Check(std::string("Bearer ") + token, Role::kQuery).ok();
  };
  Write("query a-token-of-the-shop\nquery a-token-of-the-team");
  EXPECT_THAT(NextLine(), HasSubstr("2 tokens"));
  EXPECT_TRUE(may(kTeam));
  Write("query a-token-of-the-team");
  EXPECT_THAT(NextLine(), HasSubstr("1 tokens"));
  EXPECT_FALSE(may(kShop));
  Write("nobody a-token-of-the-shop");
  EXPECT_THAT(NextLine(), HasSubstr("the former tokens hold on"));
  EXPECT_TRUE(may(kTeam));
  // As it says itself.
  Write("query a-token-of-the-shop", 0644);
  EXPECT_THAT(NextLine(), HasSubstr("chmod 640"));
  ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
  EXPECT_THAT(NextLine(), HasSubstr("1 tokens"));
  EXPECT_FALSE(may(kTeam));
  Write("query a-token-of-the-team");
  EXPECT_THAT(NextLine(), HasSubstr("1 tokens"));
  std::filesystem::remove(path());
  EXPECT_THAT(NextLine(), HasSubstr("the former tokens hold on"));
  EXPECT_TRUE(may(kTeam));
}

TEST_F(AccessTest, WarnsOfAFileThatIsNotRight) {
  Write("query a-token-of-the-shop");
  std::string log;
  const auto access = Access::Open(
      path(), 20, [&](std::string_view line) { log += line; },
      [this](std::string_view line) {
        std::lock_guard lock(mutex_);
        log_.emplace_back(line);
        logged_.notify_all();
      });
  ASSERT_TRUE(access.ok()) << access.status();
  Write("nobody a-token-of-the-shop");
  EXPECT_THAT(NextLine(), HasSubstr("the former tokens hold on"));
  EXPECT_EQ(log, "");
}

TEST_F(AccessTest, TakesNoFileThatIsMissingOrThatEverybodyMayRead) {
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("tokens"));
  Write("query a-token-of-the-shop", 0644);
  const absl::Status open = Open().status();
  EXPECT_EQ(open.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(open.message()), HasSubstr("chmod 640"));
}

}  // namespace
}  // namespace vitrine
