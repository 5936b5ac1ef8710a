// A backend that is another server, asked over the same API.
#pragma once

#include <memory>
#include <string>

#include "server/backend.h"

namespace vitrine {

// Connects to HOST:PORT with the first call, and again whenever the connection
// was lost. No thread waits for an answer, but for that of a ProductStream.
std::unique_ptr<Backend> NewRemoteBackend(std::string address);

}  // namespace vitrine
