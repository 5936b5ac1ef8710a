// The answers to every query of an evaluation set.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "clients/eval/distance.h"
#include "clients/eval/eval_set.h"

namespace vitrine::eval {

struct Hit {
  int photo = 0;
  float distance = 0;
};

// What one query got.
struct QueryAnswer {
  int photo = 0;               // the query
  int64_t relevant = 0;        // right answers in the gallery
  std::vector<Hit> hits;       // nearest first; ties by the photos' order
  std::vector<uint8_t> right;  // of each hit
};

// Who may answer: `usable` photos that have a class, but never the query
// itself, nor with `cross_sender` a photo of its sender.
struct RankingRules {
  const std::vector<bool>& usable;
  bool cross_sender = false;
  int depth = 10;  // hits a query
  int threads = 1;
  // Called after each query, from `threads` threads; may be empty.
  std::function<void()> ranked = {};
};

// The photos that ask some task: those of the split that are usable and have a
// class.
std::vector<int> AskersOf(const EvalSet& set, const std::vector<bool>& usable);

// answers[t] are those of task t, in the order of the photos that ask it. Row i
// of `rows` is photo i of the set.
std::vector<std::vector<QueryAnswer>> RankAll(const EvalSet& set,
                                              const Rows& rows,
                                              const RankingRules& rules);

}  // namespace vitrine::eval
