#include "clients/eval/self_retrieval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Spread, ChoosesEvenly) {
  EXPECT_THAT(Spread(10, 4), ElementsAre(0, 2, 5, 7));
  EXPECT_THAT(Spread(3, 10), ElementsAre(0, 1, 2));
  EXPECT_THAT(Spread(3, 0), IsEmpty());
}

// Four photos on a line at 0, 10, 20 and 20.
double Found(const std::vector<int>& photos, const std::vector<float>& at,
             const std::vector<bool>& usable = {true, true, true, true}) {
  EvalSet set;
  set.photos.resize(4);
  OtherViews views;
  views.vectors.usable.assign(photos.size(), true);
  views.photos = photos;
  return FoundFirst(set, usable, Rows(Metric::kManhattan, {0, 10, 20, 20}, 1),
                    views, at, 2)
      .value;
}

TEST(FoundFirst, IsTheShareNearestToTheirOwnPhoto) {
  EXPECT_EQ(Found({0, 1}, {4, 11}), 1);
  EXPECT_EQ(Found({0, 1}, {6, 11}), 0.5);
}

TEST(FoundFirst, TakesATieForNoFind) { EXPECT_EQ(Found({2}, {19}), 0); }

TEST(FoundFirst, PassesOverPhotosThatCannotBeRead) {
  EXPECT_EQ(Found({2}, {19}, {true, true, true, false}), 1);
  EXPECT_EQ(Found({0, 1}, {6, 11}, {false, true, true, true}), 1);
}

}  // namespace
}  // namespace vitrine::eval
