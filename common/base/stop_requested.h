// How long work is told to end early.
#pragma once

#include <functional>

namespace vitrine {

// Whether to stop early; may be empty, and may be asked from several threads.
using StopRequested = std::function<bool()>;

}  // namespace vitrine
