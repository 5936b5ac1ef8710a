// Copies an index while it is written and served.
#pragma once

#include "clients/cli/verbs.h"

namespace vitrine::cli {

int Backup(const Flags& flags, const Environment& environment);

}  // namespace vitrine::cli
