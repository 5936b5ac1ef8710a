// What a processor can do, where clang 14's __builtin_cpu_supports does not
// know the feature.
#pragma once

#include <cpuid.h>

#include <string>
#include <string_view>

namespace vitrine {

// Whether it converts to and from float16; of use with AVX alone, for which the
// system must do its part too.
inline bool CpuHasF16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

// The processor's own name for its kind; empty where it has none.
inline std::string CpuBrand() {
  unsigned text[12] = {};
  for (unsigned leaf = 0; leaf < 3; ++leaf) {
    unsigned* part = text + 4 * leaf;
    if (__get_cpuid(0x80000002 + leaf, part, part + 1, part + 2, part + 3) == 0)
      return "";
  }
  std::string brand(reinterpret_cast<const char*>(text), sizeof text);
  brand.resize(brand.find_last_not_of(std::string_view("\0 ", 2)) + 1);
  return brand;
}

}  // namespace vitrine
