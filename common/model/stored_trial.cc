#include "common/model/stored_trial.h"

namespace vitrine {

EmbedTrial TrialOf(const storage::VectorSet& set) {
  EmbedTrial trial;
  trial.variant = EmbedVariantOf(set.trial().variant());
  trial.vector.assign(set.trial().vector().begin(), set.trial().vector().end());
  trial.machine = set.trial().machine();
  return trial;
}

void StoreTrial(const EmbedTrial& trial, storage::VectorSet* set) {
  set->mutable_trial()->set_variant(
      std::string(EmbedVariantName(trial.variant)));
  set->mutable_trial()->set_machine(trial.machine);
  set->mutable_trial()->mutable_vector()->Assign(trial.vector.begin(),
                                                 trial.vector.end());
}

}  // namespace vitrine
