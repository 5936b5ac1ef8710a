// Where the programs lie that benchmarks start.
#pragma once

#include <filesystem>
#include <string>

namespace vitrine {

// A script of this folder: of the source tree that the program was built in.
std::filesystem::path BenchScript(const std::string& name);

// A program that was built with this one, beside it.
std::filesystem::path BuiltProgram(const std::string& name);

}  // namespace vitrine
