// The problems of a catalogue, as few lines.
#pragma once

#include <string>
#include <vector>

#include "common/catalog/problem.h"

namespace vitrine {

// The first `max_of_kind` messages of each kind, and how many more there are.
std::vector<std::string> SummariseProblems(const CatalogProblems& problems,
                                           size_t max_of_kind = 5);

}  // namespace vitrine
