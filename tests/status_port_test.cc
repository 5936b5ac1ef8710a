#include "common/http/status_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/http_get.h"

namespace vitrine {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpGet;
using testing::HttpSend;
using ::testing::StartsWith;

class StatusPortTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<StatusPort>> Start(
      const std::string& listen = "127.0.0.1:0") {
    return StatusPort::Start(
        {.listen = listen,
         .metrics = [] { return std::string("a_total 3\n"); },
         .readiness =
             [this] {
               return ready_ ? absl::OkStatus()
                             : absl::UnavailableError("7 pictures wait");
             }});
  }
  std::atomic<bool> ready_ = false;
};

TEST_F(StatusPortTest, TellsHowTheProcessIs) {
  const auto port = Start();
  ASSERT_TRUE(port.ok()) << port.status();
  const std::string address = (*port)->address();
  EXPECT_THAT(address, StartsWith("127.0.0.1:"));
  EXPECT_THAT(HttpGet(address, "/healthz"), StartsWith("HTTP/1.1 200 "));
  std::string answer = HttpGet(address, "/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, EndsWith("7 pictures wait\n"));
  ready_ = true;
  EXPECT_THAT(HttpGet(address, "/readyz"), StartsWith("HTTP/1.1 200 "));
  answer = HttpGet(address, "/metrics");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\na_total 3\n"));
  EXPECT_THAT(HttpGet(address, "/"), EndsWith("/metrics\n/healthz\n/readyz\n"));
  EXPECT_THAT(HttpGet(address, "/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(StatusPortTest, BearsWhatIsNoRequest) {
  const auto port = Start();
  ASSERT_TRUE(port.ok()) << port.status();
  const std::string address = (*port)->address();
  EXPECT_THAT(HttpSend(address, "rubbish\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(HttpSend(address, "GET /" + std::string(100'000, 'x') +
                                    " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 4"));
  EXPECT_THAT(HttpSend(address,
                       "POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n"
                       "Connection: close\r\n\r\n123456789"),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(HttpGet(address, "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(StatusPortTest, AnswersSeveralAtOnce) {
  const auto port = Start();
  ASSERT_TRUE(port.ok()) << port.status();
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_THAT(HttpGet((*port)->address(), "/metrics"),
                    EndsWith("a_total 3\n"));
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
}

TEST_F(StatusPortTest, AnswersWhileAFewAreSlow) {
  const auto port = Start();
  ASSERT_TRUE(port.ok()) << port.status();
  std::vector<pollfd> slow;
  for (int i = 0; i < 7; ++i) {
    slow.push_back({testing::HttpConnect((*port)->address()), POLLIN, 0});
    ASSERT_EQ(::send(slow.back().fd, "GET /", 5, MSG_NOSIGNAL), 5);
  }
  EXPECT_THAT(HttpGet((*port)->address(), "/healthz"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(::poll(slow.data(), slow.size(), 0), 0)
      << "the answer came once the slow ones were given up";
  for (const pollfd& one : slow) ::close(one.fd);
}

TEST_F(StatusPortTest, SaysWhereItCannotListen) {
  for (const char* listen : {"", "9091", ":9091", "127.0.0.1", "127.0.0.1:",
                             "127.0.0.1:x", "127.0.0.1:65536", "::1:9091"}) {
    const auto port = Start(listen);
    EXPECT_TRUE(absl::IsInvalidArgument(port.status())) << listen;
    EXPECT_THAT(port.status().message(), HasSubstr("right is HOST:PORT"))
        << listen;
  }
  const auto port = Start();
  ASSERT_TRUE(port.ok());
  const auto second = Start((*port)->address());
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << "one port, twice";
  EXPECT_THAT(second.status().message(),
              HasSubstr("cannot listen on " + (*port)->address()));
}

}  // namespace
}  // namespace vitrine
