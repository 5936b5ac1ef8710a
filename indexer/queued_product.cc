#include "indexer/queued_product.h"

#include <algorithm>
#include <utility>

namespace vitrine {

bool IsForgotten(const storage::QueuedProductRecord& state,
                 int64_t now_unix_ms) {
  return state.absent_unix_ms() != 0 &&
         state.absent_unix_ms() < now_unix_ms - kKeepDeletionsMs;
}

void GiveTo(const std::string& source, int64_t now_unix_ms,
            storage::QueuedProductRecord* state) {
  auto earlier = std::move(*state->mutable_earlier());
  if (!state->source().empty() && state->absent_unix_ms() != 0) {
    auto& deletion = earlier[state->source()];
    deletion.set_version(
        std::max(state->fields_version(), state->pictures_version()));
    deletion.set_deleted_unix_ms(state->absent_unix_ms());
  }
  state->Clear();
  state->set_source(source);
  for (auto& [sender, deletion] : earlier) {
    if (sender == source) {
      state->set_fields_version(deletion.version());
      state->set_pictures_version(deletion.version());
    } else if (deletion.deleted_unix_ms() >= now_unix_ms - kKeepDeletionsMs) {
      (*state->mutable_earlier())[sender] = std::move(deletion);
    }
  }
}

}  // namespace vitrine
