// Files of learned complements that tests know by heart.
#pragma once

#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/vector/blocks.h"
#include "tests/test_util/vectors.h"
#include "vitrine/v1/complements.pb.h"

namespace vitrine {

// The bytes of a file with these complements.
inline std::string ComplementsFileOf(const v1::Complements& complements) {
  v1::ComplementsFile file;
  file.set_complements(complements.SerializeAsString());
  const Sha256Digest digest = Sha256(file.complements());
  file.set_sha256(std::string(digest.begin(), digest.end()));
  return file.SerializeAsString();
}

// For a model, without a projection.
inline v1::Complements ComplementsOfModel(
    const std::string& model, const std::vector<Block>& blocks = TestBlocks()) {
  v1::Complements complements;
  complements.set_version(1);
  complements.set_model(model);
  for (const Block& block : blocks) {
    v1::Block* const one = complements.add_blocks();
    one->set_name(block.name);
    one->set_dim(block.dim);
    one->set_weight(block.weight);
  }
  return complements;
}

// Adds a projection that looks for the i-th number of a block where the product
// has the from-th one. Numbers are counted over the whole vector.
inline v1::Projection* AddProjection(v1::Complements* complements,
                                     const std::string& category,
                                     const std::string& slot,
                                     const std::string& to_slot, int from,
                                     int to) {
  v1::Projection* const projection = complements->add_projections();
  projection->set_category(category);
  projection->set_slot(slot);
  projection->set_to_slot(to_slot);
  projection->set_pairs(100);
  projection->set_rank(1);
  for (int i = 0; i < TotalDim(TestBlocks()); ++i) {
    projection->add_right(i == from ? 1.0f : 0.0f);
    projection->add_left(i == to ? 1.0f : 0.0f);
    projection->add_bias(0);
  }
  return projection;
}

// A whole file for a model, which looks for one and the same bag; files of
// other `pairs` differ.
inline std::string AnyComplementsFile(const std::string& model,
                                      const std::vector<Block>& blocks,
                                      uint64_t pairs = 1) {
  v1::Complements complements = ComplementsOfModel(model, blocks);
  v1::Projection* const projection = complements.add_projections();
  projection->set_to_slot("bag");
  projection->set_pairs(pairs);
  for (int i = 0; i < TotalDim(blocks); ++i) projection->add_bias(1);
  return ComplementsFileOf(complements);
}

}  // namespace vitrine
