// What an index says of what it was made with.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "clients/eval/eval_options.h"

namespace vitrine::eval {

// Adds the models of the index's newest generation to those that are evaluated:
// the one that serves, and the one that is to serve or did before. Its
// catalogue is taken where the options name none. NOT_FOUND where there is no
// index.
absl::Status TakeFromIndex(const std::filesystem::path& index,
                           EvalOptions* options);

}  // namespace vitrine::eval
