// Whose a queue's product is, and what is remembered of those it was before.
#pragma once

#include <cstdint>
#include <string>

#include "vitrine/storage/records.pb.h"

namespace vitrine {

// For so long a deletion is remembered: 30 days.
inline constexpr int64_t kKeepDeletionsMs = 30ll * 24 * 60 * 60 * 1000;

// Whether a deleted product's deletion need not be remembered any more.
bool IsForgotten(const storage::QueuedProductRecord& state,
                 int64_t now_unix_ms);

// Gives a product to another source: nothing is known of it then but that
// source's own deletion, if there was one. If it was deleted, that is
// remembered, as the deletions of all others are, each for kKeepDeletionsMs.
void GiveTo(const std::string& source, int64_t now_unix_ms,
            storage::QueuedProductRecord* state);

}  // namespace vitrine
