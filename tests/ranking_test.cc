#include "clients/eval/ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

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

}  // namespace
}  // namespace vitrine::eval
