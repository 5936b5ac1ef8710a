// The command line of a daemon: flags as people write them (--on-delete=keep),
// over absl's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace vitrine {

// Sets the flags that are defined in the program's main.cc. Accepts
// --name=value,
// --name value, --name and --no-name for switches, with '-' or '_' within a
// name. INVALID_ARGUMENT, naming the right flag where one is near, for anything
// else. `help` and `version` are set where --help, -h or --version is given.
absl::Status ParseFlags(const std::vector<std::string>& arguments, bool* help,
                        bool* version);

// `usage` and a list of the flags with what they mean and their defaults.
std::string FlagsHelp(std::string_view usage);

}  // namespace vitrine
