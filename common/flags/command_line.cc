#include "common/flags/command_line.h"

#include <algorithm>
#include <map>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr size_t kWidth = 78;

using FlagsByName = std::map<std::string, absl::CommandLineFlag*>;

std::string Dashed(std::string_view name) {
  return absl::StrReplaceAll(absl::string_view(name.data(), name.size()),
                             {{"_", "-"}});
}

// The flags of main.cc by their dashed names; libraries have flags too.
FlagsByName OwnFlags() {
  FlagsByName flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    const std::string file = flag->Filename();
    const size_t slash = file.rfind('/');
    const std::string base =
        slash == std::string::npos ? file : file.substr(slash + 1);
    if (base == "main.cc" || base.ends_with("_test.cc")) {
      flags[Dashed(std::string_view(name.data(), name.size()))] = flag;
    }
  }
  return flags;
}

// Levenshtein's distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

absl::Status Unknown(std::string_view name, const FlagsByName& flags) {
  std::string nearest;
  size_t least = 1 + name.size() / 3;
  for (const auto& [known, flag] : flags) {
    const size_t distance = EditDistance(name, known);
    if (distance <= least) {
      least = distance;
      nearest = known;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no flag --", std::string(name),
      nearest.empty() ? "; see --help"
                      : absl::StrCat("; did you mean --", nearest, "?")));
}

void AppendFlag(const std::string& name, const absl::CommandLineFlag& flag,
                std::string* text) {
  const std::string value = flag.DefaultValue();
  absl::StrAppend(text, "  --", name);
  if (!flag.IsOfType<bool>()) {
    absl::StrAppend(text, "=", value.empty() ? "…" : value);
  }
  std::string line = "\n     ";
  for (const absl::string_view word : absl::StrSplit(flag.Help(), ' ')) {
    if (line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(text, line);
      line = "\n     ";
    }
    absl::StrAppend(&line, " ", word);
  }
  absl::StrAppend(text, line, "\n");
}

constexpr size_t kMostFlagFileBytes = 1 << 20;

// Arguments one after the other.
class Parser {
 public:
  Parser(bool* help, bool* version) : help_(help), version_(version) {
    *help_ = *version_ = false;
  }

  absl::Status Take(const std::vector<std::string>& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      const std::string* next =
          i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
      bool took_next = false;
      VITRINE_RETURN_IF_ERROR(TakeOne(argument, next, &took_next));
      if (took_next) ++i;
    }
    return absl::OkStatus();
  }

 private:
  // `next` is the argument after it, which may be its value; may be null.
  absl::Status TakeOne(const std::string& argument, const std::string* next,
                       bool* took_next) {
    if (argument == "-h" || argument == "--help") {
      *help_ = true;
      return absl::OkStatus();
    }
    if (argument == "--version") {
      *version_ = true;
      return absl::OkStatus();
    }
    if (!argument.starts_with("--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", argument, "\" is no flag; see --help"));
    }
    const size_t equals = argument.find('=');
    const std::string name =
        Dashed(std::string_view(argument).substr(2, equals - 2));
    const bool is_file = name == "flagfile";
    auto flag = flags_.find(name);
    if (flag == flags_.end() && equals == std::string::npos &&
        name.starts_with("no-")) {
      flag = flags_.find(name.substr(3));
      if (flag != flags_.end() && flag->second->IsOfType<bool>()) {
        std::string error;
        flag->second->ParseFrom("false", &error);
        return absl::OkStatus();
      }
    }
    if (!is_file && flag == flags_.end()) return Unknown(name, flags_);
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (!is_file && flag->second->IsOfType<bool>()) {
      value = "true";
    } else if (next != nullptr) {
      value = *next;
      *took_next = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value; see --help"));
    }
    if (is_file) return TakeFile(value);
    std::string error;
    if (!flag->second->ParseFrom(value, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, "=", value, " is not understood",
                       error.empty() ? "" : ": ", error, "; see --help"));
    }
    return absl::OkStatus();
  }

  absl::Status TakeFile(const std::string& path) {
    if (in_file_) {
      return absl::InvalidArgumentError("a flag file names no other one");
    }
    absl::StatusOr<std::string> text = ReadFile(path, kMostFlagFileBytes);
    if (!text.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--flagfile: ", text.status().message()));
    }
    in_file_ = true;
    int number = 0;
    for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
      ++number;
      const std::string argument(absl::StripAsciiWhitespace(line));
      if (argument.empty() || argument.front() == '#') continue;
      const size_t blank = argument.find_first_of(" \t");
      bool took_next = false;
      const absl::Status status =
          blank < argument.find('=')
              ? absl::InvalidArgumentError(absl::StrCat(
                    "\"", argument,
                    "\" has a blank in a flag's name; write "
                    "--name=value, and notes on lines of their own"))
              : TakeOne(argument, nullptr, &took_next);
      if (!status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ":", number, ": ", status.message()));
      }
    }
    in_file_ = false;
    return absl::OkStatus();
  }

  const FlagsByName flags_ = OwnFlags();
  bool* const help_;
  bool* const version_;
  bool in_file_ = false;
};

}  // namespace

absl::Status ParseFlags(const std::vector<std::string>& arguments, bool* help,
                        bool* version) {
  return Parser(help, version).Take(arguments);
}

std::string FlagsHelp(std::string_view usage,
                      std::span<const FlagGroup> groups) {
  std::string text(usage);
  FlagsByName left = OwnFlags();
  for (const FlagGroup& group : groups) {
    absl::StrAppend(&text, "\n\n", std::string(group.title), ":\n");
    for (const std::string_view name : group.flags) {
      const auto flag = left.find(std::string(name));
      if (flag == left.end()) continue;
      AppendFlag(flag->first, *flag->second, &text);
      left.erase(flag);
    }
    text.pop_back();
  }
  absl::StrAppend(&text,
                  groups.empty() ? "\n\nFlags:\n" : "\n\nOther flags:\n");
  for (const auto& [name, flag] : left) AppendFlag(name, *flag, &text);
  absl::StrAppend(
      &text,
      "  --flagfile=…\n      A file of such flags, --name=value, one a "
      "line; lines that\n      begin with # are notes. The last "
      "of two flags wins.\n  --help\n  --version\n");
  return text;
}

absl::Status CheckFlagRules(std::span<const FlagRule> rules) {
  const FlagsByName flags = OwnFlags();
  const auto is_set = [&flags](std::string_view name) {
    const auto flag = flags.find(std::string(name));
    return flag != flags.end() &&
           flag->second->CurrentValue() != flag->second->DefaultValue();
  };
  for (const FlagRule& rule : rules) {
    if (!is_set(rule.flag)) continue;
    const std::string name = absl::StrCat("--", std::string(rule.flag));
    for (const std::string_view other : rule.excludes) {
      if (!is_set(other)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(name, " and --", std::string(other),
                       " contradict each other; leave one of them out"));
    }
    if (rule.needs_one_of.empty() ||
        std::any_of(rule.needs_one_of.begin(), rule.needs_one_of.end(),
                    is_set)) {
      continue;
    }
    std::string needed;
    for (const std::string_view other : rule.needs_one_of) {
      absl::StrAppend(&needed, needed.empty() ? "--" : " or --",
                      std::string(other));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(name, " does nothing without ", needed,
                     "; give that too, or leave ", name, " out"));
  }
  return absl::OkStatus();
}

}  // namespace vitrine
