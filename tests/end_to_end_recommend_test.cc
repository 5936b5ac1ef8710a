// A look and the rules of a shop, as the command asks a real server for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::Process;
using Json = nlohmann::json;

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class EndToEndRecommend : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new testing::TempDir();
    const auto folder = world_->path() / "catalogue";
    std::filesystem::create_directories(folder);
    const char* const colours[] = {"Black", "Green", "Yellow", "Lavender"};
    const char* const brands[] = {"Acme", "Acme", "Bolt", "Core"};
    std::string lines;
    for (int i = 0; i < 9; ++i) {
      const std::string id = std::to_string(i);
      testing::WriteAll(folder / (id + ".jpg"),
                        DrawPicture(i, static_cast<uint8_t>(25 * i), 90, 120));
      const bool is_shoe = i > 4;
      lines += Json({{"id", id},
                     {"category", is_shoe ? "Shoes" : "Shirts"},
                     {"images", {id + ".jpg"}},
                     {"attributes",
                      {{"baseColour", is_shoe ? colours[i - 5] : "Red"},
                       {"brand", brands[i % 4]},
                       {"price", 10 * i},
                       {"inStock", i != 6}}}})
                   .dump() +
               "\n";
    }
    testing::WriteAll(folder / "products.jsonl", lines);
    const Output indexer = testing::RunToEnd(
        {Program("vitrine-indexer"), "--catalog=" + folder.string(),
         "--index=" + (world_->path() / "index").string(), "--once"});
    ASSERT_EQ(indexer.status, 0) << indexer.err;
    server_ = new Process({Program("vitrine-server"),
                           "--index=" + (world_->path() / "index").string(),
                           "--require-index", "--listen=127.0.0.1:0"},
                          world_->path() / "log");
    address_ = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(address_, "") << server_->log();
  }
  static void TearDownTestSuite() {
    delete server_;
    delete world_;
  }

  static Output Ask(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {Program("vitrine"), "recommend", "--product=0",
                                 "--server=" + address_, "--k=20",
                                 "--k-per-slot=20", "--timeout-ms=60000"});
    return testing::RunToEnd(flags);
  }
  static Json Answer(std::vector<std::string> flags) {
    flags.emplace_back("--format=json");
    const Output output = Ask(std::move(flags));
    EXPECT_EQ(output.status, 0) << output.err;
    return Json::parse(output.out, nullptr, /*allow_exceptions=*/false);
  }
  static std::vector<std::string> Ids(const Json& hits) {
    std::vector<std::string> ids;
    for (const Json& hit : hits) ids.push_back(hit["product_id"]);
    return ids;
  }

  static testing::TempDir* world_;
  static Process* server_;
  static std::string address_;
};

testing::TempDir* EndToEndRecommend::world_ = nullptr;
Process* EndToEndRecommend::server_ = nullptr;
std::string EndToEndRecommend::address_;

TEST_F(EndToEndRecommend, ShowsHowColoursGoTogether) {
  const Json answer = Answer({});
  ASSERT_EQ(answer["complements"].size(), 1u) << answer;
  const Json& shoes = answer["complements"][0]["hits"];
  ASSERT_EQ(shoes.size(), 4u);
  EXPECT_EQ(Ids(shoes).back(), "8");  // Lavender, on red.
  for (const Json& hit : shoes) {
    const std::string colour = hit["attributes"]["baseColour"];
    EXPECT_EQ(hit["colour_harmony"]["colour"], colour);
    EXPECT_EQ(hit["colour_harmony"]["goes_with"], "Red");
    EXPECT_EQ(hit["colour_harmony"]["relation"],
              colour == "Black"    ? "neutral"
              : colour == "Green"  ? "complementary"
              : colour == "Yellow" ? "triadic"
                                   : "discordant");
  }
  const Output table = Ask({});
  EXPECT_THAT(table.out, HasSubstr("Green, complementary"));
  EXPECT_THAT(table.out, Not(HasSubstr("boost")));
}

TEST_F(EndToEndRecommend, KeepsToTheRulesOfAShop) {
  const Json answer = Answer({"--filter=inStock=true", "--filter=price>=10",
                              "--filter=price<=70", "--exclude=5",
                              "--max-per=brand=1", "--boost=product_id=4@1.5"});
  // Of 1 to 4 and 7; 0, 1 and 4 are Acme's, and 4 comes sooner than 1.
  const std::vector<std::string> similar = Ids(answer["similar"]);
  EXPECT_EQ(similar.size(), 3u) << answer["similar"];
  EXPECT_EQ(similar[0], "4");
  EXPECT_EQ(std::count(similar.begin(), similar.end(), "1"), 0);
  EXPECT_EQ(answer["similar"][0]["boost"], 1.5);
  EXPECT_EQ(answer["similar"][1]["boost"], 1);
  EXPECT_THAT(Ids(answer["complements"][0]["hits"]), ElementsAre("7"));
  EXPECT_THAT(Ask({"--boost=product_id=4@1.5"}).out, HasSubstr("× 1.5"));
}

TEST_F(EndToEndRecommend, SaysWhatIsWrong) {
  for (const auto& [flag, message] :
       {std::pair("--boost=brnd=Acme@2",
                  "names the attribute 'brnd', which no product has; right is "
                  "category, product_id or one of baseColour, brand, inStock, "
                  "price"),
        std::pair("--boost=brand=Acme@20",
                  "boosts[0].factor is 20; right is 0.1 to 10"),
        std::pair("--max-per=brnd=1",
                  "diversity[0].attribute names the attribute 'brnd'")}) {
    const Output output = Ask({flag});
    EXPECT_EQ(output.status, 1) << flag;
    EXPECT_THAT(output.err, HasSubstr(message));
  }
}

}  // namespace
}  // namespace vitrine
