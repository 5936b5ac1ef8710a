#include "benchmarks/machine.h"

#include <fstream>
#include <set>
#include <sstream>

#include "clients/eval/run_facts.h"
#include "common/base/thread_pool.h"

namespace vitrine {
namespace {

constexpr const char* kFeatures[] = {
    "sse4_2",      "avx",         "f16c",     "fma",      "avx2",
    "avx_vnni",    "avx512f",     "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16", "asimd",
    "asimddp",     "sve",         "i8mm",     "bf16"};

}  // namespace

std::vector<std::string> FeaturesIn(const std::string& cpuinfo) {
  std::istringstream lines(cpuinfo);
  std::set<std::string> named;
  for (std::string line; std::getline(lines, line);) {
    // "flags" on x86, "Features" on ARM; the same for every core.
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) named.insert(word);
    break;
  }
  std::vector<std::string> features;
  for (const char* feature : kFeatures) {
    if (named.contains(feature)) features.emplace_back(feature);
  }
  return features;
}

Machine ThisMachine() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return {eval::ProcessorIn(text.str()), AvailableCores(),
          FeaturesIn(text.str())};
}

}  // namespace vitrine
