// A backend that is an index of this server's own.
#pragma once

#include <memory>
#include <string>

#include "server/backend.h"
#include "server/executor.h"
#include "server/snapshot_store.h"

namespace vitrine {

// Answers on `executors`; they and the store must outlive what was asked.
std::unique_ptr<Backend> NewLocalBackend(std::string name,
                                         const SnapshotStore* store,
                                         Executors executors);

}  // namespace vitrine
