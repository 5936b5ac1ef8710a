// The command line of a daemon: flags as people write them (--on-delete=keep),
// over absl's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace vitrine {

// Sets the flags that are defined in the program's main.cc. Accepts
// --name=value,
// --name value, --name and --no-name for switches, with '-' or '_' within a
// name; --flagfile=FILE stands for the file's lines, each such an argument with
// '=', empty, or a note that begins with '#'. INVALID_ARGUMENT, naming the
// right flag where one is near, for anything else. `help` and `version` are set
// where --help, -h or --version is given.
absl::Status ParseFlags(const std::vector<std::string>& arguments, bool* help,
                        bool* version);

// Flags by their dashed names, as --help shows them together.
struct FlagGroup {
  std::string_view title;
  std::vector<std::string_view> flags;
};

// `usage`, and the flags with what they mean and their defaults, by groups;
// those that are in none come last.
std::string FlagsHelp(std::string_view usage,
                      std::span<const FlagGroup> groups = {});

// What a flag, by its dashed name, goes with once it has another value than its
// default.
struct FlagRule {
  std::string_view flag;
  // Without any of these it does nothing; empty where it needs none.
  std::vector<std::string_view> needs_one_of;
  // What contradicts it.
  std::vector<std::string_view> excludes = {};
};

// INVALID_ARGUMENT, naming both flags, where those that are set break a rule.
absl::Status CheckFlagRules(std::span<const FlagRule> rules);

}  // namespace vitrine
