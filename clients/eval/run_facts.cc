#include "clients/eval/run_facts.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/thread_pool.h"

namespace vitrine::eval {
namespace {

std::string ShellWord(const std::string& word) {
  const bool plain =
      !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("-_=,./:@%+").find(c) != std::string_view::npos;
      });
  if (plain) return word;
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts;
  gmtime_r(&now, &parts);
  char text[32];
  const size_t length =
      std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  return {text, length};
}

}  // namespace

std::string ShellCommand(const std::string& program,
                         const std::vector<std::string>& arguments) {
  std::string command = program;
  for (const std::string& argument : arguments) {
    absl::StrAppend(&command, " ", ShellWord(argument));
  }
  return command;
}

std::string ProcessorIn(const std::string& cpuinfo) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with("model name") && colon != std::string::npos) {
      return std::string(absl::StripAsciiWhitespace(
          absl::string_view(line).substr(colon + 1)));
    }
  }
  return {};
}

RunFacts CollectRunFacts(std::string command, int threads) {
  RunFacts facts;
  facts.command = std::move(command);
  facts.date = Now();
  facts.version = VITRINE_VERSION;
  // Its size is told as 0, so that ReadFile would read nothing.
  std::ostringstream cpuinfo;
  cpuinfo << std::ifstream("/proc/cpuinfo").rdbuf();
  facts.processor = ProcessorIn(cpuinfo.str());
  facts.cores = AvailableCores();
  facts.threads = threads;
  return facts;
}

}  // namespace vitrine::eval
