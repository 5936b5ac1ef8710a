#include "indexer/problem_summary.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "indexer/console.h"

namespace vitrine {

std::vector<std::string> SummariseProblems(const CatalogProblems& problems,
                                           size_t max_of_kind) {
  std::map<ProblemKind, std::vector<const CatalogProblem*>> by_kind;
  for (const CatalogProblem& problem : problems) {
    by_kind[problem.kind].push_back(&problem);
  }
  std::vector<std::string> lines;
  for (const auto& [kind, all] : by_kind) {
    for (size_t i = 0; i < all.size() && i < max_of_kind; ++i) {
      lines.push_back(all[i]->message);
    }
    if (all.size() > max_of_kind) {
      const std::string name =
          absl::StrReplaceAll(std::string(ProblemKindName(kind)), {{"_", " "}});
      lines.push_back(absl::StrCat(
          "… and ",
          WithThousands(static_cast<int64_t>(all.size() - max_of_kind)),
          " more of this kind (", name,
          "); `vitrine check --format=json` lists all"));
    }
  }
  return lines;
}

}  // namespace vitrine
