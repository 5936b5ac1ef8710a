#include "clients/gallery/request_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vitrine::gallery {
namespace {

using ::testing::HasSubstr;

HttpRequest Request(const std::string& host, const std::string& path = "/") {
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  request.headers.emplace("host", host);
  return request;
}

const RequestGuard& Guard() {
  static const auto* guard = new RequestGuard({"Gallery.example"});
  return *guard;
}

TEST(RequestGuard, KnowsItsAddressesAndNames) {
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1:8080",
                           "127.0.0.1", "[::1]:8080", "[::1]", "10.0.0.7:80",
                           "gallery.example", "GALLERY.example:8443"}) {
    EXPECT_TRUE(Guard().Check(Request(host)).ok()) << host;
  }
  for (const char* host :
       {"", "evil.example", "evil.example:8080", "127.0.0.1.evil.example",
        "localhost.evil.example", "127.1", "0x7f000001", "[::1",
        "::1:8080:", "gallery.example.evil.example", "localhost evil"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Guard().Check(Request(host)))) << host;
  }
  HttpRequest two = Request("localhost");
  two.headers.emplace("host", "evil.example");
  EXPECT_TRUE(absl::IsPermissionDenied(Guard().Check(two)));
  HttpRequest none = Request("localhost");
  none.headers.clear();
  EXPECT_TRUE(absl::IsPermissionDenied(Guard().Check(none)));
  EXPECT_THAT(Guard().Check(Request("a\xff\nb.example")).message(),
              HasSubstr("'a??b.example'"));
}

TEST(RequestGuard, AnswersNoPageOfAnotherSite) {
  const auto with_origin = [](const std::string& origin) {
    HttpRequest request = Request("127.0.0.1:8080");
    request.headers.emplace("origin", origin);
    return Guard().Check(request);
  };
  EXPECT_TRUE(with_origin("http://127.0.0.1:8080").ok());
  // A proxy that encrypts.
  EXPECT_TRUE(with_origin("https://127.0.0.1:8080").ok());
  for (const char* origin :
       {"http://evil.example", "null", "", "http://127.0.0.1:8081",
        "http://127.0.0.1:8080.evil.example", "127.0.0.1:8080",
        "http://localhost:8080"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(with_origin(origin))) << origin;
  }
  for (const char* site : {"cross-site", "same-site"}) {
    HttpRequest request = Request("127.0.0.1:8080", "/api/image");
    request.headers.emplace("sec-fetch-site", site);
    EXPECT_TRUE(absl::IsPermissionDenied(Guard().Check(request))) << site;
    // A link to the gallery may be followed.
    request.path = "/";
    EXPECT_TRUE(Guard().Check(request).ok()) << site;
  }
  for (const char* site : {"same-origin", "none"}) {
    HttpRequest request = Request("127.0.0.1:8080", "/api/image");
    request.headers.emplace("sec-fetch-site", site);
    EXPECT_TRUE(Guard().Check(request).ok()) << site;
  }
}

TEST(RequestGuard, TakesNothingThatAPageMaySendUnasked) {
  const auto posted = [](const std::string& type) {
    HttpRequest request = Request("localhost", "/api/search");
    request.method = "POST";
    if (!type.empty()) request.headers.emplace("content-type", type);
    return Guard().Check(request);
  };
  EXPECT_TRUE(posted("application/json").ok());
  EXPECT_TRUE(posted("Application/JSON; charset=utf-8").ok());
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "text/plain;application/json"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(posted(type))) << type;
  }
}

}  // namespace
}  // namespace vitrine::gallery
