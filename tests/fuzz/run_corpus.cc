// The main of a fuzz target that reads the files of the folders it is given,
// once each: a test for every compiler of what libFuzzer has found.
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/fuzz/fuzz_input.h"
#include "tests/test_util.h"

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const std::string bytes = vitrine::testing::ReadAll(entry.path());
      // Told before it is read, since that may end the process.
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                             bytes.size());
      ++inputs;
    }
  }
  return inputs > 0 ? 0 : 1;
}
