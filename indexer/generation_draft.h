// The next generation in the making: what it changes, and the receipts that
// will say what became of each picture.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/index_changes.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

struct PictureCounts {
  int64_t accepted = 0;
  int64_t changed = 0;
  int64_t removed = 0;
  int64_t refused = 0;
  int64_t reused = 0;  // Accepted or changed without being embedded.
  int64_t unchanged = 0;

  PictureCounts& operator+=(const PictureCounts& more);
};

// What all sources share. Not thread-safe.
struct GenerationDraft {
  explicit GenerationDraft(ChangeSet of) : changes(std::move(of)) {}

  v1::Receipt* AddReceipt(std::string_view source, std::string_view path,
                          std::string_view product_id, std::string_view sha256,
                          v1::Receipt::Outcome outcome, int64_t now_unix_ms);

  ChangeSet changes;
  // Of pictures; generation and searchable_at are left to who publishes.
  std::vector<v1::Receipt> receipts;
  PictureCounts counts;
  // Something has changed that needed no model: it waits for nothing that does.
  bool is_prompt = false;
  // Products that have lost their last picture, and not as it was moved.
  uint64_t deleted_products = 0;
};

// Refusals that the same bytes need not meet again.
bool MayPass(const storage::SourceFileRecord& known);

// The 32 bytes of a digest.
inline std::string_view BytesOf(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace vitrine
