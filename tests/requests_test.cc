#include "clients/cli/requests.h"

#include <gtest/gtest.h>

#include "tests/test_util.h"

namespace vitrine::cli {
namespace {

using testing::TempDir;
using testing::WriteAll;

TEST(SearchRequest, LeavesUnsetWhatWasNotAskedFor) {
  v1::SearchRequest request = MakeSearchRequest(Flags(), v1::Example(), {});
  request.clear_fields();
  EXPECT_EQ(request.ByteSizeLong(), 0u) << request.ShortDebugString();
}

TEST(SearchRequest, CarriesEveryFlag) {
  Flags flags;
  flags.k = 0;  // Wrong, and for the server to say so.
  flags.offset = 3;
  flags.min_score = 0.25f;
  flags.group = false;
  flags.exclude_query = true;
  flags.exclude = {"7", "8"};
  flags.metric = "manhattan";
  flags.exact = true;
  flags.ef = 64;
  flags.emphasis = {{"colour", 2}};
  flags.collapse = true;
  flags.max_per = {{"brand", 2}};
  flags.boosts.emplace_back().set_factor(0.5f);
  flags.min_recall = 0.98;
  flags.filters.emplace_back().mutable_condition()->set_attribute("price");
  flags.facets = {"season", "brand"};
  flags.min_generation = 9;
  flags.required_model = "abcdef01";
  flags.return_vectors = true;
  flags.sheet = "a.png";
  v1::Example own, minus;
  own.set_product_id("1");
  minus.set_product_id("2");
  minus.set_weight(-0.5f);
  v1::SearchRequest request = MakeSearchRequest(flags, own, {minus});
  ASSERT_EQ(request.examples_size(), 2);
  EXPECT_EQ(request.examples(0).product_id(), "1");
  EXPECT_FALSE(request.examples(0).has_weight());
  EXPECT_EQ(request.examples(1).weight(), -0.5f);
  EXPECT_TRUE(request.has_k());
  EXPECT_EQ(request.offset(), 3);
  EXPECT_EQ(request.min_score(), 0.25f);
  EXPECT_TRUE(request.has_group_by_product() && !request.group_by_product());
  EXPECT_TRUE(request.exclude_query_products());
  EXPECT_EQ(request.exclude_product_ids_size(), 2);
  EXPECT_EQ(request.metric(), v1::METRIC_MANHATTAN);
  EXPECT_TRUE(request.exact());
  EXPECT_EQ(request.ef(), 64);
  EXPECT_EQ(request.emphasis(0).block(), "colour");
  EXPECT_TRUE(request.collapse_near_duplicates());
  ASSERT_EQ(request.diversity_size(), 1);
  EXPECT_EQ(request.diversity(0).attribute(), "brand");
  EXPECT_EQ(request.diversity(0).limit(), 2);
  ASSERT_EQ(request.boosts_size(), 1);
  EXPECT_EQ(request.boosts(0).factor(), 0.5f);
  EXPECT_EQ(request.min_recall(), 0.98);
  EXPECT_EQ(request.filter().condition().attribute(), "price");
  ASSERT_EQ(request.facets_size(), 2);
  EXPECT_EQ(request.facets(1), "brand");
  EXPECT_EQ(request.min_generation(), 9u);
  EXPECT_EQ(request.required_model(), "abcdef01");
  EXPECT_TRUE(request.fields().vector());
  EXPECT_TRUE(request.fields().thumbnail());
}

TEST(RecommendRequest, CarriesEveryFlag) {
  Flags flags;
  flags.category = "Dress";
  flags.k_similar = 4;
  flags.k_per_slot = 2;
  flags.exclude = {"7"};
  flags.min_confidence = 0.3f;
  flags.slots = {"shoes"};
  flags.max_per = {{"brand", 1}};
  flags.boosts.emplace_back().set_factor(1.5f);
  flags.filters.emplace_back().mutable_condition()->set_attribute("price");
  v1::Example own;
  own.set_product_id("1");
  v1::RecommendRequest request = MakeRecommendRequest(flags, own);
  EXPECT_EQ(request.product_id(), "1");
  EXPECT_EQ(request.category(), "Dress");
  EXPECT_EQ(request.k_similar(), 4);
  EXPECT_EQ(request.k_per_slot(), 2);
  EXPECT_EQ(request.exclude_product_ids(0), "7");
  EXPECT_EQ(request.min_confidence(), 0.3f);
  EXPECT_EQ(request.slots(0), "shoes");
  ASSERT_EQ(request.diversity_size(), 1);
  EXPECT_EQ(request.diversity(0).attribute(), "brand");
  EXPECT_EQ(request.diversity(0).limit(), 1);
  ASSERT_EQ(request.boosts_size(), 1);
  EXPECT_EQ(request.boosts(0).factor(), 1.5f);
  EXPECT_EQ(request.filter().condition().attribute(), "price");
  EXPECT_FALSE(request.fields().thumbnail());
}

TEST(LoadExample, ReadsThePictureAndItsRegion) {
  TempDir dir;
  WriteAll(dir / "a.jpg", "bytes");
  Flags flags;
  flags.region = Region{0, 0.5f, 1, 1};
  Query query;
  query.label = (dir / "a.jpg").string();
  auto example = LoadExample(flags, query);
  ASSERT_TRUE(example.ok()) << example.status();
  EXPECT_EQ(example->image().content(), "bytes");
  EXPECT_EQ(example->image().region().y0(), 0.5f);
}

TEST(LoadExample, RefusesAHugeFileUnread) {
  TempDir dir;
  WriteAll(dir / "a.jpg", "");
  std::filesystem::resize_file(dir / "a.jpg", uint64_t{1} << 40);  // Sparse.
  Query query;
  query.label = (dir / "a.jpg").string();
  auto example = LoadExample(Flags(), query);
  EXPECT_EQ(example.status().code(), absl::StatusCode::kInvalidArgument);
  std::string message(example.status().message());
  EXPECT_NE(message.find("1,099,511,627,776"), std::string::npos) << message;
  EXPECT_NE(message.find("32,000,000"), std::string::npos) << message;
}

// Batches of the sizes of their pictures, in megabytes.
std::vector<std::vector<int>> BatchesOf(const std::vector<int>& megabytes,
                                        int max_queries) {
  TempDir dir;
  Flags flags;
  for (size_t i = 0; i < megabytes.size(); ++i) {
    std::filesystem::path path = dir / (std::to_string(i) + ".jpg");
    WriteAll(path, "");
    std::filesystem::resize_file(path, static_cast<uint64_t>(megabytes[i])
                                           << 20);
    flags.images.push_back(path.string());
  }
  auto source = QuerySource::Open(flags, -1);
  BatchReader reader(flags, source->get(), max_queries, 0);
  std::vector<std::vector<int>> batches;
  for (;;) {
    std::vector<LoadedQuery> batch = reader.Next();
    if (batch.empty()) return batches;
    std::vector<int>& sizes = batches.emplace_back();
    for (const LoadedQuery& loaded : batch) {
      EXPECT_FALSE(loaded.error);
      sizes.push_back(
          static_cast<int>(loaded.example.image().content().size() >> 20));
    }
  }
}

TEST(BatchReader, CutsByNumberAndByBytes) {
  using Batches = std::vector<std::vector<int>>;
  EXPECT_EQ(BatchesOf({1, 1, 1, 1, 1}, 2), (Batches{{1, 1}, {1, 1}, {1}}));
  EXPECT_EQ(BatchesOf({20, 15, 30, 38, 1}, 8),
            (Batches{{20, 15}, {30}, {38, 1}}));
}

TEST(BatchReader, GoesOnAfterAFileThatCannotBeRead) {
  TempDir dir;
  WriteAll(dir / "b.jpg", "x");
  Flags flags;
  flags.images = {(dir / "a.jpg").string(), (dir / "b.jpg").string()};
  auto source = QuerySource::Open(flags, -1);
  std::vector<LoadedQuery> batch =
      BatchReader(flags, source->get(), 8, 0).Next();
  ASSERT_EQ(batch.size(), 2u);
  ASSERT_TRUE(batch[0].error);
  EXPECT_EQ(batch[0].error->reason(), v1::ERROR_REASON_IMAGE_UNREADABLE);
  EXPECT_FALSE(batch[1].error);
}

}  // namespace
}  // namespace vitrine::cli
