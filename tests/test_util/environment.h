// What a longer run of a test asks for.
#pragma once

#include <cstdlib>

namespace vitrine::testing {

inline int NumberFromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

}  // namespace vitrine::testing
