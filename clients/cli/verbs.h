// What each verb does, from its flags to its exit status.
#pragma once

#include <ostream>
#include <string>

#include "clients/cli/flags.h"
#include "clients/cli/progress.h"

namespace vitrine::cli {

// What surrounds a run; the streams must outlive it.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  int standard_input = 0;
  std::string pictures_program;
  Progress::Mode progress = Progress::Mode::kOff;
};

// Answers go to `out` as they come, errors to `err`. kOk, or kFailed where any
// request failed.
int Run(const Flags& flags, const Environment& environment);

}  // namespace vitrine::cli
