// How a report was made, so that it can be made again.
#pragma once

#include <string>
#include <vector>

namespace vitrine::eval {

struct RunFacts {
  std::string command;    // as it can be typed into a shell
  std::string date;       // of the start: "2026-11-25 09:12 UTC"
  std::string version;    // of Vitrine
  std::string processor;  // "" where the system does not name it
  int cores = 0;          // that the program may run on
  int threads = 0;        // that it used
};

// What this machine and moment are; `command` and `threads` as given.
RunFacts CollectRunFacts(std::string command, int threads);

// The words as they can be typed into a shell: in single quotes where they must
// be.
std::string ShellCommand(const std::string& program,
                         const std::vector<std::string>& arguments);

// The name of the processor in the text of /proc/cpuinfo; "" where it has none.
std::string ProcessorIn(const std::string& cpuinfo);

}  // namespace vitrine::eval
