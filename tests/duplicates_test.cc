#include "indexer/duplicates.h"

#include <gtest/gtest.h>

#include "tests/indexer_world.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;

class Duplicates : public ::testing::Test {
 protected:
  // The products that the newest receipt of a picture warns of.
  std::string WarningOf(const std::string& path) {
    const nlohmann::json receipt = world_.ReceiptOf(path);
    if (!receipt.contains("warnings")) return "";
    std::string warnings;
    for (const auto& warning : receipt["warnings"]) {
      const std::string text = warning;
      if (text.starts_with("duplicate: ")) warnings += text;
    }
    return warnings;
  }
  void Once() {
    const absl::Status status = world_.Once();
    ASSERT_TRUE(status.ok()) << status;
  }

  IndexerWorld world_;
};

TEST_F(Duplicates, AreToldOfWithinOneImportAndLater) {
  world_.Put("a.jpg", 1);
  world_.Put("b.jpg", 1);
  world_.Put("c.jpg", 2);
  Once();
  EXPECT_EQ(WarningOf("a.jpg"),
            "duplicate: the very picture of product 'b'; is it the right one?");
  EXPECT_EQ(WarningOf("b.jpg"),
            "duplicate: the very picture of product 'a'; is it the right one?");
  EXPECT_EQ(WarningOf("c.jpg"), "");
  world_.Put("d.jpg", 2);
  Once();
  EXPECT_EQ(WarningOf("d.jpg"),
            "duplicate: the very picture of product 'c'; is it the right one?");
  // It is indexed all the same.
  EXPECT_EQ(world_.Products(), (std::set<std::string>{"a", "b", "c", "d"}));
}

TEST_F(Duplicates, AreNoneOfPicturesThatMoveOrAreGone) {
  world_.Put("a.jpg", 1);
  world_.Put("b.jpg", 2);
  Once();
  std::filesystem::rename(world_.catalog() / "a.jpg",
                          world_.catalog() / "moved.jpg");
  world_.Remove("b.jpg");
  Once();
  EXPECT_EQ(WarningOf("moved.jpg"), "");
  world_.Put("again.jpg", 2);
  Once();
  EXPECT_EQ(WarningOf("again.jpg"), "");
}

}  // namespace
}  // namespace vitrine
