#include "indexer/retention.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

storage::Manifest Generation(uint64_t number, int64_t published_ms,
                             const std::vector<std::string>& shards) {
  storage::Manifest manifest;
  manifest.set_generation(number);
  manifest.set_published_unix_ms(published_ms);
  storage::VectorSet* set = manifest.add_vector_sets();
  set->set_model("m");
  for (const std::string& shard : shards) {
    set->add_shards()->mutable_file()->set_name(shard);
  }
  return manifest;
}

TEST(FilesOf, NamesEveryKindOfFile) {
  storage::Manifest manifest = Generation(1, 0, {"s"});
  manifest.mutable_vector_sets(0)
      ->mutable_shards(0)
      ->mutable_deletions()
      ->set_name("s-1");
  manifest.add_product_segments()->set_name("p");
  manifest.add_picture_packs()->set_name("k");
  manifest.add_source_segments()->set_name("q");
  EXPECT_EQ(FilesOf(manifest), (std::vector<std::string>{
                                   "models/m.pt", "shards/s", "deletions/s-1",
                                   "products/p", "pictures/k", "sources/q"}));
}

TEST(Retention, KeepsWhatIsYoungOrAmongTheNewest) {
  Retention retention({.generations = 3, .superseded_ms = 1000});
  retention.Add(Generation(1, 0, {"a"}));
  retention.Add(Generation(2, 10, {"a", "b"}));
  retention.Add(Generation(3, 20, {"b", "c"}));
  // Old, but among the newest three.
  EXPECT_TRUE(retention.Expire(1'000'000).generations.empty());
  retention.Add(Generation(4, 1'000'000, {"c"}));
  // Generation 1 was superseded at 10.
  EXPECT_TRUE(retention.Expire(1009).generations.empty());
  const Retention::Removal removal = retention.Expire(1010);
  EXPECT_EQ(removal.generations, std::vector<uint64_t>{1});
  // The younger generation still needs shard a.
  EXPECT_TRUE(removal.files.empty());
  EXPECT_TRUE(retention.IsNamed("shards/a"));
}

TEST(Retention, RemovesAFileWithTheLastGenerationThatNamesIt) {
  Retention retention({.generations = 1, .superseded_ms = 0});
  retention.Add(Generation(1, 0, {"a"}));
  retention.Add(Generation(2, 0, {"a", "b"}));
  retention.Add(Generation(5, 0, {"b"}));
  const Retention::Removal removal = retention.Expire(0);
  EXPECT_EQ(removal.generations, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(removal.files, std::vector<std::string>{"shards/a"});
  EXPECT_FALSE(retention.IsNamed("shards/a"));
  EXPECT_TRUE(retention.IsNamed("shards/b"));
  EXPECT_TRUE(retention.IsNamed("models/m.pt"));
}

TEST(Retention, CountsFromWhenAGenerationWasSuperseded) {
  // A quiet catalogue: generation 1 served for days, until a moment ago.
  Retention retention({.generations = 1, .superseded_ms = 1000});
  retention.Add(Generation(1, 0, {"a"}));
  retention.Add(Generation(2, 500'000, {"b"}));
  EXPECT_TRUE(retention.Expire(500'999).generations.empty());
  EXPECT_EQ(retention.Expire(501'000).generations, std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace vitrine
