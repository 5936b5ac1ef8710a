// The command `vitrine`: asks a server, and hands the verbs that need imaging
// libraries to the program beside it.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "clients/cli/flags.h"
#include "clients/cli/helper_program.h"
#include "clients/cli/verbs.h"

namespace vitrine::cli {
namespace {

int Main(std::vector<std::string> arguments) {
  // The library's own log would stand beside our messages and say less.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::ios::sync_with_stdio(false);
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "check" || verb == "sample" || verb == "eval") {
    absl::Status status = BecomeProgram(
        ProgramBeside(verb == "eval" ? "vitrine-eval" : "vitrine-pictures"),
        arguments);
    std::cerr << "vitrine: " << status.message() << "\n";
    return kFailed;
  }
  CommandLine command_line = ParseCommandLine(std::move(arguments));
  if (!command_line.flags) {
    (command_line.exit_status == kOk ? std::cout : std::cerr)
        << command_line.text;
    return command_line.exit_status;
  }
  Environment environment{std::cout, std::cerr, STDIN_FILENO,
                          ProgramBeside("vitrine-pictures")};
  if (isatty(STDERR_FILENO)) {
    environment.progress = Progress::Mode::kTerminal;
  } else if (command_line.flags->progress) {
    environment.progress = Progress::Mode::kLines;
  }
  return Run(*command_line.flags, environment);
}

}  // namespace
}  // namespace vitrine::cli

int main(int argc, char** argv) {
  return vitrine::cli::Main({argv + 1, argv + argc});
}
