// Events of a queue, checked: what is wrong with one is found before anything
// of it is done.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

struct EventPicture {
  std::string key;
  // The file's bytes, or null where it lies at `path` below the root.
  std::shared_ptr<const std::string> content;
  std::string path;
  bool is_kept = false;  // The content lies in the index already.
};

struct ProductChange {
  enum class Kind {
    kPut,       // Fields and pictures are these.
    kDescribe,  // Fields are these.
    kDelete,
  };

  Kind kind = Kind::kPut;
  std::string source;    // See QueueSourceName.
  uint64_t version = 0;  // Positive.
  std::string product_id;
  // All of the product but its pictures.
  storage::ProductRecord fields;
  std::vector<EventPicture> pictures;  // Each key once.
  // It brings back what a repair has found lost; the version is that of the
  // pictures.
  bool restores = false;
};

// The source of a sender's products: "queue", or "queue/NAME".
std::string QueueSourceName(std::string_view sender);

// Reads a vitrine.v1.CatalogEvent. `entry_version` takes the place of a version
// that was not given. Paths and file URIs must lie below `root`; none may be
// given where that is empty. Errors have ERROR_REASON_INVALID_EVENT and say
// what is wrong and what would be right.
absl::StatusOr<ProductChange> ReadCatalogEvent(std::string_view bytes,
                                               uint64_t entry_version,
                                               std::string_view root);

}  // namespace vitrine
