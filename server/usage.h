// What `vitrine-server --help` says, and which of its flags go together.
#pragma once

#include <span>

#include "common/flags/command_line.h"

namespace vitrine {

extern const char kUsage[];

std::span<const FlagGroup> HelpGroups();
std::span<const FlagRule> FlagRules();

}  // namespace vitrine
