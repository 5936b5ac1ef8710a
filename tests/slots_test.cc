#include "server/slots.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "tests/test_util.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

TEST(FoldCategory, IgnoresCaseMarksAndPlurals) {
  EXPECT_EQ(FoldCategory("T-Shirt"), "tshirt");
  for (const char* shirt : {"Tshirts", "t shirts", "T_SHIRT", " t-shirts "}) {
    EXPECT_EQ(FoldCategory(shirt), "tshirt") << shirt;
  }
  const std::pair<const char*, const char*> same[] = {
      {"Dress", "Dresses"},
      {"Watch", "watches"},
      {"Scarf", "Scarves"},
      {"Hoodie", "Hoodies"},
      {"Accessory", "Accessories"},
      {"Shoe", "Shoes"},
      {"Tie", "Ties"},
      {"Men's Shirt", "mens shirts"},
      {"Flip Flops", "flip-flop"},
      {"Glasses", "Glass"}};
  for (const auto& [one, many] : same) {
    EXPECT_EQ(FoldCategory(one), FoldCategory(many));
  }
  EXPECT_NE(FoldCategory("Shirt"), FoldCategory("Shorts"));
  EXPECT_NE(FoldCategory("Dress"), FoldCategory("Dressing"));
  EXPECT_EQ(FoldCategory("Écharpe"), "Écharpe");
  EXPECT_EQ(FoldCategory(" - "), "");
}

TEST(SlotTable, DefaultKnowsTheKindsOfGarments) {
  const SlotTable& slots = SlotTable::Default();
  const std::pair<const char*, const char*> expected[] = {
      {"T-Shirt", "top"},
      {"Kurtas", "top"},
      {"Outwear", "layer"},
      {"Sweatshirts", "layer"},
      {"Track Pants", "bottom"},
      {"Skirt", "bottom"},
      {"Dress", "one-piece"},
      {"Sarees", "one-piece"},
      {"Casual Shoes", "shoes"},
      {"Flip Flops", "shoes"},
      {"Hat", "headwear"},
      {"Caps", "headwear"},
      {"Handbags", "bag"},
      {"Backpacks", "bag"},
      {"Sunglasses", "accessory"},
      {"watch", "accessory"},
      {"Briefs", ""},
      {"Perfume and Body Mist", ""},
      {"Not sure", ""},
      {"Spaceship", ""}};
  for (const auto& [category, slot] : expected) {
    EXPECT_EQ(slots.SlotOf(category), slot) << category;
  }
  EXPECT_EQ(slots.slots(), (std::vector<std::string>{
                               "top", "layer", "bottom", "one-piece", "shoes",
                               "headwear", "bag", "accessory"}));
}

TEST(SlotTable, DefaultTellsLabelsThatTellNothing) {
  const SlotTable& slots = SlotTable::Default();
  EXPECT_TRUE(slots.IsUnknown("Not sure"));
  EXPECT_TRUE(slots.IsUnknown("other"));
  EXPECT_FALSE(slots.IsUnknown("Perfume and Body Mist"));
  EXPECT_FALSE(slots.IsUnknown("Spaceship"));
}

TEST(SlotTable, DressGoesWithNeitherTopNorBottom) {
  const SlotTable& slots = SlotTable::Default();
  EXPECT_FALSE(slots.GoWith("one-piece", "bottom"));
  EXPECT_FALSE(slots.GoWith("bottom", "one-piece"));
  EXPECT_FALSE(slots.GoWith("one-piece", "top"));
  EXPECT_TRUE(slots.GoWith("one-piece", "layer"));
  EXPECT_TRUE(slots.GoWith("top", "bottom"));
  EXPECT_FALSE(slots.GoWith("shoes", "shoes"));
  EXPECT_FALSE(slots.GoWith("shoes", "wings"));
}

// The folded categories that the shipped file lists.
std::set<std::string> Listed() {
  std::istringstream text(
      testing::ReadAll(testing::SourceDir() / "server/default_slots.txt"));
  std::set<std::string> listed;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t comma = line.rfind(',');
    if (comma != std::string::npos) {
      listed.insert(FoldCategory(line.substr(0, comma)));
    }
  }
  return listed;
}

TEST(SlotTable, DefaultListsAllFashionArticleTypes) {
  // All values of the column in the styles.csv of Fashion Product Images.
  const char* const kArticleTypes[] = {"Accessory Gift Set",
                                       "Baby Dolls",
                                       "Backpacks",
                                       "Bangle",
                                       "Basketballs",
                                       "Bath Robe",
                                       "Beauty Accessory",
                                       "Belts",
                                       "Blazers",
                                       "Body Lotion",
                                       "Body Wash and Scrub",
                                       "Booties",
                                       "Boxers",
                                       "Bra",
                                       "Bracelet",
                                       "Briefs",
                                       "Camisoles",
                                       "Capris",
                                       "Caps",
                                       "Casual Shoes",
                                       "Churidar",
                                       "Clothing Set",
                                       "Clutches",
                                       "Compact",
                                       "Concealer",
                                       "Cufflinks",
                                       "Cushion Covers",
                                       "Deodorant",
                                       "Dresses",
                                       "Duffel Bag",
                                       "Dupatta",
                                       "Earrings",
                                       "Eye Cream",
                                       "Eyeshadow",
                                       "Face Moisturisers",
                                       "Face Scrub and Exfoliator",
                                       "Face Serum and Gel",
                                       "Face Wash and Cleanser",
                                       "Flats",
                                       "Flip Flops",
                                       "Footballs",
                                       "Formal Shoes",
                                       "Foundation and Primer",
                                       "Fragrance Gift Set",
                                       "Free Gifts",
                                       "Gloves",
                                       "Hair Accessory",
                                       "Hair Colour",
                                       "Handbags",
                                       "Hat",
                                       "Headband",
                                       "Heels",
                                       "Highlighter and Blush",
                                       "Innerwear Vests",
                                       "Ipad",
                                       "Jackets",
                                       "Jeans",
                                       "Jeggings",
                                       "Jewellery Set",
                                       "Jumpsuit",
                                       "Kajal and Eyeliner",
                                       "Key chain",
                                       "Kurta Sets",
                                       "Kurtas",
                                       "Kurtis",
                                       "Laptop Bag",
                                       "Leggings",
                                       "Lehenga Choli",
                                       "Lip Care",
                                       "Lip Gloss",
                                       "Lip Liner",
                                       "Lip Plumper",
                                       "Lipstick",
                                       "Lounge Pants",
                                       "Lounge Shorts",
                                       "Lounge Tshirts",
                                       "Makeup Remover",
                                       "Mascara",
                                       "Mask and Peel",
                                       "Mens Grooming Kit",
                                       "Messenger Bag",
                                       "Mobile Pouch",
                                       "Mufflers",
                                       "Nail Essentials",
                                       "Nail Polish",
                                       "Necklace and Chains",
                                       "Nehru Jackets",
                                       "Night suits",
                                       "Nightdress",
                                       "Patiala",
                                       "Pendant",
                                       "Perfume and Body Mist",
                                       "Rain Jacket",
                                       "Rain Trousers",
                                       "Ring",
                                       "Robe",
                                       "Rompers",
                                       "Rucksacks",
                                       "Salwar",
                                       "Salwar and Dupatta",
                                       "Sandals",
                                       "Sarees",
                                       "Scarves",
                                       "Shapewear",
                                       "Shirts",
                                       "Shoe Accessories",
                                       "Shoe Laces",
                                       "Shorts",
                                       "Shrug",
                                       "Skirts",
                                       "Socks",
                                       "Sports Sandals",
                                       "Sports Shoes",
                                       "Stockings",
                                       "Stoles",
                                       "Suits",
                                       "Sunglasses",
                                       "Sunscreen",
                                       "Suspenders",
                                       "Sweaters",
                                       "Sweatshirts",
                                       "Swimwear",
                                       "Tablet Sleeve",
                                       "Ties",
                                       "Ties and Cufflinks",
                                       "Tights",
                                       "Toner",
                                       "Tops",
                                       "Track Pants",
                                       "Tracksuits",
                                       "Travel Accessory",
                                       "Trolley Bag",
                                       "Trousers",
                                       "Trunk",
                                       "Tshirts",
                                       "Tunics",
                                       "Umbrellas",
                                       "Waist Pouch",
                                       "Waistcoat",
                                       "Wallets",
                                       "Watches",
                                       "Water Bottle",
                                       "Wristbands"};
  EXPECT_EQ(std::size(kArticleTypes), 143u);
  const std::set<std::string> listed = Listed();
  for (const char* type : kArticleTypes) {
    EXPECT_TRUE(listed.contains(FoldCategory(type))) << type;
  }
}

TEST(SlotTable, DefaultListsAllLabelsOfTheClothingDataset) {
  const auto dataset = testing::ClothingDataset();
  if (!dataset) GTEST_SKIP() << "no shared data here";
  std::istringstream text(testing::ReadAll(*dataset / "images.csv"));
  const std::set<std::string> listed = Listed();
  std::string line;
  std::getline(text, line);
  int rows = 0;
  for (; std::getline(text, line); ++rows) {
    std::istringstream cells(line);
    std::string cell;
    for (int i = 0; i < 3; ++i) std::getline(cells, cell, ',');
    EXPECT_TRUE(listed.contains(FoldCategory(cell))) << cell;
  }
  EXPECT_GT(rows, 3000);
}

TEST(SlotTable, ReadsCommasTabsAndRules) {
  ASSERT_OK_AND_ASSIGN(SlotTable slots,
                       SlotTable::Parse("# ours\n"
                                        "Socks, tights and hose,legs\r\n"
                                        "\n"
                                        "Shirt\ttorso\n"
                                        "Tunic\tTorso\n"
                                        "Cloak,over\n"
                                        "never legs over\n",
                                        "mine.txt"));
  EXPECT_EQ(slots.SlotOf("socks, tights and hose"), "legs");
  EXPECT_EQ(slots.SlotOf("Shirts"), "torso");
  EXPECT_EQ(slots.SlotOf("Tunic"), "torso");
  EXPECT_FALSE(slots.GoWith("over", "legs"));
  EXPECT_TRUE(slots.GoWith("over", "torso"));
}

TEST(SlotTable, NamesTheLineThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"Shirt,top\nCasual Shoes\n",
       "mine.txt:2: 'Casual Shoes' is neither `category,slot`"},
      {"Shirt,\n", "mine.txt:1: 'Shirt,' lacks its category or its slot"},
      {",top\n", "mine.txt:1: ',top' lacks"},
      {"Shirt,top\nshirts,bottom\n",
       "mine.txt:2: 'shirts' is bottom here and top in line 1"},
      {"Shirt,top\nnever top wings\n",
       "mine.txt:2: no category has the slot 'wings'; slots are top"},
      {"# nothing\n", "mine.txt: gives no category a slot"}};
  for (const auto& [text, message] : wrong) {
    EXPECT_STATUS(SlotTable::Parse(text, "mine.txt"),
                  absl::StatusCode::kInvalidArgument, message);
  }
}

}  // namespace
}  // namespace vitrine
