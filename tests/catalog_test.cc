#include "common/catalog/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/catalog_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using Strings = std::vector<std::string>;

class CatalogTest : public testing::CatalogFixture {};

TEST_F(CatalogTest, ReadsAFashionCatalogue) {
  Write("styles.csv",
        "id,articleType,year,productDisplayName\n"
        "1163,Shirts,2011,Nike Shirt, blue\n"
        "1164,Jeans,2012,Jeans\n"
        "1165,Hats,2012,Hat\n");
  Write("images/1163.jpg");
  Write("images/1163_2.jpg");
  Write("images/1163-3.png");
  Write("images/1164.jpg");
  Write("images/9999.jpg");
  Write("styles/1163.json", R"({"not":"ours"})");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kFashion);
  EXPECT_EQ(catalog_->category_attribute(), "articleType");
  Scan();
  EXPECT_EQ(Products(),
            (Strings{"images/1163-3.png → 1163", "images/1163.jpg → 1163",
                     "images/1163_2.jpg → 1163", "images/1164.jpg → 1164",
                     "images/9999.jpg → 9999"}));
  EXPECT_EQ(Describe("1163").title(), "Nike Shirt, blue");
  EXPECT_EQ(Describe("1163").attributes().at("year").number(), 2011);
  EXPECT_EQ(Describe("9999").ByteSizeLong(), 0u);
  const auto without_row = Problems(ProblemKind::kPictureWithoutRow);
  ASSERT_EQ(without_row.size(), 1u);
  EXPECT_EQ(without_row[0].path, "images/9999.jpg");
  const auto without_picture = Problems(ProblemKind::kRowWithoutPicture);
  ASSERT_EQ(without_picture.size(), 1u);
  EXPECT_EQ(without_picture[0].product_id, "1165");
  EXPECT_EQ(without_picture[0].line, 4);
  EXPECT_EQ(listing_.problems.size(), 2u);
}

TEST_F(CatalogTest, ARowThatIsThePictureWinsOverACountedOne) {
  Write("styles.csv", "id,label\n12,a\n12_2,b\n");
  Write("images/12_2.jpg");
  Open();
  Scan();
  EXPECT_EQ(Products(), Strings{"images/12_2.jpg → 12_2"});
}

TEST_F(CatalogTest, ReadsAClothingCatalogue) {
  Write("images.csv",
        "image,sender_id,label,kids\naa-1,7,Hat,False\nbb-2,8,Shoes,True\n");
  Write("images/aa-1.jpg");
  Write("images/bb-2.jpg");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kClothing);
  Scan();
  EXPECT_EQ(Products(),
            (Strings{"images/aa-1.jpg → aa-1", "images/bb-2.jpg → bb-2"}));
  EXPECT_EQ(Describe("bb-2").category(), "Shoes");
  EXPECT_TRUE(listing_.problems.empty());
}

TEST_F(CatalogTest, RowsMayNamePicturesInFolders) {
  Write("images.csv", "file,label\nred/1.jpg,Hat\nblue/1.jpg,Cap\n");
  Write("images/red/1.jpg");
  Write("blue/1.jpg");
  Open();
  Scan();
  EXPECT_EQ(Products(),
            (Strings{"blue/1.jpg → blue/1", "images/red/1.jpg → red/1"}));
}

TEST_F(CatalogTest, AFolderIsACategory) {
  Write("dresses/summer/1.jpg");
  Write("dresses/2.jpg");
  Write("shoes/3.jpg");
  Write("4.jpg");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kFolders);
  Scan();
  EXPECT_EQ(Products(), (Strings{"4.jpg → 4", "dresses/2.jpg → dresses/2",
                                 "dresses/summer/1.jpg → dresses/summer/1",
                                 "shoes/3.jpg → shoes/3"}));
  EXPECT_EQ(Describe("dresses/summer/1").category(), "dresses");
  EXPECT_EQ(Describe("dresses/summer/1").attributes().at("folder").text(),
            "dresses/summer");
  EXPECT_EQ(Describe("4").category(), "");
}

TEST_F(CatalogTest, TheWholeFolderCanBeTheCategory) {
  Write("dresses/summer/1.jpg");
  Open({.category_attribute = "folder"});
  Scan();
  EXPECT_EQ(Describe("dresses/summer/1").category(), "dresses/summer");
}

TEST_F(CatalogTest, AFolderOfImagesIsNoCategory) {
  Write("images/dresses/1.jpg");
  Write("images/2.jpg");
  Open();
  Scan();
  EXPECT_EQ(Describe("images/dresses/1").category(), "dresses");
  EXPECT_EQ(Describe("images/2").category(), "");
}

TEST_F(CatalogTest, BarePicturesHaveNoCategory) {
  Write("1.jpg");
  Write("2.jpg");
  Write("3.jpg");
  Write("old/4.jpg");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kPlain);
  Scan();
  EXPECT_EQ(Products(), (Strings{"1.jpg → 1", "2.jpg → 2", "3.jpg → 3",
                                 "old/4.jpg → old/4"}));
  EXPECT_EQ(Describe("old/4").ByteSizeLong(), 0u);
}

TEST_F(CatalogTest, ReadsProductsOfLines) {
  Write("products.jsonl",
        R"({"id":"A","title":"Shirt","images":["p/1.jpg","p/2.jpg"]})"
        "\n"
        R"({"id":"B","images":["p/none.jpg"]})"
        "\n"
        R"({"id":"C"})");
  Write("p/1.jpg");
  Write("p/2.jpg");
  Write("p/A_3.jpg");
  Write("p/stray.jpg");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kJsonl);
  Scan();
  EXPECT_EQ(Products(), (Strings{"p/1.jpg → A", "p/2.jpg → A", "p/A_3.jpg → A",
                                 "p/stray.jpg → p/stray"}));
  const auto missing = Problems(ProblemKind::kRowWithoutPicture);
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_NE(missing[0].message.find("p/none.jpg"), std::string::npos);
  EXPECT_EQ(missing[1].product_id, "C");
  EXPECT_EQ(Problems(ProblemKind::kPictureWithoutRow).size(), 1u);
}

TEST_F(CatalogTest, ListsNoPictureOfAProductThatALineDeletes) {
  Write("products.jsonl",
        "{\"id\":\"A\",\"images\":[\"x.jpg\"],\"deleted\":true}\n"
        "{\"id\":\"B\",\"deleted\":true}\n"
        "{\"id\":\"C\",\"deleted\":true}\n"
        "{\"id\":\"C\",\"title\":\"the later line counts\"}\n");
  for (const char* picture : {"x.jpg", "A_2.jpg", "C.jpg", "D.jpg", "e.jpg"}) {
    Write(picture);
  }
  Write("e.jpg.json", R"({"product_id":"B"})");
  Open();
  Scan();
  EXPECT_EQ(Products(), (std::vector<std::string>{"C.jpg → C", "D.jpg → D"}));
  EXPECT_EQ(listing_.deleted_products,
            (std::set<std::string, std::less<>>{"A", "B"}));
  EXPECT_EQ(listing_.deleted_pictures,
            (std::set<std::string, std::less<>>{"A_2.jpg", "e.jpg", "x.jpg"}));
  EXPECT_TRUE(catalog_->IsDeleted("A"));
  EXPECT_FALSE(catalog_->IsDeleted("C"));
  EXPECT_FALSE(catalog_->IsDeleted("D"));
  EXPECT_TRUE(Problems(ProblemKind::kRowWithoutPicture).empty());
  CatalogProblems problems;
  EXPECT_FALSE(catalog_->Resolve("A_2.jpg", &problems));
  EXPECT_TRUE(catalog_->Resolve("D.jpg", &problems));
}

TEST_F(CatalogTest, ReadsATableOfWhichFieldsHaveChangedWithoutAScan) {
  using Products = std::vector<std::string>;
  const auto lines = [this](const std::string& a, const std::string& b) {
    Write("products.jsonl", "{\"id\":\"A\",\"images\":[\"x.jpg\"]" + a + "}\n" +
                                "{\"id\":\"B\"" + b + "}\n");
  };
  lines(",\"title\":\"one\"", ",\"title\":\"b\"");
  Write("x.jpg");
  Write("B.jpg");
  Open();
  Scan();
  EXPECT_EQ(catalog_->RefreshFields(), Products());
  lines(",\"title\":\"two\"", ",\"title\":\"b\"");
  EXPECT_EQ(catalog_->RefreshFields(
                [](const std::string&, const FileVersion&) { return false; }),
            std::nullopt)
      << "it is being written";
  EXPECT_EQ(Describe("A").title(), "one");
  const uint64_t version = catalog_->metadata_version();
  EXPECT_EQ(catalog_->RefreshFields(), Products{"A"});
  EXPECT_GT(catalog_->metadata_version(), version);
  EXPECT_EQ(Describe("A").title(), "two");
  // Lines may change their places, and whose their pictures are is kept.
  Write("products.jsonl",
        "{\"id\":\"B\",\"title\":\"c\"}\n"
        "{\"id\":\"A\",\"images\":[\"x.jpg\"],\"title\":\"two\"}\n");
  EXPECT_EQ(catalog_->RefreshFields(), Products{"B"});
  CatalogProblems problems;
  EXPECT_EQ(catalog_->Resolve("x.jpg", &problems)->product_id, "A");
  // What must be scanned for changes nothing yet.
  const std::string a = "{\"id\":\"A\",\"images\":[\"x.jpg\"]}\n";
  const std::string b = "{\"id\":\"B\"}\n";
  for (const std::string& table :
       {a, a + b + "{\"id\":\"C\"}\n", a + "{\"id\":\"C\"}\n",
        a + "{\"id\":\"B\",\"deleted\":true}\n",
        "{\"id\":\"A\",\"images\":[\"y.jpg\"]}\n" + b,
        "{\"id\":\"A\"}\n" +
            std::string("{\"id\":\"B\",\"images\":[\"x.jpg\"]}\n")}) {
    Write("products.jsonl", table);
    EXPECT_EQ(catalog_->RefreshFields(), std::nullopt) << table;
    EXPECT_EQ(Describe("A").title(), "two");
  }
  std::filesystem::remove(dir_ / "products.jsonl");
  EXPECT_EQ(catalog_->RefreshFields(), std::nullopt);
}

TEST_F(CatalogTest, SeesThatAColumnMeansSomethingElse) {
  Write("styles.csv", "id,size,colour\n1,7,red\n2,8,blue\n");
  Write("images/1.jpg");
  Open();
  Scan();
  EXPECT_EQ(Describe("1").attributes().at("size").number(), 7);
  // One word makes a text of each number.
  Write("styles.csv", "id,size,colour\n1,7,red\n2,XL,blue\n");
  EXPECT_EQ(catalog_->RefreshFields(), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(Describe("1").attributes().at("size").text(), "7");
  Write("styles.csv", "id,size,color\n1,7,red\n2,XL,blue\n");
  EXPECT_EQ(catalog_->RefreshFields(), (std::vector<std::string>{"1", "2"}));
  Write("styles.csv", "id,size,color\n2,XL,\"blue\"\n1,7,green\n");
  EXPECT_EQ(catalog_->RefreshFields(), std::vector<std::string>{"1"});
}

TEST_F(CatalogTest, LooksForTablesInOrder) {
  Write("d/1.jpg");
  Write("images.csv", "image,label\n1,x\n");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kClothing);
  Write("styles.csv", "id,articleType\n1,y\n");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kFashion);
  Write("products.jsonl", R"({"id":"1"})");
  Open();
  EXPECT_EQ(catalog_->layout(), Layout::kJsonl);
  Open({.layout = Layout::kClothing});
  EXPECT_EQ(catalog_->layout(), Layout::kClothing);
  Open({.layout = Layout::kPlain});
  EXPECT_EQ(catalog_->layout(), Layout::kPlain);
}

TEST_F(CatalogTest, FindsProductsByPattern) {
  Write("SKU1_2.jpg");
  Write("SKU1_1.jpg");
  Write("x/odd.jpg");
  Open({.product_pattern = "^(SKU[0-9]+)_"});
  Scan();
  EXPECT_EQ(Products(), (Strings{"SKU1_1.jpg → SKU1", "SKU1_2.jpg → SKU1",
                                 "x/odd.jpg → x/odd"}));
  EXPECT_EQ(Problems(ProblemKind::kPatternWithoutMatch).size(), 1u);
  // With a slash the whole path is searched.
  Open({.product_pattern = "^(x)/"});
  Scan();
  EXPECT_EQ(listing_.pictures.back().product_id, "x");
}

TEST_F(CatalogTest, APatternFindsRowsToo) {
  Write("styles.csv", "id,label\n77,Hat\n");
  Write("images/front-77-large.jpg");
  Open({.product_pattern = "-([0-9]+)-"});
  Scan();
  EXPECT_EQ(Products(), Strings{"images/front-77-large.jpg → 77"});
  EXPECT_TRUE(listing_.problems.empty());
}

TEST_F(CatalogTest, SidecarsOverrideRows) {
  Write("styles.csv", "id,label,colour\n1,Hat,red\n2,Cap,blue\n");
  Write("images/1.jpg");
  Write("images/1.json",
        R"({"title":"A hat","attributes":{"colour":"green","size":7}})");
  Write("images/1.jpg.json", R"({"title":"The hat"})");
  Write("images/2.jpg");
  Write("images/3.jpg");
  Write("images/3.jpg.json", R"({"product_id":"2","category":"Caps"})");
  Open();
  Scan();
  EXPECT_EQ(Describe("1").title(), "The hat");
  EXPECT_EQ(Describe("1").category(), "Hat");
  EXPECT_EQ(Describe("1").attributes().at("colour").text(), "green");
  EXPECT_EQ(Describe("1").attributes().at("size").number(), 7);
  EXPECT_EQ(listing_.pictures[2].product_id, "2");
  EXPECT_EQ(Describe("2").category(), "Caps");
  EXPECT_EQ(Describe("2").attributes().at("colour").text(), "blue");
  EXPECT_TRUE(listing_.problems.empty());
}

TEST_F(CatalogTest, ResolvesOneDroppedPicture) {
  Write("styles.csv", "id,label\n1,Hat\n");
  Write("images/1.jpg");
  Open();
  Scan();
  CatalogProblems problems;
  Write("images/1_2.jpg", "new picture");
  auto picture = catalog_->Resolve("images/1_2.jpg", &problems);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->product_id, "1");
  EXPECT_EQ(picture->bytes, 11u);
  EXPECT_TRUE(problems.empty());
  Write("images/5.jpg");
  picture = catalog_->Resolve("images/5.jpg", &problems);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->product_id, "5");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].kind, ProblemKind::kPictureWithoutRow);
}

TEST_F(CatalogTest, ResolvesTheSidecarOfADroppedPicture) {
  Write("1.jpg");
  Open();
  Scan();
  Write("2.jpg");
  Write("2.json", R"({"title":"Two","product_id":"P2"})");
  CatalogProblems problems;
  EXPECT_EQ(catalog_->Resolve("2.jpg", &problems)->product_id, "P2");
  EXPECT_EQ(catalog_->Describe("P2", "2.jpg").title(), "Two");
}

TEST_F(CatalogTest, FollowsASidecarThatComesChangesAndGoes) {
  Write("1.jpg");
  Write("1.png");
  Open();
  Scan();
  CatalogProblems problems;
  Write("1.json", R"({"title":"first"})");
  EXPECT_EQ(catalog_->ResolveSidecar("1.json", &problems).size(), 2u);
  EXPECT_EQ(Describe("1").title(), "first");
  Write("1.json", R"({"title":"second one"})");
  EXPECT_EQ(catalog_->ResolveSidecar("1.json", &problems).size(), 2u);
  EXPECT_EQ(Describe("1").title(), "second one");
  Write("1.jpg.json", R"({"product_id":"other"})");
  const auto pictures = catalog_->ResolveSidecar("1.jpg.json", &problems);
  ASSERT_EQ(pictures.size(), 1u);
  EXPECT_EQ(pictures[0].product_id, "other");
  fs::remove(dir_ / "1.json");
  fs::remove(dir_ / "1.jpg.json");
  EXPECT_EQ(catalog_->ResolveSidecar("1.json", &problems).size(), 2u);
  EXPECT_EQ(Describe("1").title(), "");
  EXPECT_TRUE(problems.empty());
  Write("1.json", "{");
  EXPECT_EQ(catalog_->ResolveSidecar("1.json", &problems).size(), 2u);
  EXPECT_EQ(problems.size(), 1u) << "one file, one problem";
}

TEST_F(CatalogTest, TellsWhatAChangedFileMeans) {
  Write("styles.csv", "id\n1\n");
  Write("images.csv", "image\n1\n");
  Open();
  EXPECT_EQ(catalog_->RoleOf("styles.csv"), FileRole::kTable);
  EXPECT_EQ(catalog_->RoleOf("products.jsonl"), FileRole::kTable);
  EXPECT_EQ(catalog_->RoleOf("images.csv"), FileRole::kIgnored);
  EXPECT_EQ(catalog_->RoleOf("images/1.jpg"), FileRole::kPicture);
  EXPECT_EQ(catalog_->RoleOf("images/1.json"), FileRole::kSidecar);
  EXPECT_EQ(catalog_->RoleOf("images/.1.jpg"), FileRole::kIgnored);
  EXPECT_EQ(catalog_->RoleOf("sub/styles.csv"), FileRole::kIgnored);
  Open({.layout = Layout::kFashion});
  EXPECT_EQ(catalog_->RoleOf("products.jsonl"), FileRole::kIgnored);
}

TEST(CatalogOfRealPhotos, IsReadWithoutAProblem) {
  const auto root = testing::ClothingDataset();
  if (!root) GTEST_SKIP() << "the real photos are not here";
  auto catalog = Catalog::Open({.root = *root});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ((*catalog)->layout(), Layout::kClothing);
  EXPECT_EQ((*catalog)->category_attribute(), "label");
  const auto listing = (*catalog)->Scan();
  ASSERT_TRUE(listing.ok());
  EXPECT_EQ(listing->pictures.size(), 3890u);
  EXPECT_TRUE(listing->problems.empty());
  const auto record =
      (*catalog)->Describe("00627a3f-0477-401c-95eb-92642cbe078d",
                           "images/00627a3f-0477-401c-95eb-92642cbe078d.jpg");
  EXPECT_EQ(record.category(), "Not sure");
  EXPECT_EQ(record.attributes().at("sender_id").number(), 94);
  EXPECT_FALSE(record.attributes().at("kids").flag());
}

}  // namespace
}  // namespace vitrine
