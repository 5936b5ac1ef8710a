#include "common/index/filter.h"

#include <cmath>
#include <limits>

#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

v1::Filter Exists(const std::string& attribute) {
  v1::Filter filter;
  filter.mutable_condition()->set_attribute(attribute);
  filter.mutable_condition()->set_exists(true);
  return filter;
}

v1::Filter NestedTo(int depth) {
  v1::Filter filter = Exists("colour");
  for (int level = 1; level < depth; ++level) {
    v1::Filter outer;
    *outer.mutable_all()->add_filters() = std::move(filter);
    filter = std::move(outer);
  }
  return filter;
}

TEST(CheckFilter, AllowsUpToItsLimits) {
  EXPECT_OK(CheckFilter(NestedTo(kMaxFilterDepth), "filter"));
  const auto deep = CheckFilter(NestedTo(kMaxFilterDepth + 1), "filter");
  EXPECT_STATUS(deep, absl::StatusCode::kInvalidArgument,
                "is nested 9 levels deep; right is at most 8");
  EXPECT_EQ(ErrorOf(deep).limit(), 8);

  v1::Filter many;
  for (int i = 0; i < kMaxFilterConditions; ++i) {
    *many.mutable_any()->add_filters() = Exists("colour");
  }
  EXPECT_OK(CheckFilter(many, "filter"));
  *many.mutable_any()->add_filters() = Exists("colour");
  EXPECT_STATUS(CheckFilter(many, "filter"), absl::StatusCode::kInvalidArgument,
                "filter.any.filters[256].condition is condition 257");

  v1::Filter values;
  for (int i = 0; i < 2; ++i) {
    auto* condition = values.mutable_none()->add_filters()->mutable_condition();
    condition->set_attribute("colour");
    for (int v = 0; v < kMaxFilterValues / 2; ++v) {
      condition->mutable_any_of()->add_values("red");
    }
  }
  EXPECT_OK(CheckFilter(values, "filter"));
  values.mutable_none()
      ->mutable_filters(1)
      ->mutable_condition()
      ->mutable_any_of()
      ->add_values("red");
  EXPECT_STATUS(CheckFilter(values, "filter"),
                absl::StatusCode::kInvalidArgument,
                "brings the filter to 10001 values; right is at most 10000");
}

TEST(CheckFilter, AllowsOpenAndInfiniteRanges) {
  v1::Filter filter;
  filter.mutable_condition()->set_attribute("price");
  auto* range = filter.mutable_condition()->mutable_range();
  EXPECT_OK(CheckFilter(filter, "filter"));
  range->set_min(-std::numeric_limits<double>::infinity());
  range->set_max(-std::numeric_limits<double>::infinity());
  EXPECT_OK(CheckFilter(filter, "filter"));
}

TEST(NumberText, IsShortAndReadsBack) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(-0.0), "0");
  EXPECT_EQ(NumberText(1e6), "1000000");
  EXPECT_EQ(NumberText(19.99), "19.99");
  EXPECT_EQ(NumberText(-2.5), "-2.5");
  EXPECT_EQ(NumberText(1.0 / 3), "0.3333333333333333");
}

}  // namespace
}  // namespace vitrine
