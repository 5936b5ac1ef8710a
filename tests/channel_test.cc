#include "common/rpc/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ChannelTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return (folder_.path() / name).string();
  }
  static absl::Status Make(const std::string& address,
                           const ChannelSecurity& security) {
    return NewChannel(address, security, grpc::ChannelArguments()).status();
  }
  static std::string Error(const ChannelSecurity& security) {
    const absl::Status status = Make("127.0.0.1:1", security);
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  TempDir folder_;
};

TEST_F(ChannelTest, SendsNoTokenToAnotherMachineInTheClear) {
  ChannelSecurity security;
  security.token_file = Write("token", "a-token-of-the-shop\n");
  for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1"})
    EXPECT_TRUE(Make(here, security).ok()) << here;
  for (const char* elsewhere : {"search.example:1", "10.0.0.7:1",
                                "dns:///localhost:1", "127.example:1"}) {
    const absl::Status refused = Make(elsewhere, security);
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr(elsewhere), HasSubstr("--insecure"),
                      Not(HasSubstr("a-token"))));
  }
  security.insecure = true;
  EXPECT_TRUE(Make("search.example:1", security).ok());
  security.insecure = false;
  security.ca = "system";
  EXPECT_TRUE(Make("search.example:1", security).ok());
}

TEST_F(ChannelTest, NamesTheFileThatIsNotRight) {
  const std::string text = Write("text", "nothing of use\nsecond line");
  EXPECT_THAT(Error({.ca = text}), AllOf(HasSubstr(text), HasSubstr("PEM")));
  EXPECT_THAT(Error({.ca = text + ".gone"}), HasSubstr(text + ".gone"));
  EXPECT_THAT(Error({.certificate = text}), HasSubstr("give both"));
  EXPECT_THAT(Error({.certificate = text, .key = text}),
              HasSubstr("encrypted server"));
  EXPECT_THAT(Error({.token_file = text}),
              AllOf(HasSubstr(text), Not(HasSubstr("nothing of use"))));
  EXPECT_THAT(Error({.token_file = Write("empty", "\n")}),
              HasSubstr("no token"));
}

}  // namespace
}  // namespace vitrine
