// Conditions on products, as the command line writes them.
#pragma once

#include <string>
#include <vector>

#include "vitrine/v1/search.pb.h"

namespace vitrine::cli {

// "category=Shirt|Dress", "price<=50", "price>20", "season?" (is there), or any
// of them after a "!" (does not hold). A backslash takes its meaning from the
// character that follows. Throws CLI::ValidationError, whose text says what
// would be right.
v1::Filter ParseCondition(const std::string& text);

// "brand=Acme@1.5": a condition, and the factor by which what it holds of comes
// sooner or later. Throws as well.
v1::Boost ParseBoost(const std::string& text);

// A filter that holds where all of `conditions`, which are not empty, do.
v1::Filter AllOf(const std::vector<v1::Filter>& conditions);

}  // namespace vitrine::cli
