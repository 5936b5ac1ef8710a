#include "indexer/index_changes.h"

#include <gtest/gtest.h>

#include "tests/indexing_test_util.h"

namespace vitrine {
namespace {

using testing::MakeRow;
using testing::TestIndex;

TEST(ChangeSet, SeesItsOwnChangesBeforeTheIndex) {
  TestIndex index;
  index.Put("p", "1", "red");
  ChangeSet changes = index.Changes();
  changes.PutImage(MakeRow("p", "0", "blue"), "");
  const auto product = changes.FindProduct("p");
  ASSERT_TRUE(product);
  ASSERT_EQ(product->images_size(), 2);
  EXPECT_EQ(product->images(0).key(), "0");
  EXPECT_EQ(product->images(1).key(), "1");
  EXPECT_EQ(changes.FindVector("p", "0"), testing::FakeVector("blue"));
  EXPECT_EQ(changes.FindVector("p", "1"), testing::FakeVector("red"));
  changes.RemoveImage("p", "1");
  EXPECT_TRUE(changes.FindVector("p", "1").empty());
  changes.RemoveImage("p", "0");
  EXPECT_FALSE(changes.FindProduct("p"));
}

TEST(ChangeSet, DescribesOnlyWhatHasPictures) {
  TestIndex index;
  index.Put("p", "1", "red");
  ChangeSet changes = index.Changes();
  storage::ProductRecord description;
  description.set_title("A red dress");
  EXPECT_FALSE(changes.Describe("q", description));
  EXPECT_TRUE(changes.Describe("p", description));
  EXPECT_FALSE(changes.Describe("p", description));
  EXPECT_EQ(changes.FindProduct("p")->images_size(), 1);
  EXPECT_EQ(changes.rows(), 0u);
  index.Publish(changes);
  EXPECT_EQ(index.publisher()->view().snapshot->FindProduct("p")->title(),
            "A red dress");
  EXPECT_FALSE(index.Changes().Describe("p", description));
}

TEST(ChangeSet, MovesAPictureToAnotherProduct) {
  TestIndex index;
  index.Put("p", "1", "red");
  ChangeSet changes = index.Changes();
  Row row = MakeRow("q", "1", "red");
  row.vector = changes.FindVector("p", "1");
  changes.RemoveImage("p", "1");
  changes.PutImage(std::move(row), "");
  index.Publish(changes);
  EXPECT_EQ(
      testing::ContentOnDisk(index.paths()),
      (std::map<std::string, std::string>{{"q/1", ToHex(Sha256("red"))}}));
}

TEST(ChangeSet, ForgetsNothingOfAPictureThatCameAndWent) {
  TestIndex index;
  ChangeSet changes = index.Changes();
  changes.PutImage(MakeRow("p", "1", "red"), "");
  changes.RemoveImage("p", "1");
  changes.RemoveImage("p", "never there");
  index.Publish(changes);
  EXPECT_TRUE(testing::ContentOnDisk(index.paths()).empty());
}

}  // namespace
}  // namespace vitrine
