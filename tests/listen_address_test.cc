#include "common/base/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ListenAddress, IsAHostAndAPort) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } kCases[] = {{"127.0.0.1:50051", "127.0.0.1", 50051},
                {"localhost:0", "localhost", 0},
                {"[::1]:9091", "::1", 9091},
                {"shop.example:65535", "shop.example", 65535}};
  for (const auto& one : kCases) {
    const auto address = ParseListenAddress(one.text);
    ASSERT_TRUE(address.ok()) << one.text << ": " << address.status();
    EXPECT_EQ(address->host, one.host);
    EXPECT_EQ(address->port, one.port);
  }
}

TEST(ListenAddress, NamesWhatIsNone) {
  for (const std::string text :
       {"", ":", ":50051", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
        "127.0.0.1:-1", "127.0.0.1:65536", "::1:9091", "[]:9091"}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(address.status().message()),
                AllOf(HasSubstr("'" + text + "'"), HasSubstr("HOST:PORT")));
  }
}

TEST(ListenAddress, TellsWhetherOnlyThisMachineCanConnect) {
  for (const char* host :
       {"127.0.0.1:1", "127.8.9.10:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(ParseListenAddress(host)->IsLoopback()) << host;
  }
  for (const char* host :
       {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "shop.example:1",
        "127.example.com:1", "127.0.0:1", "127.0.0.1.example:1",
        "localhost.example:1", "128.0.0.1:1", "127.0.0.256:1", "127.0.0. 1:1",
        "127.08.1.1:1"}) {
    EXPECT_FALSE(ParseListenAddress(host)->IsLoopback()) << host;
  }
}

TEST(ListenAddress, OfAFlagIsOpenToOthersOnlyWhereThatIsAllowed) {
  EXPECT_TRUE(
      CheckListenFlag("--status", "127.0.0.1:1", false, "give --x").ok());
  EXPECT_TRUE(CheckListenFlag("--status", "0.0.0.0:1", true, "give --x").ok());
  EXPECT_THAT(
      std::string(CheckListenFlag("--status", "0.0.0.0:1", false, "give --x")
                      .message()),
      AllOf(HasSubstr("--status=0.0.0.0:1"), HasSubstr("in the clear"),
            HasSubstr("give --x")));
  EXPECT_THAT(
      std::string(CheckListenFlag("--status", "here", true, "").message()),
      HasSubstr("--status: 'here' is no address"));
}

}  // namespace
}  // namespace vitrine
