#include "clients/eval/report_sheets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Queries 0 … 5 of classes A A B B A C that got so many of four right; the
// last can have no right answer.
struct Ranked {
  Ranked() {
    task.classes = {"A", "B", "C"};
    task.label = {0, 0, 1, 1, 0, 2};
    const int right[] = {4, 3, 2, 1, 0, 0};
    for (int i = 0; i < 6; ++i) {
      QueryAnswer& answer = answers.emplace_back();
      answer.photo = i;
      answer.relevant = i == 5 ? 0 : 9;
      for (int rank = 0; rank < 4; ++rank) {
        answer.right.push_back(rank < right[i]);
      }
    }
  }
  static std::vector<int> Photos(
      const std::vector<const QueryAnswer*>& chosen) {
    std::vector<int> photos;
    for (const QueryAnswer* answer : chosen) photos.push_back(answer->photo);
    return photos;
  }

  Task task;
  std::vector<QueryAnswer> answers;
};

TEST(Extremes, AreOfDifferentClassesFirst) {
  const Ranked r;
  EXPECT_THAT(r.Photos(Extremes(r.task, r.answers, 4, 2, true)),
              ElementsAre(0, 2));
  EXPECT_THAT(r.Photos(Extremes(r.task, r.answers, 4, 3, true)),
              ElementsAre(0, 2, 1));
  EXPECT_THAT(r.Photos(Extremes(r.task, r.answers, 4, 2, false)),
              ElementsAre(4, 3));
}

TEST(Extremes, PreferAllOfFewRightAnswersToSomeOfMany) {
  Ranked r;
  r.answers[3].relevant = 1;  // Its only right answer comes first.
  EXPECT_THAT(r.Photos(Extremes(r.task, r.answers, 4, 2, true)),
              ElementsAre(0, 3));
  EXPECT_THAT(r.Photos(Extremes(r.task, r.answers, 4, 1, false)),
              ElementsAre(4));
}

TEST(Extremes, LeaveOutQueriesWithoutARightAnswer) {
  const Ranked r;
  EXPECT_EQ(Extremes(r.task, r.answers, 4, 9, false).size(), 5u);
}

TEST(Typical, StepThroughTheOrder) {
  const Ranked r;
  const auto chosen = Typical(r.task, r.answers, 4, 2);
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_NE(r.task.label[chosen[0]->photo], r.task.label[chosen[1]->photo]);
  EXPECT_THAT(Typical(r.task, {}, 4, 3), IsEmpty());
}

}  // namespace
}  // namespace vitrine::eval
