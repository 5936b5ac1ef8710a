// What a processor can do, where clang 14's __builtin_cpu_supports does not
// know the feature.
#pragma once

#include <cpuid.h>

namespace vitrine {

// Whether it converts to and from float16; of use with AVX alone, for which the
// system must do its part too.
inline bool CpuHasF16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace vitrine
