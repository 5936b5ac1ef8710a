#include "server/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kShop[] = "a-token-of-the-shop";
constexpr char kTeam[] = "a-token-of-the-team";

TEST(Tokens, TellTheRoleAndNameOfTheirHolder) {
  const auto tokens = Tokens::Parse(
      "# who may call\n\nquery a-token-of-the-shop shop\r\n"
      "\tcatalogue\ta-token-of-the-team  \nadmin 0123456789abcdef root",
      "tokens");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(tokens->size(), 3u);
  ASSERT_NE(tokens->Find(kShop), nullptr);
  EXPECT_EQ(tokens->Find(kShop)->name, "shop");
  EXPECT_EQ(tokens->Find(kShop)->role, Role::kQuery);
  ASSERT_NE(tokens->Find(kTeam), nullptr);
  EXPECT_EQ(tokens->Find(kTeam)->name, "");
  EXPECT_EQ(tokens->Find(kTeam)->role, Role::kCatalogue);
  EXPECT_EQ(tokens->Find("0123456789abcdef")->role, Role::kAdmin);
  for (const char* other : {"", "a-token-of-the-sho", "a-token-of-the-shop "}) {
    EXPECT_EQ(tokens->Find(other), nullptr) << other;
  }
}

TEST(Tokens, MayBeKeptAsTheirDigests) {
  const auto tokens =
      Tokens::Parse("query sha256:" + ToHex(Sha256(kShop)) + " shop", "tokens");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  ASSERT_NE(tokens->Find(kShop), nullptr);
  // Whoever reads the file cannot call.
  EXPECT_EQ(tokens->Find("sha256:" + ToHex(Sha256(kShop))), nullptr);
  EXPECT_EQ(tokens->Find(ToHex(Sha256(kShop))), nullptr);
}

TEST(Tokens, NameTheLineThatIsNotRightAndNoToken) {
  const struct {
    std::string text;
    const char* what;
  } kCases[] = {
      {"query a-token-of-the-shop\nboss a-token-of-the-team", "line 2"},
      {"query a-token-of-the-shop a b", "line 1"},
      {"query", "line 1"},
      {"query shorter-than-16", "16 to 512"},
      {"query " + std::string(513, 'x'), "16 to 512"},
      {"query sha256:abcdef0123456789", "64 hexadecimal"},
      {"query sha256:" + std::string(64, 'g'), "64 hexadecimal"},
      {"query a-token-of-the-sh\xC3\xB6p", "printable ASCII"},
      {"query a-token-of-the-shop\nadmin a-token-of-the-shop", "line 2"},
      {"", "has no token"},
      {"# nothing\n", "has no token"},
  };
  for (const auto& one : kCases) {
    const auto tokens = Tokens::Parse(one.text, "my/tokens");
    ASSERT_EQ(tokens.status().code(), absl::StatusCode::kInvalidArgument)
        << one.text;
    EXPECT_THAT(std::string(tokens.status().message()),
                AllOf(HasSubstr("my/tokens"), HasSubstr(one.what),
                      Not(HasSubstr("a-token-of")), Not(HasSubstr("xxx")),
                      Not(HasSubstr("shorter-than"))));
  }
}

}  // namespace
}  // namespace vitrine
