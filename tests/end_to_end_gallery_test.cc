// The real vitrine-gallery before a real vitrine-server, asked as its page
// asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/image/image.h"
#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/certificates.h"
#include "tests/test_util/plain_embedder.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpSend;
using ::testing::Not;
using testing::Output;
using testing::Process;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr std::chrono::minutes kPatience(2);
// A folder is a category, and a file's name a product.
constexpr char kHostile[] = "<img src=x onerror=alert(1)>&'\" %2e%2e+#";

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

std::string Picture(int i) {
  return DrawPicture(i, static_cast<uint8_t>(25 * i),
                     static_cast<uint8_t>(250 - 25 * i),
                     static_cast<uint8_t>(60 * i % 250));
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  char digits[8];
  for (const unsigned char c : text) {
    std::snprintf(digits, sizeof(digits), "%%%02X", c);
    escaped += digits;
  }
  return escaped;
}

struct HttpAnswer {
  int status = 0;
  std::string headers;
  std::string body;
  Json json() const { return Json::parse(body, nullptr, false); }
};

class EndToEndGallery : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new testing::TempDir();
    for (int i = 0; i < 10; ++i) {
      const std::string category = i % 2 == 0 ? "Shirts" : "Shoes";
      const auto folder = world_->path() / "catalogue" / category;
      std::filesystem::create_directories(folder);
      const std::string name = i == 4 ? kHostile : "p" + std::to_string(i);
      testing::WriteAll(folder / (name + ".jpg"), Picture(i));
    }
    const Output indexer = testing::RunToEnd(
        {Program("vitrine-indexer"),
         "--catalog=" + (world_->path() / "catalogue").string(),
         "--index=" + Index(), "--once"});
    ASSERT_EQ(indexer.status, 0) << indexer.err;
  }
  static void TearDownTestSuite() { delete world_; }
  static std::string Index() { return (world_->path() / "index").string(); }

  void StartServer(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> argv = {Program("vitrine-server"),
                                     "--index=" + Index(), "--require-index",
                                     "--listen=127.0.0.1:0"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    server_ = std::make_unique<Process>(argv, dir_.path() / "server.log");
    server_address_ = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(server_address_, "") << server_->log();
  }
  void StartGallery(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(),
                 {Program("vitrine-gallery"), "--listen=127.0.0.1:0",
                  "--server=" + server_address_, "--timeout-ms=60000"});
    gallery_ = std::make_unique<Process>(
        flags, dir_.path() / ("gallery.log" + std::to_string(++galleries_)));
    const std::string before = "vitrine-gallery: listening on ";
    ASSERT_TRUE(Eventually(
        [&] {
          return gallery_->log().find(" in a browser") != std::string::npos;
        },
        kPatience))
        << gallery_->log();
    const std::string log = gallery_->log();
    ASSERT_THAT(log, StartsWith(before));
    address_ = log.substr(before.size(), log.find('\n') - before.size());
  }

  HttpAnswer Send(const std::string& request) const {
    const std::string bytes = HttpSend(address_, request);
    HttpAnswer answer;
    const size_t end = bytes.find("\r\n\r\n");
    EXPECT_NE(end, std::string::npos) << bytes;
    if (end == std::string::npos) return answer;
    answer.status = std::stoi(bytes.substr(9, 3));
    answer.headers = bytes.substr(0, end + 2);
    answer.body = bytes.substr(end + 4);
    return answer;
  }
  HttpAnswer Get(const std::string& path,
                 const std::string& headers = "") const {
    return Send("GET " + path + " HTTP/1.1\r\nHost: " + address_ + "\r\n" +
                headers + "\r\n");
  }
  HttpAnswer Post(const std::string& path, const std::string& body,
                  const std::string& type = "application/json") const {
    return Send("POST " + path + " HTTP/1.1\r\nHost: " + address_ +
                "\r\nContent-Type: " + type + "\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  HttpAnswer Search(const Json& request) const {
    return Post("/api/search", request.dump());
  }

  static testing::TempDir* world_;
  const testing::TempDir dir_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<Process> gallery_;
  int galleries_ = 0;
  std::string server_address_;
  std::string address_;
};

testing::TempDir* EndToEndGallery::world_ = nullptr;

std::string ImageJson(int i) { return absl::Base64Escape(Picture(i)); }

TEST_F(EndToEndGallery, FindsByPictureByRegionAndByProduct) {
  StartServer();
  StartGallery();
  const Json by_picture =
      Search({{"examples", {{{"image", {{"content", ImageJson(3)}}}}}},
              {"k", 5},
              {"facets", {"category"}},
              {"emphasis", {{{"block", "colour"}, {"emphasis", 2}}}}})
          .json();
  ASSERT_EQ(by_picture["hits"].size(), 5u) << by_picture;
  EXPECT_EQ(by_picture["hits"][0]["product_id"], "Shoes/p3");
  EXPECT_EQ(by_picture["hits"][0]["same_content"], true);
  EXPECT_GE(by_picture["hits"][0]["block_scores"].size(), 2u);
  EXPECT_EQ(by_picture["facets"][0]["counts"].size(), 2u);

  const Json region = {{"x0", 0.1}, {"y0", 0.1}, {"x1", 0.9}, {"y1", 0.9}};
  const Json by_region =
      Search({{"examples",
               {{{"image", {{"content", ImageJson(3)}, {"region", region}}}}}}})
          .json();
  EXPECT_GE(by_region["hits"].size(), 5u) << by_region;

  const Json by_product =
      Search({{"examples",
               {{{"product_id", "Shirts/p2"}},
                {{"product_id", "Shirts/p6"}, {"weight", 0.5}},
                {{"product_id", "Shoes/p1"}, {"weight", -0.5}}}},
              {"exclude_query_products", true},
              {"filter",
               {{"condition",
                 {{"attribute", "category"},
                  {"any_of", {{"values", {"Shirts"}}}}}}}}})
          .json();
  EXPECT_EQ(by_product["hits"].size(), 3u) << by_product;

  const Json embedded =
      Post("/api/embed",
           Json({{"images", {{{"content", ImageJson(3)}}}}}).dump())
          .json();
  const Json by_vector =
      Search({{"examples", {{{"vector", embedded["items"][0]["vector"]}}}},
              {"k", 1}})
          .json();
  EXPECT_EQ(by_vector["hits"][0]["product_id"], "Shoes/p3") << by_vector;

  const Json recommended =
      Post("/api/recommend", R"({"product_id": "Shirts/p2", "k_similar": 2})")
          .json();
  EXPECT_EQ(recommended["similar"].size(), 2u) << recommended;
  const Json described = Get("/api/describe").json();
  EXPECT_EQ(described["products"], "10");
  EXPECT_GE(described["model"]["blocks"].size(), 2u);
}

TEST_F(EndToEndGallery, TakesIdsAsTheyAre) {
  StartServer();
  StartGallery();
  const std::string id = std::string("Shirts/") + kHostile;
  const HttpAnswer product = Get("/api/product?id=" + Escaped(id));
  ASSERT_EQ(product.status, 200) << product.body;
  EXPECT_EQ(product.json()["product"]["product_id"], id);
  EXPECT_THAT(product.headers, HasSubstr("Content-Type: application/json"));
  const std::string key = product.json()["product"]["images"][0]["key"];
  const HttpAnswer image =
      Get("/api/image?id=" + Escaped(id) + "&key=" + Escaped(key));
  ASSERT_EQ(image.status, 200) << image.body;
  EXPECT_THAT(image.headers, AllOf(HasSubstr("Content-Type: image/jpeg\r\n"),
                                   HasSubstr("Cache-Control: private")));
  EXPECT_THAT(image.body, StartsWith("\xff\xd8\xff"));
  const size_t tag = image.headers.find("ETag: ") + 6;
  const HttpAnswer again =
      Get("/api/image?id=" + Escaped(id),
          "If-None-Match: " +
              image.headers.substr(tag, image.headers.find('\r', tag) - tag) +
              "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  const Json found = Search({{"examples", {{{"product_id", id}}}}}).json();
  EXPECT_EQ(found["hits"][0]["product_id"], id) << found;
  // Ids are none of the file system's.
  for (const std::string& path :
       {std::string("../../../../etc/passwd"), std::string("/etc/passwd"),
        (world_->path() / "catalogue/Shirts/p2.jpg").string()}) {
    EXPECT_EQ(Get("/api/image?id=" + Escaped(path)).status, 404);
    EXPECT_EQ(Get("/api/image?id=Shirts%2Fp2&key=" + Escaped(path)).status,
              404);
    EXPECT_EQ(Get("/" + Escaped(path)).status, 404);
    EXPECT_EQ(Get("/" + path).status, 404);
  }
}

TEST_F(EndToEndGallery, TellsWhatIsWrong) {
  StartServer();
  StartGallery();
  const std::pair<HttpAnswer, int> wrong[] = {
      {Get("/api/product?id=nothing"), 404},
      {Get("/api/product"), 400},
      {Get("/api/image?id=%ff"), 400},
      {Get("/api/nothing"), 404},
      {Post("/api/nothing", "{}"), 404},
      {Post("/api/search", "{}"), 400},
      {Post("/api/search", "no json"), 400},
      {Post("/api/search", R"({"exampels": []})"), 400},
      {Post("/api/search", std::string(200'000, '[')), 400},
      {Search({{"examples", {{{"product_id", "nothing"}}}}}), 404},
      {Search({{"examples", {{{"product_id", "Shirts/p2"}}}}, {"k", 100000}}),
       400},
      {Search({{"examples", {{{"image", {{"content", "AAAA"}}}}}}}), 400},
      {Post("/api/search", "{}", "text/plain"), 415},
      {Send("GET /api/describe HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403},
      {Get("/api/describe", "Origin: http://evil.example\r\n"), 403},
      {Get("/api/describe", "Sec-Fetch-Site: cross-site\r\n"), 403},
  };
  for (const auto& [answer, status] : wrong) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.json().value("/error/message"_json_pointer, ""), "")
        << answer.body;
    EXPECT_THAT(answer.headers,
                AllOf(HasSubstr("Content-Type: application/json"),
                      HasSubstr("X-Content-Type-Options: nosniff"),
                      Not(HasSubstr("Access-Control"))));
  }
  EXPECT_THAT(
      Search({{"examples", {{{"product_id", "Shirts/p2"}}}}, {"k", 100000}})
          .json()["error"]["message"],
      HasSubstr("100000"));
  EXPECT_EQ(Post("/api/search", std::string((40 << 20) + 1, ' ')).status, 413);

  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 0);
  const HttpAnswer away = Get("/api/describe");
  EXPECT_EQ(away.status, 503);
  EXPECT_THAT(away.json()["error"]["message"],
              HasSubstr("no server at " + server_address_));
}

TEST_F(EndToEndGallery, ServesItsPageUnderAStrictPolicy) {
  StartServer();
  StartGallery();
  const HttpAnswer page = Get("/?like=%3Cscript%3E");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("<!doctype html>"), Not(HasSubstr("<script>"))));
  EXPECT_THAT(page.headers,
              AllOf(HasSubstr("Content-Security-Policy: default-src 'none'; "
                              "script-src 'self'"),
                    HasSubstr("X-Content-Type-Options: nosniff"),
                    HasSubstr("Content-Type: text/html")));
  EXPECT_THAT(Get("/main.js").headers,
              HasSubstr("Content-Type: text/javascript"));
  EXPECT_EQ(Get("/index.html/../main.cc").status, 404);
  gallery_->Signal(SIGTERM);
  EXPECT_EQ(gallery_->Wait(kPatience), 0) << gallery_->log();
}

TEST_F(EndToEndGallery, ReachesAServerThatIsEncryptedAndWantsAToken) {
  const TestCa ca("the shop's CA");
  const TestIdentity identity = ca.Issue("server");
  const auto write = [&](const std::string& name, const std::string& text) {
    testing::WriteAll(dir_.path() / name, text);
    std::filesystem::permissions(dir_.path() / name,
                                 std::filesystem::perms::owner_read |
                                     std::filesystem::perms::owner_write);
    return (dir_.path() / name).string();
  };
  const std::string token = "a-token-of-the-gallery-123";
  StartServer({"--tls-cert=" + write("server.crt", identity.certificate),
               "--tls-key=" + write("server.key", identity.key),
               "--tokens=" + write("tokens", "query " + token + " gallery\n")});
  const std::string trust = "--tls-ca=" + write("ca.crt", ca.certificate());
  StartGallery({trust, "--token-file=" + write("token", token)});
  EXPECT_EQ(Search({{"examples", {{{"product_id", "Shirts/p2"}}}}}).status,
            200);
  EXPECT_EQ(Get("/api/image?id=Shirts%2Fp2").status, 200);
  StartGallery({trust});
  const HttpAnswer refused = Get("/api/describe");
  EXPECT_EQ(refused.status, 502);
  EXPECT_THAT(refused.body, HasSubstr("wants a token"));
  StartGallery();
  EXPECT_THAT(Get("/api/describe").body, HasSubstr("wants --tls-ca"));
}

TEST_F(EndToEndGallery, NamesWhatIsWrongOnItsCommandLine) {
  const std::pair<std::string, std::string> wrong[] = {
      {"--listen=0.0.0.0:8080", "--insecure"},
      {"--listen=here", "HOST:PORT"},
      {"--threads=0", "--threads=0 is not right; it is 1 to 1024"},
      {"--sever=x", "did you mean --server?"},
      {"--token-file=/nowhere", "/nowhere"},
  };
  for (const auto& [flag, message] : wrong) {
    const Output output = testing::RunToEnd({Program("vitrine-gallery"), flag});
    EXPECT_EQ(output.status, 2) << flag;
    EXPECT_THAT(output.err, HasSubstr(message));
    EXPECT_EQ(output.out, "");
  }
  // No flag of the gallery's allows this.
  const Output clear = testing::RunToEnd({Program("vitrine-gallery"),
                                          "--server=search.example:50051",
                                          "--token-file=/nowhere"});
  EXPECT_EQ(clear.status, 2);
  EXPECT_THAT(clear.err,
              AllOf(HasSubstr("search.example:50051 in the clear"),
                    HasSubstr("--tls-ca"), Not(HasSubstr("--insecure"))));
  const Output help = testing::RunToEnd({Program("vitrine-gallery"), "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("vitrine-gallery"),
                              HasSubstr("--names"), HasSubstr("--token-file")));
}

}  // namespace
}  // namespace vitrine
