// A trial of a model in the index that is made with it.
#pragma once

#include "common/model/embedder.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// Nothing tried (kFastest) for a set that has none.
EmbedTrial TrialOf(const storage::VectorSet& set);
void StoreTrial(const EmbedTrial& trial, storage::VectorSet* set);

}  // namespace vitrine
