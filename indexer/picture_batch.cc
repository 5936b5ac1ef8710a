#include "indexer/picture_batch.h"

#include <utility>

#include "common/base/status.h"

namespace vitrine {
namespace {

std::string_view Bytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

storage::SourceFileRecord RecordOf(const CatalogPicture& picture,
                                   std::string_view sha256) {
  storage::SourceFileRecord record;
  record.set_bytes(picture.bytes);
  record.set_modified_unix_ns(picture.modified_unix_ns);
  record.set_sha256(std::string(sha256));
  record.set_product_id(picture.product_id);
  return record;
}

bool SameFile(const CatalogPicture& picture,
              const storage::SourceFileRecord& known) {
  return picture.bytes == known.bytes() &&
         picture.modified_unix_ns == known.modified_unix_ns();
}

// Refusals that the same bytes need not meet again.
bool MayPass(const storage::SourceFileRecord& known) {
  return known.refused_reason() == v1::ERROR_REASON_IMAGE_UNREADABLE ||
         known.refused_reason() == v1::ERROR_REASON_INTERNAL;
}

}  // namespace

PictureCounts& PictureCounts::operator+=(const PictureCounts& more) {
  accepted += more.accepted;
  changed += more.changed;
  removed += more.removed;
  refused += more.refused;
  reused += more.reused;
  unchanged += more.unchanged;
  return *this;
}

PictureBatch::PictureBatch(const IndexView& view, std::string source,
                           DescribeFn describe, IndexChanges changes)
    : source_(std::move(source)),
      describe_(std::move(describe)),
      changes_(view.snapshot, view.sources, std::move(changes)) {}

KnownFiles PictureBatch::AllSources() const {
  KnownFiles known;
  changes_.ForEachSource(
      [&](std::string_view path, const storage::SourceFileRecord& record) {
        known.emplace_hint(known.end(), path, record);
      });
  return known;
}

std::string PictureBatch::KnownSha256(std::string_view path) const {
  const auto known = FindSource(path);
  return known && !MayPass(*known) ? known->sha256() : std::string();
}

void PictureBatch::Apply(const CatalogPicture& picture, PictureResult result,
                         std::vector<std::string> warnings,
                         int64_t now_unix_ms) {
  const auto known = FindSource(picture.path);
  if (!result.status.ok()) {
    if (!absl::IsNotFound(result.status)) {
      Refuse(picture, result, known, now_unix_ms);
    }
    return;
  }
  if (result.unchanged) {
    if (!known) return;
    // Its time or product has changed, its content has not.
    ++counts_.unchanged;
    storage::SourceFileRecord touched = *known;
    touched.set_bytes(picture.bytes);
    touched.set_modified_unix_ns(picture.modified_unix_ns);
    changes_.PutSource(picture.path, touched);
    ApplyUnread(picture);
    return;
  }
  const bool indexed = known && known->refused_reason() == 0;
  if (indexed && known->product_id() != picture.product_id) {
    Detach(picture.path, *known);
  }
  if (result.reused) ++counts_.reused;
  ++(indexed ? counts_.changed : counts_.accepted);
  Row row;
  row.product_id = picture.product_id;
  row.image_key = picture.path;
  row.sha256 = result.sha256;
  row.vector = std::move(result.vector);
  changes_.PutImage(std::move(row), std::move(result.thumbnail));
  changes_.PutSource(picture.path, RecordOf(picture, Bytes(result.sha256)));
  Describe(picture.product_id);
  v1::Receipt* receipt = AddReceipt(
      picture.path, picture.product_id, Bytes(result.sha256),
      indexed ? v1::Receipt::OUTCOME_CHANGED : v1::Receipt::OUTCOME_ACCEPTED,
      now_unix_ms);
  for (std::string& warning : warnings) {
    receipt->add_warnings(std::move(warning));
  }
}

void PictureBatch::Refuse(const CatalogPicture& picture,
                          const PictureResult& result,
                          const std::optional<storage::SourceFileRecord>& known,
                          int64_t now_unix_ms) {
  const v1::Error error = ErrorOf(result.status);
  const bool read = result.sha256 != Sha256Digest{};
  storage::SourceFileRecord record =
      RecordOf(picture, read ? Bytes(result.sha256) : std::string_view());
  record.set_refused_reason(error.reason());
  record.set_refused_message(error.message());
  if (known && SerializeRecord(record) == SerializeRecord(*known)) return;
  const bool told = known && known->refused_reason() == error.reason() &&
                    known->refused_message() == error.message() &&
                    known->sha256() == record.sha256();
  // What the file showed before is not what it shows now.
  if (known && known->refused_reason() == 0) Detach(picture.path, *known);
  changes_.PutSource(picture.path, record);
  if (told) return;
  ++counts_.refused;
  v1::Receipt* receipt =
      AddReceipt(picture.path, picture.product_id, record.sha256(),
                 v1::Receipt::OUTCOME_REFUSED, now_unix_ms);
  receipt->set_reason(error.reason());
  receipt->set_message(error.message());
}

bool PictureBatch::ApplyUnread(const CatalogPicture& picture) {
  const auto known = FindSource(picture.path);
  if (!known || !SameFile(picture, *known) || MayPass(*known)) return false;
  if (known->product_id() != picture.product_id) {
    if (known->refused_reason() == 0) {
      Row row;
      row.product_id = picture.product_id;
      row.image_key = picture.path;
      known->sha256().copy(reinterpret_cast<char*>(row.sha256.data()),
                           row.sha256.size());
      row.vector = changes_.FindVector(known->product_id(), picture.path);
      if (row.vector.empty()) return false;
      Detach(picture.path, *known);
      changes_.PutImage(std::move(row), "");
    }
    storage::SourceFileRecord moved = *known;
    moved.set_product_id(picture.product_id);
    changes_.PutSource(picture.path, moved);
  }
  Describe(picture.product_id);
  return true;
}

void PictureBatch::Remove(const std::string& path, bool moved,
                          int64_t now_unix_ms) {
  const auto known = FindSource(path);
  if (!known) return;
  changes_.RemoveSource(path);
  if (known->refused_reason() != 0) return;
  ++counts_.removed;
  Detach(path, *known);
  if (!moved && !changes_.FindProduct(known->product_id())) {
    ++deleted_products_;
  }
  AddReceipt(path, known->product_id(), known->sha256(),
             v1::Receipt::OUTCOME_REMOVED, now_unix_ms);
}

void PictureBatch::Detach(const std::string& path,
                          const storage::SourceFileRecord& known) {
  changes_.RemoveImage(known.product_id(), path);
  // Another picture may be its first one now.
  Describe(known.product_id());
}

void PictureBatch::Describe(const std::string& product_id) {
  const auto product = changes_.FindProduct(product_id);
  if (!product) return;
  storage::ProductRecord description =
      describe_(product_id, product->images(0).key());
  description.set_source(source_);
  changes_.Describe(product_id, std::move(description));
}

v1::Receipt* PictureBatch::AddReceipt(const std::string& path,
                                      const std::string& product,
                                      std::string_view sha256,
                                      v1::Receipt::Outcome outcome,
                                      int64_t now_unix_ms) {
  v1::Receipt* receipt = &receipts_.emplace_back();
  receipt->mutable_time()->set_seconds(now_unix_ms / 1000);
  receipt->mutable_time()->set_nanos(
      static_cast<int32_t>(now_unix_ms % 1000 * 1'000'000));
  receipt->set_source(source_);
  receipt->set_path(path);
  receipt->set_product_id(product);
  receipt->set_sha256(Sha256ToHex(sha256));
  receipt->set_outcome(outcome);
  return receipt;
}

}  // namespace vitrine
