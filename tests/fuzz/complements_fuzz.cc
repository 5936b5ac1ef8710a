// Learned complements: read under a right checksum, and asked for each slot.
#include <cmath>

#include "common/base/hash.h"
#include "common/index/complements.h"
#include "common/vector/blocks.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  v1::ComplementsFile file;
  file.set_complements(data, size);
  const Sha256Digest digest = Sha256(file.complements());
  file.set_sha256(digest.data(), digest.size());
  const auto read = Complements::Parse(file.SerializeAsString(), "fuzz");
  if (!read.ok()) return 0;
  const std::vector<float> vector(
      static_cast<size_t>(TotalDim((*read)->blocks())), 0.1f);
  v1::Complements complements;
  Require(complements.ParseFromString(file.complements()));
  Require((*read)->size() ==
          static_cast<size_t>(complements.projections_size()));
  for (const v1::Projection& one : complements.projections()) {
    const v1::Projection* const found =
        (*read)->Find(one.category(), one.slot(), one.to_slot());
    Require(found != nullptr);
    const auto query = (*read)->Project(*found, vector);
    if (!query) continue;
    Require(query->vector.size() == vector.size());
    for (const float x : query->vector) Require(std::isfinite(x));
    for (const float x : query->emphasis) Require(x >= 0 && x <= 1);
  }
  return 0;
}
