#include "clients/eval/ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "clients/eval/extractor.h"
#include "common/index/search.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;

// Photos on a line, at 0, 1, 2, … of classes and senders as given.
struct Line {
  explicit Line(const std::vector<int>& labels,
                const std::vector<int>& groups = {}) {
    Task& task = set.tasks.emplace_back();
    task.classes = {"A", "B"};
    task.label = labels;
    for (size_t i = 0; i < labels.size(); ++i) {
      Photo& photo = set.photos.emplace_back();
      photo.asks = true;
      photo.group = groups.empty() ? static_cast<int>(i) : groups[i];
    }
    usable.assign(labels.size(), true);
  }
  std::vector<QueryAnswer> Rank(int depth, bool cross_sender = false) {
    std::vector<float> places;
    for (size_t i = 0; i < set.photos.size(); ++i) {
      places.push_back(static_cast<float>(i));
    }
    return RankAll(set, Rows(Metric::kManhattan, places, 1),
                   {.usable = usable,
                    .cross_sender = cross_sender,
                    .depth = depth,
                    .threads = 2})[0];
  }

  EvalSet set;
  std::vector<bool> usable;
};

std::vector<int> PhotosOf(const QueryAnswer& answer) {
  std::vector<int> photos;
  for (const Hit& hit : answer.hits) photos.push_back(hit.photo);
  return photos;
}

TEST(RankAll, PutsTheNearestFirstAndNeverTheQuery) {
  const auto answers = Line({0, 1, 0, 0}).Rank(10);
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[3].photo, 3);
  EXPECT_THAT(PhotosOf(answers[3]), ElementsAre(2, 1, 0));
  EXPECT_THAT(answers[3].right, ElementsAre(1, 0, 1));
  EXPECT_EQ(answers[3].relevant, 2);
  EXPECT_FLOAT_EQ(answers[3].hits[2].distance, 3);
}

TEST(RankAll, BreaksTiesByTheOrderOfPhotos) {
  EXPECT_THAT(PhotosOf(Line({0, 0, 1}).Rank(10)[1]), ElementsAre(0, 2));
}

TEST(RankAll, StopsAtItsDepthButCountsAllRelevant) {
  const auto answers = Line({0, 0, 0, 0}).Rank(1);
  EXPECT_THAT(PhotosOf(answers[0]), ElementsAre(1));
  EXPECT_EQ(answers[0].relevant, 3);
}

TEST(RankAll, BarsTheQuerysSender) {
  Line line({0, 0, 1, 0}, {7, 7, 8, 9});
  const auto answers = line.Rank(10, /*cross_sender=*/true);
  EXPECT_THAT(PhotosOf(answers[0]), ElementsAre(2, 3));
  EXPECT_EQ(answers[0].relevant, 1);
  EXPECT_THAT(PhotosOf(answers[2]), ElementsAre(1, 3, 0));
}

TEST(RankAll, LeavesOutPhotosWithoutAClass) {
  const auto answers = Line({0, -1, 0}).Rank(10);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_THAT(PhotosOf(answers[0]), ElementsAre(2));
}

TEST(RankAll, LeavesOutPhotosThatCannotBeRead) {
  Line line({0, 0, 0});
  line.usable[1] = false;
  const auto answers = line.Rank(10);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_THAT(PhotosOf(answers[0]), ElementsAre(2));
}

TEST(RankAll, LetsOthersAnswerThanThoseThatAsk) {
  Line line({0, 0, 0});
  line.set.photos[0].asks = false;
  line.set.photos[2].asks = false;
  const auto answers = line.Rank(10);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_THAT(PhotosOf(answers[0]), ElementsAre(0, 2));
}

TEST(RankAll, TellsOfEachQueryOnce) {
  Line line({0, -1, 0, 1});
  std::atomic<int> told = 0;
  RankAll(line.set, Rows(Metric::kManhattan, {0, 1, 2, 3}, 1),
          {.usable = line.usable, .threads = 2, .ranked = [&told] { ++told; }});
  EXPECT_EQ(told, 3);
  EXPECT_THAT(AskersOf(line.set, line.usable), ElementsAre(0, 2, 3));
}

// Raw vectors of photos in clusters, as a model gives them; some photos are
// there twice.
Vectors DrawPhotos(int n) {
  constexpr int kClusters = 12;
  std::mt19937 random(3);
  std::normal_distribution<float> number;
  Vectors vectors;
  vectors.blocks = TestBlocks();
  const int dim = vectors.dim();
  std::vector<float> centres(static_cast<size_t>(kClusters) * dim);
  for (float& x : centres) x = number(random);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < dim; ++j) {
      vectors.raw.push_back(
          i % 8 == 7 ? vectors.raw[vectors.raw.size() - 3 * dim]
                     : 3 * centres[i % kClusters * dim + j] + number(random));
    }
  }
  vectors.usable.assign(n, true);
  return vectors;
}

// By cosine the evaluation and an index that is searched exactly answer alike,
// to the last place: they compare by the same kernel.
TEST(RankAll, OrdersAsTheIndexThatServes) {
  constexpr int kPhotos = 400, kDepth = 30;
  const Vectors vectors = DrawPhotos(kPhotos);
  const int dim = vectors.dim();

  Line line(std::vector<int>(kPhotos, 0));
  std::vector<Row> shards[2];
  std::map<std::string, int> photo_of;
  for (int i = 0; i < kPhotos; ++i) {
    Photo& photo = line.set.photos[i];
    photo.product_id = absl::StrFormat("p%05d", i);
    photo.path = photo.product_id + ".jpg";
    photo_of[photo.product_id] = i;
    std::vector<float> vector(&vectors.raw[static_cast<size_t>(i) * dim],
                              &vectors.raw[static_cast<size_t>(i) * dim] + dim);
    NormaliseBlocks(vectors.blocks, vector.data());
    shards[i % 2].push_back(MakeRow(photo.product_id, photo.path, vector));
  }
  TempDir dir;
  IndexBuilder builder(dir.path() / "index", vectors.blocks);
  for (const std::vector<Row>& rows : shards) ASSERT_OK(builder.AddShard(rows));
  ASSERT_OK(builder.Publish());
  std::string degraded;
  ASSERT_OK_AND_ASSIGN(
      const auto snapshot,
      Snapshot::OpenNewest(builder.paths(), nullptr, &degraded));

  const auto answers =
      RankAll(line.set,
              Rows(Metric::kCosine,
                   Scaled(vectors, BlockChoices(vectors.blocks).front(),
                          Normalise::kUnit),
                   dim, /*served=*/true),
              {.usable = line.usable, .depth = kDepth, .threads = 2})[0];
  ASSERT_EQ(answers.size(), static_cast<size_t>(kPhotos));
  int ties = 0;
  for (const QueryAnswer& answer : answers) {
    const Row& stored = shards[answer.photo % 2][answer.photo / 2];
    std::vector<float> query(dim);
    FloatsFromHalves(stored.vector.data(), dim, query.data());
    SearchParams params;
    params.k = kDepth;
    params.exact = true;
    params.group_by_product = false;
    params.excluded_products.insert(stored.product_id);
    ASSERT_OK_AND_ASSIGN(const SearchResult found,
                         Search(*snapshot, query, params));
    std::vector<int> served;
    for (const SearchHit& hit : found.hits) {
      served.push_back(photo_of[std::string(hit.key().product_id)]);
    }
    EXPECT_EQ(PhotosOf(answer), served) << "query " << answer.photo;
    for (size_t i = 0; i < found.hits.size(); ++i) {
      EXPECT_EQ(answer.hits[i].distance, found.hits[i].distance);
      ties += i > 0 && found.hits[i].distance == found.hits[i - 1].distance;
    }
  }
  EXPECT_GT(ties, kPhotos);
}

}  // namespace
}  // namespace vitrine::eval
