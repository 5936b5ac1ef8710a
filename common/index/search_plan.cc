#include "common/index/search_plan.h"

#include <algorithm>

namespace vitrine {

std::optional<GraphView::WalkParams> PlanFilteredWalk(int ef, uint32_t matching,
                                                      uint32_t rows) {
  // What a walk costs for each row that it is to find, in distances by codes: a
  // plain one meets as many others as fail the filter; one that steps over them
  // reads their links.
  constexpr int64_t kPlain = 16;
  constexpr int64_t kTwoHops = 100;
  const int64_t plain = kPlain * ef * rows / std::max(matching, 1u);
  const int64_t two_hops = kTwoHops * ef;
  const int64_t cost = std::min(plain, two_hops);
  if (2 * cost >= matching) return std::nullopt;
  GraphView::WalkParams walk;
  walk.ef = ef;
  walk.two_hops = two_hops < plain;
  // A walk that goes astray costs a part of a scan more than the scan.
  walk.most_distances = std::min<int64_t>(3 * cost, matching / 2);
  // Where the rows that pass lie far from the query it finds few at first.
  walk.most_until_full = cost / 2;
  return walk;
}

}  // namespace vitrine
