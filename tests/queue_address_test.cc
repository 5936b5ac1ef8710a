#include "common/queue/queue_address.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(QueueAddress, ReadsAllOfAUrl) {
  const auto plain = ParseQueueUrl("redis://localhost/catalogue");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->host, "localhost");
  EXPECT_EQ(plain->port, 6379);
  EXPECT_EQ(plain->stream, "catalogue");
  EXPECT_EQ(plain->group, "vitrine");
  EXPECT_EQ(plain->DeadLetters(), "catalogue:dead");
  EXPECT_EQ(plain->Name(), "redis://localhost:6379/catalogue");

  const auto full =
      ParseQueueUrl("redis://me:se%40cret@[::1]:7000/a%20b?group=x&database=3");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 7000);
  EXPECT_EQ(full->user, "me");
  EXPECT_EQ(full->password, "se@cret");
  EXPECT_EQ(full->stream, "a b");
  EXPECT_EQ(full->group, "x");
  EXPECT_EQ(full->database, 3);
  EXPECT_EQ(full->Name(), "redis://[::1]:7000/a%20b?group=x&database=3");
  EXPECT_EQ(ParseQueueUrl("redis://:pass@h/s")->password, "pass");
}

TEST(QueueAddress, SaysWhatIsWrongWithoutThePassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://h/s", "it does not begin with redis://"},
      {"rediss://h/s", "TLS is not supported"},
      {"redis://h", "it names no stream"},
      {"redis://h/", "it names no stream"},
      {"redis:///s", "it names no host"},
      {"redis://h:0/s", "'0' is no port, 1 to 65535"},
      {"redis://h:x/s", "'x' is no port, 1 to 65535"},
      {"redis://h/s?db=1", "'db=1' is neither group=NAME nor database=N"},
      {"redis://h/s?group=", "'group=' is neither"},
      {"redis://h/%zz", "the stream's name has a wrong %xx"},
      {"redis://[::1/s", "a ] is missing"},
      {"redis://user@h/s", "it has a user and no password"},
  };
  for (const auto& [url, message] : cases) {
    const auto address = ParseQueueUrl(url);
    ASSERT_FALSE(address.ok()) << url;
    EXPECT_NE(address.status().message().find(message), absl::string_view::npos)
        << address.status();
  }
  const auto address = ParseQueueUrl("redis://me:secret@h:x/s");
  EXPECT_EQ(address.status().message().find("secret"), absl::string_view::npos);
}

}  // namespace
}  // namespace vitrine
