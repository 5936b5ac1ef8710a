// One model for several indexes that were made with it.
#pragma once

#include "server/snapshot_store.h"

namespace vitrine {

// Loads as `load` does, but a bundle that is in use, by its name, no second
// time: whoever loads it gets the same one, and they take turns. Thread-safe.
decltype(SnapshotStoreOptions::load_model) ShareModels(
    decltype(SnapshotStoreOptions::load_model) load);

}  // namespace vitrine
