// What a figure was measured on.
#pragma once

#include <string>
#include <vector>

namespace vitrine {

struct Machine {
  std::string processor;  // "" where the system does not name it.
  int cores = 0;          // That the program may run on.
  // The processor's extensions that kernels of searches and models are chosen
  // by, as Linux names them.
  std::vector<std::string> features;
};

Machine ThisMachine();

// Those features that the text of /proc/cpuinfo names, in a fixed order.
std::vector<std::string> FeaturesIn(const std::string& cpuinfo);

}  // namespace vitrine
