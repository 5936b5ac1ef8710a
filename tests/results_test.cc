#include "clients/eval/results.h"

#include <gtest/gtest.h>

#include <vector>

namespace vitrine::eval {
namespace {

// Two queries of A by one sender and one of B by another. Right at ranks:
// first of two, both of two, none of two.
struct Small {
  Small() {
    set.photos.resize(3);
    set.photos[2].group = 1;
    Task& task = set.tasks.emplace_back();
    task.name = "category";
    task.classes = {"A", "B"};
    task.label = {0, 0, 1};
    answers = {{0, 12, {}, {1, 0}}, {1, 12, {}, {1, 1}}, {2, 3, {}, {0, 0}}};
    figures = FiguresOf(set, task, answers, {1, 2}, true);
  }
  const Figure* Find(const char* label, bool many, Measure measure,
                     int k) const {
    for (const Figure& figure : figures) {
      if (figure.label == label && figure.many_relevant == many &&
          figure.measure == measure && figure.k == k) {
        return &figure;
      }
    }
    return nullptr;
  }

  EvalSet set;
  std::vector<QueryAnswer> answers;
  std::vector<Figure> figures;
};

TEST(FiguresOf, AveragesOverTheQueries) {
  const Small small;
  const Figure* figure = small.Find("", false, Measure::kPrecision, 2);
  ASSERT_NE(figure, nullptr);
  EXPECT_DOUBLE_EQ(figure->estimate.value, (0.5 + 1 + 0) / 3);
  EXPECT_EQ(figure->queries, 3);
  EXPECT_DOUBLE_EQ(
      small.Find("", false, Measure::kPrecision, 1)->estimate.value, 2 / 3.0);
  // 12, 12 and 3 relevant, of which 1, 2 and 0 are found.
  EXPECT_DOUBLE_EQ(small.Find("", false, Measure::kRecall, 2)->estimate.value,
                   (1 / 12.0 + 2 / 12.0) / 3);
}

TEST(FiguresOf, TellsQueriesWithManyRelevantApart) {
  const Small small;
  const Figure* figure = small.Find("", true, Measure::kPrecision, 2);
  EXPECT_DOUBLE_EQ(figure->estimate.value, 0.75);
  EXPECT_EQ(figure->queries, 2);
}

TEST(FiguresOf, GoesByClass) {
  const Small small;
  EXPECT_DOUBLE_EQ(
      small.Find("A", false, Measure::kPrecision, 2)->estimate.value, 0.75);
  EXPECT_DOUBLE_EQ(
      small.Find("B", false, Measure::kPrecision, 2)->estimate.value, 0);
  EXPECT_EQ(small.Find("B", false, Measure::kPrecision, 2)->queries, 1);
}

// One sender has 0.75 on average over two queries and the other 0 over one; a
// resample of senders has 0.75, 0.5 or 0.
TEST(FiguresOf, ResamplesSenders) {
  const Small small;
  const Figure* figure = small.Find("", false, Measure::kPrecision, 2);
  EXPECT_EQ(figure->estimate.low, 0);
  EXPECT_EQ(figure->estimate.high, 0.75);
}

TEST(TrainingOf, SaysWhatTheCardTells) {
  ExtractorResult extractor;
  EXPECT_EQ(TrainingOf(extractor), "not told by its card");
  extractor.trained_on = "2,912 photos";
  EXPECT_EQ(TrainingOf(extractor), "2,912 photos");
  extractor.origin = "random weights";
  EXPECT_EQ(TrainingOf(extractor), "random weights; 2,912 photos");
  extractor.trained_on.clear();
  EXPECT_EQ(TrainingOf(extractor), "random weights");
}

TEST(MainK, IsTenOrNear) {
  EXPECT_EQ(MainK({1, 5, 10, 20}), 10);
  EXPECT_EQ(MainK({1, 5}), 5);
  EXPECT_EQ(MainK({5, 20}), 5);
  EXPECT_EQ(MainK({20, 50}), 20);
}

}  // namespace
}  // namespace vitrine::eval
