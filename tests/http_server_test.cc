#include "common/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::Not;
using ::testing::StartsWith;

std::unique_ptr<HttpServer> Start(size_t max_body_bytes) {
  HttpServerOptions options;
  options.listen = "127.0.0.1:0";
  options.max_body_bytes = max_body_bytes;
  options.refuse = [](const HttpRequest& request) {
    std::optional<HttpResponse> refusal;
    if (request.Header("x-stranger") == "yes") {
      refusal.emplace();
      refusal->status = 403;
      refusal->body = "not you";
    }
    return refusal;
  };
  options.answer = [](const HttpRequest& request) {
    HttpResponse response;
    response.status = request.path == "/same" ? 304 : 200;
    response.headers = {{"X-Path", request.path}};
    response.body =
        request.method + " " + request.Parameter("id") + " " + request.body;
    return response;
  };
  auto server = HttpServer::Start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

std::string Post(const HttpServer& server, const std::string& headers,
                 const std::string& body) {
  return HttpSend(server.address(), "POST /p?id=a%2Fb%20%C3%BC HTTP/1.1\r\n" +
                                        headers + "\r\n" + body);
}

TEST(HttpServer, HandsOverRequestsAndAnswers) {
  const auto server = Start(100);
  const std::string got =
      HttpGet(server->address(), "/a%20path?id=%3Cscript%3E&x=1");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(got, HasSubstr("X-Path: /a path\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nGET <script> "));
  EXPECT_THAT(Post(*server, "Content-Length: 4\r\n", "body"),
              EndsWith("\r\n\r\nPOST a/b \xC3\xBC body"));
  const std::string same = HttpGet(server->address(), "/same");
  EXPECT_THAT(same, StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(same, EndsWith("\r\n\r\n"));
  EXPECT_THAT(HttpSend(server->address(), "HEAD / HTTP/1.1\r\n\r\n"),
              EndsWith("\r\n\r\n"));
}

TEST(HttpServer, RefusesBeforeTheBodyIsRead) {
  const auto server = Start(100);
  // The body never comes; and were it read as a request, that would be
  // answered.
  const std::string refused =
      Post(*server, "X-Stranger: yes\r\nContent-Length: 90\r\n",
           "GET /secret HTTP/1.1\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(refused, Not(HasSubstr("/secret")));
}

TEST(HttpServer, BoundsBodies) {
  const auto server = Start(100);
  EXPECT_THAT(Post(*server, "Content-Length: 101\r\n", std::string(101, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Post(*server, "Content-Length: 100\r\n", std::string(100, 'x')),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Post(*server, "", ""), StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(
      Post(*server, "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
      StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(
      Post(*server, "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "x"),
      StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(
      Post(*server, "Content-Length: 1\r\nContent-Encoding: gzip\r\n", "x"),
      StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(HttpSend(server->address(),
                       "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
  const auto reader = Start(0);
  EXPECT_THAT(Post(*reader, "Content-Length: 1\r\n", "x"),
              StartsWith("HTTP/1.1 405 "));
}

TEST(HttpServer, BoundsHeaders) {
  const auto server = Start(100);
  const std::string line = "GET / HTTP/1.1\r\n";
  std::string header = line;
  while (header.size() < (64 << 10)) header += "a: b\r\n";
  header.resize(64 << 10);
  EXPECT_THAT(HttpSend(server->address(), header), StartsWith("HTTP/1.1 431 "));
  header.resize((64 << 10) - 4);
  header.replace(header.rfind("\r\n") + 2, std::string::npos, "\r\n");
  EXPECT_THAT(HttpSend(server->address(), header), StartsWith("HTTP/1.1 200 "));

  // More than the sockets hold.
  constexpr size_t kEndless = 16 << 20;
  std::string lines;
  while (lines.size() < (64 << 10)) lines += "a: b\r\n";
  const int fd = testing::HttpConnect(server->address());
  ASSERT_GT(::send(fd, line.data(), line.size(), MSG_NOSIGNAL), 0);
  size_t sent = 0;
  for (ssize_t n = 1; n > 0 && sent<kEndless; sent += n> 0 ? n : 0) {
    n = ::send(fd, lines.data(), lines.size(), MSG_NOSIGNAL);
  }
  ::close(fd);
  EXPECT_LT(sent, kEndless) << "the server goes on reading";
  EXPECT_THAT(HttpGet(server->address(), "/"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, SendsAllOnceWhateverPartsAreAskedFor) {
  const auto server = Start(100);
  for (const size_t parts : {1, 2, 1500}) {
    std::string range = "Range: bytes=0-";
    for (size_t i = 1; i < parts; ++i) range += ",0-";
    range += "\r\n";
    const std::string answer =
        Post(*server, range + "Content-Length: 4\r\n", "body");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << parts;
    EXPECT_THAT(answer, HasSubstr("Accept-Ranges: none\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\nPOST a/b \xC3\xBC body")) << parts;
    EXPECT_THAT(HttpSend(server->address(),
                         "GET /x?id=7 HTTP/1.1\r\n" + range + "\r\n"),
                EndsWith("\r\n\r\nGET 7 "))
        << parts;
  }
}

TEST(HttpServer, AnswersSeveralAtOnceAndEndsInTheirMidst) {
  auto server = Start(100);
  const std::string address = server->address();
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_THAT(HttpGet(address, "/"), StartsWith("HTTP/1.1 200 "));
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  server.reset();
  HttpServerOptions again;
  again.listen = address;
  again.answer = [](const HttpRequest&) { return HttpResponse(); };
  EXPECT_TRUE(HttpServer::Start(again).ok());
}

}  // namespace
}  // namespace vitrine
