#include "common/http/http_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace vitrine {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kHeader[] = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n";

class HttpConnectionTest : public ::testing::Test {
 protected:
  void Connect(const HttpConnectionOptions& options = {}) {
    std::array<int, 2> ends;
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()),
              0);
    connection_ = std::make_unique<HttpConnection>(ends[0], options);
    caller_ = ends[1];
  }
  ~HttpConnectionTest() override {
    if (caller_ >= 0) ::close(caller_);
  }
  bool Send(const std::string& bytes) const {
    return ::send(caller_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // A byte now and then until an answer comes, or the end.
  void Trickle() const {
    pollfd one = {caller_, POLLIN, 0};
    while (Send("x") && ::poll(&one, 1, 5) == 0) {
    }
  }
  std::string ReadAll() const {
    std::string all;
    std::array<char, 7> piece;
    for (ssize_t n; (n = connection_->Read(piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<size_t>(n));
    }
    return all;
  }
  // What the caller has when the connection has ended.
  std::string Answer() {
    connection_.reset();
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t n; (n = ::recv(caller_, piece.data(), piece.size(), 0)) > 0;) {
      all.append(piece.data(), static_cast<size_t>(n));
    }
    return all;
  }

  std::unique_ptr<HttpConnection> connection_;
  int caller_ = -1;
};

TEST_F(HttpConnectionTest, ReadsAHeaderABodyAndNoMore) {
  for (const size_t at_once : {1000, 1}) {
    Connect({.max_body_bytes = 9});
    const std::string all = std::string(kHeader) + "123456789" + "GET /";
    std::thread caller([&] {
      for (size_t i = 0; i < all.size(); i += at_once) {
        EXPECT_TRUE(Send(all.substr(i, at_once)));
      }
    });
    EXPECT_TRUE(connection_->ReadHeader());
    EXPECT_EQ(ReadAll(), std::string(kHeader) + "123456789");
    EXPECT_TRUE(connection_->Write("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(connection_->Write("\r\n"));
    caller.join();
    EXPECT_EQ(Answer(), "HTTP/1.1 200 OK\r\n\r\n");
    ::close(caller_);
  }
  Connect();
}

TEST_F(HttpConnectionTest, LeavesAHeaderThatBreaksOffToItsReader) {
  Connect();
  EXPECT_TRUE(Send("GET / HTTP/1.1\r\nHo"));
  ::shutdown(caller_, SHUT_WR);
  EXPECT_TRUE(connection_->ReadHeader());
  EXPECT_EQ(ReadAll(), "GET / HTTP/1.1\r\nHo");
}

TEST_F(HttpConnectionTest, RefusesALargeHeader) {
  Connect({.max_header_bytes = 100});
  EXPECT_TRUE(Send(std::string(100, 'x')));
  EXPECT_FALSE(connection_->ReadHeader());
  EXPECT_THAT(Answer(), AllOf(StartsWith("HTTP/1.1 431 "),
                              EndsWith(" has at most 100 bytes\n")));
}

TEST_F(HttpConnectionTest, SaysNothingWhereNothingCame) {
  Connect({.silence = milliseconds(1)});
  EXPECT_FALSE(connection_->ReadHeader());
  EXPECT_EQ(Answer(), "");
  ::close(caller_);
  Connect();
  ::shutdown(caller_, SHUT_WR);
  EXPECT_FALSE(connection_->ReadHeader());
  EXPECT_EQ(Answer(), "");
}

TEST_F(HttpConnectionTest, EndsWhatIsSilent) {
  const HttpConnectionOptions options = {
      .max_body_bytes = 9, .silence = milliseconds(1), .patience = minutes(10)};
  Connect(options);
  EXPECT_TRUE(Send("GET / HTTP/1.1\r\n"));
  EXPECT_FALSE(connection_->ReadHeader());
  EXPECT_THAT(Answer(),
              AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("at most 1 ms")));
  ::close(caller_);

  Connect(options);
  EXPECT_TRUE(Send(std::string(kHeader) + "1234"));
  EXPECT_TRUE(connection_->ReadHeader());
  EXPECT_EQ(ReadAll(), std::string(kHeader) + "1234");
  char c;
  EXPECT_EQ(connection_->Read(&c, 1), -1);
  EXPECT_FALSE(connection_->Write(std::string(64 << 20, 'x')))
      << "nobody reads it";
}

TEST_F(HttpConnectionTest, EndsWhatTricklesHowEverLong) {
  const HttpConnectionOptions options = {.max_header_bytes = 1 << 20,
                                         .max_body_bytes = 1 << 20,
                                         .silence = minutes(10),
                                         .patience = milliseconds(50),
                                         .least_bytes_a_second = 1 << 30};
  Connect(options);
  std::thread caller([&] { Trickle(); });
  EXPECT_FALSE(connection_->ReadHeader());
  caller.join();
  EXPECT_THAT(Answer(),
              AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr(" after 50 ms")));
  ::close(caller_);

  Connect(options);
  EXPECT_TRUE(Send(kHeader));
  EXPECT_TRUE(connection_->ReadHeader());
  caller = std::thread([&] { Trickle(); });
  EXPECT_LT(ReadAll().size(), size_t{1} << 20);
  char c;
  EXPECT_EQ(connection_->Read(&c, 1), -1);
  // So it is with a caller that takes its answer byte by byte.
  EXPECT_FALSE(connection_->Write(std::string(64 << 20, 'x')));
  connection_.reset();
  caller.join();
}

TEST_F(HttpConnectionTest, GivesTimeForWhatCame) {
  // An hour's worth comes with the header.
  Connect({.max_body_bytes = 1 << 20,
           .silence = minutes(10),
           .patience = milliseconds(50),
           .least_bytes_a_second = 1});
  EXPECT_TRUE(Send(kHeader + std::string(3600, 'x')));
  ASSERT_TRUE(connection_->ReadHeader());
  std::thread caller([&] {
    pollfd one = {caller_, POLLIN, 0};
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(::poll(&one, 1, 5), 0);
      EXPECT_TRUE(Send("y"));
    }
    ::shutdown(caller_, SHUT_WR);
  });
  EXPECT_THAT(ReadAll(), EndsWith("x" + std::string(20, 'y')));
  caller.join();
}

}  // namespace
}  // namespace vitrine
