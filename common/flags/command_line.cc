#include "common/flags/command_line.h"

#include <algorithm>
#include <map>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace vitrine {
namespace {

constexpr size_t kWidth = 78;

std::string Dashed(std::string_view name) {
  return absl::StrReplaceAll(absl::string_view(name.data(), name.size()),
                             {{"_", "-"}});
}

// The flags of main.cc by their dashed names; libraries have flags too.
std::map<std::string, absl::CommandLineFlag*> OwnFlags() {
  std::map<std::string, absl::CommandLineFlag*> flags;
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

absl::Status Unknown(
    std::string_view name,
    const std::map<std::string, absl::CommandLineFlag*>& flags) {
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

}  // namespace

absl::Status ParseFlags(const std::vector<std::string>& arguments, bool* help,
                        bool* version) {
  *help = *version = false;
  const auto flags = OwnFlags();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "-h" || argument == "--help") {
      *help = true;
      continue;
    }
    if (argument == "--version") {
      *version = true;
      continue;
    }
    if (!argument.starts_with("--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", argument, "\" is no flag; see --help"));
    }
    const size_t equals = argument.find('=');
    std::string name = Dashed(std::string_view(argument).substr(2, equals - 2));
    auto flag = flags.find(name);
    if (flag == flags.end() && equals == std::string::npos &&
        name.starts_with("no-")) {
      flag = flags.find(name.substr(3));
      if (flag != flags.end() && flag->second->IsOfType<bool>()) {
        std::string error;
        flag->second->ParseFrom("false", &error);
        continue;
      }
    }
    if (flag == flags.end()) return Unknown(name, flags);
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (flag->second->IsOfType<bool>()) {
      value = "true";
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value; see --help"));
    }
    std::string error;
    if (!flag->second->ParseFrom(value, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, "=", value, " is not understood",
                       error.empty() ? "" : ": ", error, "; see --help"));
    }
  }
  return absl::OkStatus();
}

std::string FlagsHelp(std::string_view usage) {
  std::string text(usage);
  absl::StrAppend(&text, "\n\nFlags:\n");
  for (const auto& [name, flag] : OwnFlags()) {
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name);
    if (!flag->IsOfType<bool>()) {
      absl::StrAppend(&text, "=", value.empty() ? "…" : value);
    }
    std::string line = "\n     ";
    for (const absl::string_view word : absl::StrSplit(flag->Help(), ' ')) {
      if (line.size() + 1 + word.size() > kWidth) {
        absl::StrAppend(&text, line);
        line = "\n     ";
      }
      absl::StrAppend(&line, " ", word);
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace vitrine
