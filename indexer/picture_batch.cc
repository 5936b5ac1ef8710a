#include "indexer/picture_batch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

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

}  // namespace

PictureBatch::PictureBatch(std::string source, DescribeFn describe,
                           GenerationDraft* draft)
    : source_(std::move(source)),
      describe_(std::move(describe)),
      draft_(*draft) {}

KnownFiles PictureBatch::AllSources() const {
  KnownFiles known;
  draft_.changes.ForEachSource(
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
  if (IsForeign(picture.product_id)) {
    result.status = ForeignError(picture);
    Refuse(picture, result, known, now_unix_ms);
    return;
  }
  if (result.unchanged) {
    if (!known) return;
    // Its time or product has changed, its content has not.
    ++draft_.counts.unchanged;
    storage::SourceFileRecord touched = *known;
    touched.set_bytes(picture.bytes);
    touched.set_modified_unix_ns(picture.modified_unix_ns);
    draft_.changes.PutSource(picture.path, touched);
    ApplyUnread(picture);
    return;
  }
  const bool indexed = known && known->refused_reason() == 0;
  if (indexed && known->product_id() != picture.product_id) {
    Detach(picture.path, *known);
  }
  if (result.reused) ++draft_.counts.reused;
  ++(indexed ? draft_.counts.changed : draft_.counts.accepted);
  Row row;
  row.product_id = picture.product_id;
  row.image_key = picture.path;
  row.sha256 = result.sha256;
  row.vector = std::move(result.vector);
  draft_.changes.PutImage(std::move(row), std::move(result.thumbnail));
  draft_.changes.PutSource(picture.path,
                           RecordOf(picture, BytesOf(result.sha256)));
  Describe(picture.product_id);
  v1::Receipt* receipt = draft_.AddReceipt(
      source_, picture.path, picture.product_id, BytesOf(result.sha256),
      indexed ? v1::Receipt::OUTCOME_CHANGED : v1::Receipt::OUTCOME_ACCEPTED,
      now_unix_ms);
  for (auto* some : {&warnings, &result.warnings}) {
    for (std::string& warning : *some) {
      receipt->add_warnings(std::move(warning));
    }
  }
}

void PictureBatch::Refuse(const CatalogPicture& picture,
                          const PictureResult& result,
                          const std::optional<storage::SourceFileRecord>& known,
                          int64_t now_unix_ms) {
  const v1::Error error = ErrorOf(result.status);
  const bool read = result.sha256 != Sha256Digest{};
  storage::SourceFileRecord record =
      RecordOf(picture, read ? BytesOf(result.sha256) : std::string_view());
  record.set_refused_reason(error.reason());
  record.set_refused_message(error.message());
  if (known && SerializeRecord(record) == SerializeRecord(*known)) return;
  const bool told = known && known->refused_reason() == error.reason() &&
                    known->refused_message() == error.message() &&
                    known->sha256() == record.sha256();
  // What the file showed before is not what it shows now.
  if (known && known->refused_reason() == 0) Detach(picture.path, *known);
  draft_.changes.PutSource(picture.path, record);
  if (told) return;
  ++draft_.counts.refused;
  v1::Receipt* receipt = draft_.AddReceipt(
      source_, picture.path, picture.product_id, record.sha256(),
      v1::Receipt::OUTCOME_REFUSED, now_unix_ms);
  receipt->set_reason(error.reason());
  receipt->set_message(error.message());
}

bool PictureBatch::ApplyUnread(const CatalogPicture& picture) {
  const auto known = FindSource(picture.path);
  if (!known || !SameFile(picture, *known)) return false;
  if (IsForeign(picture.product_id)) {
    // Told before, and nothing has changed.
    return known->refused_reason() == v1::ERROR_REASON_OTHER_SOURCE &&
           known->product_id() == picture.product_id;
  }
  if (MayPass(*known)) return false;
  if (known->product_id() != picture.product_id) {
    if (known->refused_reason() == 0) {
      Row row;
      row.product_id = picture.product_id;
      row.image_key = picture.path;
      known->sha256().copy(reinterpret_cast<char*>(row.sha256.data()),
                           row.sha256.size());
      row.vector = draft_.changes.FindVector(known->product_id(), picture.path);
      if (row.vector.empty()) return false;
      Detach(picture.path, *known);
      draft_.changes.PutImage(std::move(row), "");
    }
    storage::SourceFileRecord moved = *known;
    moved.set_product_id(picture.product_id);
    draft_.changes.PutSource(picture.path, moved);
  }
  if (Describe(picture.product_id)) draft_.is_prompt = true;
  return true;
}

void PictureBatch::Remove(const std::string& path, bool moved,
                          int64_t now_unix_ms) {
  const auto known = FindSource(path);
  if (!known) return;
  draft_.changes.RemoveSource(path);
  if (known->refused_reason() != 0) return;
  ++draft_.counts.removed;
  draft_.is_prompt = true;
  Detach(path, *known);
  if (!moved && !draft_.changes.FindProduct(known->product_id())) {
    ++draft_.deleted_products;
  }
  draft_.AddReceipt(source_, path, known->product_id(), known->sha256(),
                    v1::Receipt::OUTCOME_REMOVED, now_unix_ms);
}

void PictureBatch::Detach(const std::string& path,
                          const storage::SourceFileRecord& known) {
  draft_.changes.RemoveImage(known.product_id(), path);
  // Another picture may be its first one now.
  Describe(known.product_id());
}

bool PictureBatch::Describe(const std::string& product_id) {
  const auto product = draft_.changes.FindProduct(product_id);
  if (!product || IsForeign(product_id)) return false;
  storage::ProductRecord description =
      describe_(product_id, product->images(0).key());
  description.set_source(source_);
  return draft_.changes.Describe(product_id, std::move(description));
}

bool PictureBatch::IsForeign(const std::string& product_id) const {
  const auto product = draft_.changes.FindProduct(product_id);
  // A product that was never described has no source yet.
  return product && !product->source().empty() && product->source() != source_;
}

absl::Status PictureBatch::ForeignError(const CatalogPicture& picture) const {
  return MakeError(
      absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_OTHER_SOURCE,
      absl::StrCat("product '", picture.product_id, "' comes from ",
                   draft_.changes.FindProduct(picture.product_id)->source(),
                   "; give the picture another product, or let that source "
                   "delete it"));
}

}  // namespace vitrine
