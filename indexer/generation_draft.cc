#include "indexer/generation_draft.h"

#include <google/protobuf/util/time_util.h>

#include "common/base/hash.h"

namespace vitrine {

PictureCounts& PictureCounts::operator+=(const PictureCounts& more) {
  accepted += more.accepted;
  changed += more.changed;
  removed += more.removed;
  refused += more.refused;
  reused += more.reused;
  unchanged += more.unchanged;
  return *this;
}

v1::Receipt* GenerationDraft::AddReceipt(std::string_view source,
                                         std::string_view path,
                                         std::string_view product_id,
                                         std::string_view sha256,
                                         v1::Receipt::Outcome outcome,
                                         int64_t now_unix_ms) {
  v1::Receipt* receipt = &receipts.emplace_back();
  *receipt->mutable_time() =
      google::protobuf::util::TimeUtil::MillisecondsToTimestamp(now_unix_ms);
  receipt->set_source(std::string(source));
  receipt->set_path(std::string(path));
  receipt->set_product_id(std::string(product_id));
  receipt->set_sha256(Sha256ToHex(sha256));
  receipt->set_outcome(outcome);
  return receipt;
}

bool MayPass(const storage::SourceFileRecord& known) {
  return known.refused_reason() == v1::ERROR_REASON_IMAGE_UNREADABLE ||
         known.refused_reason() == v1::ERROR_REASON_OTHER_SOURCE ||
         known.refused_reason() == v1::ERROR_REASON_INTERNAL;
}

}  // namespace vitrine
