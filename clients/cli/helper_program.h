// The programs beside `vitrine` that read and draw pictures and run models, so
// that `vitrine` itself loads no such library and starts at once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vitrine::cli {

// The path of a program, such as "vitrine-pictures", in the folder of the
// running one.
std::string ProgramBeside(const std::string& name);

// Becomes `program` with `arguments` (without its name); returns only where
// that fails.
absl::Status BecomeProgram(const std::string& program,
                           const std::vector<std::string>& arguments);

// Runs `program` with `input` on its standard input and waits for it; its
// standard output and error are ours. An error unless it exits with 0.
absl::Status RunProgram(const std::string& program,
                        const std::vector<std::string>& arguments,
                        const std::string& input);
// The same; what it writes to its standard output is returned. It must read all
// of `input` before it writes.
absl::StatusOr<std::string> AskProgram(
    const std::string& program, const std::vector<std::string>& arguments,
    const std::string& input);

}  // namespace vitrine::cli
