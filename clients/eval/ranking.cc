#include "clients/eval/ranking.h"

#include <algorithm>

#include "common/base/thread_pool.h"

namespace vitrine::eval {
namespace {

QueryAnswer Rank(const EvalSet& set, const Task& task, int query,
                 const std::vector<float>& distances,
                 const RankingRules& rules) {
  QueryAnswer answer;
  answer.photo = query;
  std::vector<Hit> hits;
  for (int i = 0; i < static_cast<int>(distances.size()); ++i) {
    if (i == query || task.label[i] < 0 || !rules.usable[i]) continue;
    if (rules.cross_sender && set.photos[i].group == set.photos[query].group) {
      continue;
    }
    answer.relevant += task.label[i] == task.label[query];
    hits.push_back({i, distances[i]});
  }
  const size_t depth = std::min(hits.size(), static_cast<size_t>(rules.depth));
  std::partial_sort(hits.begin(), hits.begin() + static_cast<int64_t>(depth),
                    hits.end(), [](const Hit& a, const Hit& b) {
                      return a.distance != b.distance ? a.distance < b.distance
                                                      : a.photo < b.photo;
                    });
  hits.resize(depth);
  hits.shrink_to_fit();
  for (const Hit& hit : hits) {
    answer.right.push_back(task.label[hit.photo] == task.label[query]);
  }
  answer.hits = std::move(hits);
  return answer;
}

bool Asks(const EvalSet& set, const Task& task, const std::vector<bool>& usable,
          int photo) {
  return set.photos[photo].asks && usable[photo] && task.label[photo] >= 0;
}

}  // namespace

std::vector<int> AskersOf(const EvalSet& set, const std::vector<bool>& usable) {
  std::vector<int> askers;
  for (int i = 0; i < static_cast<int>(set.photos.size()); ++i) {
    if (std::any_of(set.tasks.begin(), set.tasks.end(), [&](const Task& task) {
          return Asks(set, task, usable, i);
        })) {
      askers.push_back(i);
    }
  }
  return askers;
}

std::vector<std::vector<QueryAnswer>> RankAll(const EvalSet& set,
                                              const Rows& rows,
                                              const RankingRules& rules) {
  const std::vector<int> queries = AskersOf(set, rules.usable);
  std::vector<std::vector<QueryAnswer>> by_query(queries.size());
  ParallelFor(static_cast<int>(queries.size()), rules.threads, [&](int q) {
    std::vector<float> distances(rows.n());
    rows.DistancesOf(queries[q], distances.data());
    by_query[q].resize(set.tasks.size());
    for (size_t t = 0; t < set.tasks.size(); ++t) {
      if (!Asks(set, set.tasks[t], rules.usable, queries[q])) continue;
      by_query[q][t] = Rank(set, set.tasks[t], queries[q], distances, rules);
    }
    if (rules.ranked) rules.ranked();
  });
  std::vector<std::vector<QueryAnswer>> answers(set.tasks.size());
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    for (size_t q = 0; q < queries.size(); ++q) {
      if (Asks(set, set.tasks[t], rules.usable, queries[q])) {
        answers[t].push_back(std::move(by_query[q][t]));
      }
    }
  }
  return answers;
}

}  // namespace vitrine::eval
