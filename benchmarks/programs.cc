#include "benchmarks/programs.h"

namespace vitrine {

std::filesystem::path BenchScript(const std::string& name) {
  return std::filesystem::path(VITRINE_BENCHMARKS_DIR) / name;
}

std::filesystem::path BuiltProgram(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace vitrine
