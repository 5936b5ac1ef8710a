#include "indexer/event_applier.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "indexer/queued_product.h"

namespace vitrine {
namespace {

using Kind = ProductChange::Kind;

storage::SourceFileRecord RecordOf(const ProductChange& change,
                                   const EventPicture& picture,
                                   const PictureResult& result) {
  storage::SourceFileRecord record;
  if (picture.content != nullptr) record.set_bytes(picture.content->size());
  if (result.sha256 != Sha256Digest{}) {
    record.set_sha256(std::string(BytesOf(result.sha256)));
  }
  record.set_product_id(change.product_id);
  record.set_path(picture.path);
  return record;
}

}  // namespace

bool EventApplier::SetsPictures(
    const ProductChange& change,
    const storage::QueuedProductRecord& state) const {
  if (change.restores) return change.version == state.pictures_version();
  return change.kind != Kind::kDescribe &&
         change.version > state.pictures_version();
}

absl::StatusOr<bool> EventApplier::IsNews(const ProductChange& change) const {
  const auto belongs_to = [&change](const std::string& owner) {
    return MakeError(
        absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_OTHER_SOURCE,
        absl::StrCat("product '", change.product_id, "' belongs to ", owner,
                     ", and this is of ", change.source,
                     "; let that source delete it first"),
        "product_id");
  };
  const auto live = draft_.changes.FindProduct(change.product_id);
  if (live && live->source() != change.source) {
    return belongs_to(live->source());
  }
  const auto state = draft_.changes.FindQueuedProduct(change.product_id);
  // To describe or delete what is not there is news too: it is older than what
  // may come.
  if (!state) return true;
  if (state->source() != change.source) {
    // A product without pictures belongs to its source as others do, and what
    // it has deleted may be put by others, not described.
    if (state->has_fields()) return belongs_to(state->source());
    const auto earlier = state->earlier().find(change.source);
    return change.kind != Kind::kDescribe &&
           (earlier == state->earlier().end() ||
            change.version > earlier->second.version());
  }
  return change.version > state->fields_version() ||
         SetsPictures(change, *state);
}

void EventApplier::Apply(const ProductChange& change,
                         std::vector<PictureResult> results,
                         int64_t now_unix_ms) {
  ChangeSet& changes = draft_.changes;
  const std::string& id = change.product_id;
  storage::QueuedProductRecord state =
      changes.FindQueuedProduct(id).value_or(storage::QueuedProductRecord());
  if (state.source() != change.source) {
    GiveTo(change.source, now_unix_ms, &state);
  }
  if (change.kind != Kind::kPut) draft_.is_prompt = true;
  if (!change.restores && change.version > state.fields_version()) {
    if (change.kind == Kind::kDelete) {
      state.clear_fields();
    } else {
      *state.mutable_fields() = change.fields;
    }
    state.set_fields_version(change.version);
  }
  if (SetsPictures(change, state)) {
    std::set<std::string> named;
    for (size_t i = 0; i < change.pictures.size(); ++i) {
      named.insert(change.pictures[i].key);
      PutPicture(change, change.pictures[i], std::move(results[i]),
                 now_unix_ms);
    }
    const std::string all = QueuedPictureKey(id, "");
    for (const std::string& known : changes.SourcesWithPrefix(all)) {
      std::string key = known.substr(all.size());
      if (!named.contains(key)) {
        RemovePicture(change.source, id, key, now_unix_ms);
      }
    }
    state.set_pictures_version(change.version);
  }
  if (changes.FindProduct(id)) {
    state.clear_absent_unix_ms();
    changes.Describe(id, state.fields());
  } else {
    state.set_absent_unix_ms(now_unix_ms);
  }
  changes.PutQueuedProduct(id, state);
}

void EventApplier::PutPicture(const ProductChange& change,
                              const EventPicture& picture, PictureResult result,
                              int64_t now_unix_ms) {
  if (absl::IsNotFound(result.status)) {
    result.status = MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_IMAGE_UNREADABLE,
        absl::StrCat("there is no file ", picture.path,
                     " below the indexer's --queue-files; put it there and "
                     "send the event again with a higher version"));
  }
  if (!result.status.ok()) {
    RefusePicture(change, picture, result, now_unix_ms);
    return;
  }
  const std::string source_key =
      QueuedPictureKey(change.product_id, picture.key);
  const auto known = draft_.changes.FindSource(source_key);
  const storage::SourceFileRecord record = RecordOf(change, picture, result);
  const bool indexed = known && known->refused_reason() == 0;
  if (indexed && known->sha256() == record.sha256()) {
    ++draft_.counts.unchanged;
    if (change.restores) return;
    draft_.changes.PutSource(source_key, record);
    if (picture.content != nullptr && !known->path().empty()) {
      draft_.changes.PutOriginal(result.sha256, *picture.content);
    }
    return;
  }
  if (result.reused) ++draft_.counts.reused;
  ++(indexed ? draft_.counts.changed : draft_.counts.accepted);
  if (picture.content != nullptr && !picture.is_kept) {
    draft_.changes.PutOriginal(result.sha256, *picture.content);
  }
  Row row;
  row.product_id = change.product_id;
  row.image_key = picture.key;
  row.sha256 = result.sha256;
  row.vector = std::move(result.vector);
  draft_.changes.PutImage(std::move(row), std::move(result.thumbnail));
  draft_.changes.PutSource(source_key, record);
  v1::Receipt* receipt = draft_.AddReceipt(
      change.source, picture.key, change.product_id, BytesOf(result.sha256),
      indexed ? v1::Receipt::OUTCOME_CHANGED : v1::Receipt::OUTCOME_ACCEPTED,
      now_unix_ms);
  for (std::string& warning : result.warnings) {
    receipt->add_warnings(std::move(warning));
  }
}

void EventApplier::RefusePicture(const ProductChange& change,
                                 const EventPicture& picture,
                                 const PictureResult& result,
                                 int64_t now_unix_ms) {
  const v1::Error error = ErrorOf(result.status);
  storage::SourceFileRecord record = RecordOf(change, picture, result);
  record.set_refused_reason(error.reason());
  record.set_refused_message(error.message());
  const std::string source_key =
      QueuedPictureKey(change.product_id, picture.key);
  const auto known = draft_.changes.FindSource(source_key);
  // What it showed before is not what it shows now.
  draft_.changes.RemoveImage(change.product_id, picture.key);
  draft_.changes.PutSource(source_key, record);
  if (change.restores && known &&
      known->refused_reason() == record.refused_reason() &&
      known->refused_message() == record.refused_message() &&
      known->sha256() == record.sha256()) {
    // Told before.
    return;
  }
  if (keep_refused_ && picture.content != nullptr && !record.sha256().empty()) {
    keep_refused_(record.sha256(), *picture.content);
  }
  ++draft_.counts.refused;
  v1::Receipt* receipt = draft_.AddReceipt(
      change.source, picture.key, change.product_id, record.sha256(),
      v1::Receipt::OUTCOME_REFUSED, now_unix_ms);
  receipt->set_reason(error.reason());
  receipt->set_message(error.message());
}

void EventApplier::RemovePicture(const std::string& source,
                                 const std::string& product_id,
                                 const std::string& key, int64_t now_unix_ms) {
  const std::string source_key = QueuedPictureKey(product_id, key);
  const auto known = draft_.changes.FindSource(source_key);
  draft_.changes.RemoveSource(source_key);
  if (!known || known->refused_reason() != 0) return;
  draft_.changes.RemoveImage(product_id, key);
  ++draft_.counts.removed;
  draft_.AddReceipt(source, key, product_id, known->sha256(),
                    v1::Receipt::OUTCOME_REMOVED, now_unix_ms);
}

void EventApplier::Refuse(std::string_view source, std::string_view entry,
                          std::string_view product_id,
                          const absl::Status& status, int64_t now_unix_ms) {
  const v1::Error error = ErrorOf(status);
  ++draft_.counts.refused;
  v1::Receipt* receipt =
      draft_.AddReceipt(source, entry, product_id, /*sha256=*/{},
                        v1::Receipt::OUTCOME_REFUSED, now_unix_ms);
  receipt->set_reason(error.reason());
  receipt->set_message(error.message());
}

}  // namespace vitrine
