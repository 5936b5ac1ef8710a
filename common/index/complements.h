// Learned complements: projections from the vector of a product to what is
// looked for in a slot of its outfit. `python -m vitrine_models complements`
// fits them; see proto/vitrine/v1/complements.proto.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "common/vector/block.h"
#include "vitrine/storage/manifest.pb.h"
#include "vitrine/v1/complements.pb.h"

namespace vitrine {

// A larger file is refused unread.
inline constexpr uint64_t kMaxComplementsBytes = 64 << 20;

// A query for Search.
struct ComplementQuery {
  std::vector<float> vector;    // dim numbers, normalised by blocks.
  std::vector<float> emphasis;  // One number a block, 0 to 1.
};

// Immutable and thread-safe.
class Complements {
 public:
  // Of what a file holds, every number of which is checked. INVALID_ARGUMENT,
  // which begins with `name`, where it is none or damaged; FAILED_PRECONDITION
  // where it is of a newer version.
  static absl::StatusOr<std::shared_ptr<const Complements>> Parse(
      std::string_view bytes, std::string_view name);
  // The file of an index. DATA_LOSS where it is missing or damaged.
  static absl::StatusOr<std::shared_ptr<const Complements>> Open(
      const std::filesystem::path& path, const storage::FileRef& ref);

  // The SHA-256 of the file, 64 digits.
  const std::string& digest() const { return digest_; }
  // The SHA-256 of the bundle whose vectors it is for.
  const std::string& model() const { return complements_.model(); }
  const std::vector<Block>& blocks() const { return blocks_; }
  size_t size() const { return projections_.size(); }
  // FAILED_PRECONDITION unless it was fitted to the vectors of `set`.
  absl::Status CheckIsFor(const storage::VectorSet& set) const;

  // From the products of a category, or of a slot and no category, or of
  // neither, to a slot. Null where there is none.
  const v1::Projection* Find(std::string_view category, std::string_view slot,
                             std::string_view to_slot) const;
  // What a projection of these makes of a product's vector, which is normalised
  // by blocks. Nothing where it makes nothing of it.
  std::optional<ComplementQuery> Project(const v1::Projection& projection,
                                         std::span<const float> vector) const;

 private:
  Complements() = default;
  absl::Status Check();

  std::string digest_;
  v1::Complements complements_;
  std::vector<Block> blocks_;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>,
           const v1::Projection*>
      projections_;
};

}  // namespace vitrine
