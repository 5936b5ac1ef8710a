#include "common/index/filter_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace vitrine {
namespace {

// A filter of one shard with 8 KiB of bits.
std::shared_ptr<const RowFilter> MakeFilter() {
  auto filter = std::make_shared<RowFilter>();
  filter->Add(Bitmap(1 << 16));
  return filter;
}

TEST(FilterCache, LetsGoWhatWasNotAskedForLongest) {
  FilterCache cache(3 * 9'000);
  for (const char* key : {"a", "b", "c"}) cache.Put(key, MakeFilter());
  EXPECT_LE(cache.bytes(), 3u * 9'000);
  EXPECT_GT(cache.bytes(), 3u * 8'192);
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Put("d", MakeFilter());
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
  EXPECT_NE(cache.Find("d"), nullptr);
  EXPECT_LE(cache.bytes(), 3u * 9'000);
}

TEST(FilterCache, KeepsTheFirstOfAKey) {
  FilterCache cache;
  const auto first = cache.Put("a", MakeFilter());
  const size_t bytes = cache.bytes();
  EXPECT_EQ(cache.Put("a", MakeFilter()), first);
  EXPECT_EQ(cache.Find("a"), first);
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST(FilterCache, KeepsNothingThatIsLargerThanItself) {
  FilterCache cache(4'000);
  EXPECT_NE(cache.Put("a", MakeFilter()), nullptr);
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(FilterCache, CountsKeysToo) {
  FilterCache cache(30'000);
  cache.Put("a", MakeFilter());
  cache.Put(std::string(20'000, 'b'), MakeFilter());
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_LE(cache.bytes(), 30'000u);
}

}  // namespace
}  // namespace vitrine
