#include "common/base/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Catalogues are cut by it: these numbers hold for ever.
TEST(Partition, NeverChangesWhereAProductBelongs) {
  EXPECT_EQ(PartitionOf("", 1000), 138u);
  EXPECT_EQ(PartitionOf("a", 1000), 719u);
  EXPECT_EQ(PartitionOf("coat-17", 1000), 627u);
  EXPECT_EQ(PartitionOf("1163", 3), 1u);
  EXPECT_EQ(PartitionOf("images/kleid grün.jpg", 1024), 857u);
  EXPECT_EQ(PartitionOf(std::string(1024, 'x'), 7), 0u);
}

TEST(Partition, CutsEvenly) {
  std::map<uint32_t, int> counts;
  for (int i = 0; i < 30'000; ++i)
    ++counts[PartitionOf("product " + std::to_string(i), 3)];
  ASSERT_EQ(counts.size(), 3u);
  for (const auto& [number, count] : counts) EXPECT_NEAR(count, 10'000, 400);
}

TEST(Partition, EachProductIsInOneOfThem) {
  for (int i = 0; i < 100; ++i) {
    const std::string id = std::to_string(i);
    int in = 0;
    for (uint32_t number = 0; number < 5; ++number)
      in += Partition{number, 5}.Has(id);
    EXPECT_EQ(in, 1);
    EXPECT_TRUE(Partition().Has(id));
  }
}

TEST(Partition, ReadsWhatPeopleWrite) {
  EXPECT_THAT(*ParsePartitions("0/3"), ElementsAre(Partition{0, 3}));
  EXPECT_THAT(*ParsePartitions("2,0/3"),
              ElementsAre(Partition{2, 3}, Partition{0, 3}));
  EXPECT_THAT(*ParsePartitions("all/2"),
              ElementsAre(Partition{0, 2}, Partition{1, 2}));
  EXPECT_EQ(ParsePartitions("1/3")->front().Name(), "1/3");
  for (const char* wrong : {"", "3", "3/3", "-1/3", "0/0", "0/1025", "a/3",
                            "0/b", "0,0/3", "0,/3", "0/3/4", " 0/3", "0/3 "}) {
    const auto read = ParsePartitions(wrong);
    ASSERT_FALSE(read.ok()) << wrong;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("0/3"))
        << wrong;
  }
}

TEST(Partition, FillsItsNumberIn) {
  EXPECT_EQ(FillPartition("a/{partition}/b-{partition}", {2, 3}), "a/2/b-2");
  EXPECT_EQ(FillPartition("a", {2, 3}), "a");
  EXPECT_TRUE(HasPartitionPlace("x{partition}"));
  EXPECT_FALSE(HasPartitionPlace("x{}"));
}

}  // namespace
}  // namespace vitrine
