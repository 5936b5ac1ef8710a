#include "indexer/receipt_recovery.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/indexer_world.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;

TEST(ReceiptRecovery, WritesWhatACrashHasKept) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  world.Put("c.jpg", 3);
  ASSERT_TRUE(world.Once().ok());
  const std::string before = testing::ReadAll(world.paths().receipts());
  world.Put("a.jpg", 10);
  world.Remove("b.jpg");
  world.Put("d.jpg", 4);
  world.Put("e.jpg", "no picture");
  ASSERT_TRUE(world.Once().ok());
  std::map<std::string, nlohmann::json> lost;
  for (const auto& receipt : world.Receipts()) lost[receipt["path"]] = receipt;
  // The generation was durable, its receipts were not.
  testing::WriteAll(world.paths().receipts(), before);
  ASSERT_TRUE(world.Once().ok());
  for (const char* path : {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"}) {
    const auto receipt = world.ReceiptOf(path);
    for (const char* field : {"outcome", "product_id", "sha256", "reason"}) {
      EXPECT_EQ(receipt.value(field, ""), lost[path].value(field, ""))
          << path << " " << field;
    }
  }
  EXPECT_EQ(world.Receipts().size(), 7u);
  // Once is enough.
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Receipts().size(), 7u);
}

TEST(ReceiptRecovery, CompletesAGenerationThatWasCutShort) {
  IndexerWorld world;
  world.Put("old.jpg", 100);
  ASSERT_TRUE(world.Once().ok());
  for (int i = 0; i < 9; ++i) world.Put(std::to_string(i) + ".jpg", i);
  ASSERT_TRUE(world.Once().ok());
  const std::string all = testing::ReadAll(world.paths().receipts());
  ASSERT_EQ(world.Receipts().size(), 10u);
  // The crash may have come in any line.
  size_t end = 0;
  for (int line = 0; line < 10; ++line) {
    const size_t begin = end;
    end = all.find('\n', begin) + 1;
    testing::WriteAll(world.paths().receipts(),
                      all.substr(0, (begin + end) / 2));
    ASSERT_TRUE(world.Once().ok());
    std::set<std::string> told;
    for (const auto& receipt : world.Receipts()) {
      EXPECT_TRUE(told.insert(receipt["path"]).second) << receipt;
      EXPECT_EQ(receipt["outcome"], "accepted");
    }
    EXPECT_EQ(told.size(), 10u) << "cut in line " << line;
  }
}

TEST(ReceiptRecovery, ComparesWithTheOldestGenerationThatIsKept) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  world.options().index.publisher.retention = {.generations = 1,
                                               .superseded_ms = 0};
  // Generations without receipts: that of the last one expires.
  const uint64_t last = world.ReceiptOf("a.jpg")["generation"];
  for (const char* title : {"one", "two", "three"}) {
    world.Write("a.json", R"({"title": ")" + std::string(title) + R"("})");
    ASSERT_TRUE(world.Once().ok());
  }
  ASSERT_GT(ListGenerations(world.paths())->front(), last);
  const std::string before = testing::ReadAll(world.paths().receipts());
  world.options().index.publisher.retention = {};
  world.Put("b.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  testing::WriteAll(world.paths().receipts(), before);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("b.jpg")["outcome"], "accepted");
  EXPECT_EQ(world.Receipts().size(), 2u);
}

TEST(ReceiptRecovery, KnowsTheFirstGenerationToo) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  testing::WriteAll(world.paths().receipts(), "");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("a.jpg")["outcome"], "accepted");
}

}  // namespace
}  // namespace vitrine
