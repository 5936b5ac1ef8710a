#include "indexer/catalog_event.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/catalog/metadata.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {
namespace {

constexpr size_t kMaxSourceBytes = 256;
constexpr size_t kMaxKeyBytes = kMaxProductIdBytes;
// Of title, category and attributes: they are read with every hit.
constexpr size_t kMaxFieldBytes = 64 << 10;
constexpr int kMaxPictures = 1000;

absl::Status Invalid(std::string_view message, std::string_view field) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_EVENT,
      absl::StrCat(std::string(field), ": ", std::string(message)), field);
}

// An id or key: what may stand in a path and in a log.
absl::Status CheckName(std::string_view name, std::string_view field) {
  if (name.empty()) return Invalid("is missing", field);
  if (name.size() > kMaxKeyBytes) {
    return Invalid(absl::StrCat("has ", name.size(), " bytes; at most ",
                                kMaxKeyBytes, " are allowed"),
                   field);
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return Invalid(absl::StrCat("'", Excerpt(name),
                                  "' has a control character; leave it out"),
                     field);
    }
  }
  return absl::OkStatus();
}

// In milliseconds since 1970; never 0, which records take for none.
absl::StatusOr<int64_t> OfferTime(const google::protobuf::Timestamp& time,
                                  std::string_view field) {
  // Years 1 to 9999, as the type demands.
  if (time.seconds() < -62'135'596'800 || time.seconds() > 253'402'300'799 ||
      time.nanos() < 0 || time.nanos() > 999'999'999) {
    return Invalid(absl::StrCat(time.seconds(), " s and ", time.nanos(),
                                " ns since 1970 is no time of the years 1 to "
                                "9999"),
                   field);
  }
  const int64_t ms = time.seconds() * 1000 + time.nanos() / 1'000'000;
  return ms == 0 ? 1 : ms;
}

absl::Status CheckAttribute(const std::string& name,
                            const v1::AttributeValue& value) {
  const std::string field =
      absl::StrCat("upsert.attributes['", Excerpt(name), "']");
  if (name.empty()) return Invalid("an attribute needs a name", field);
  switch (value.kind_case()) {
    case v1::AttributeValue::KIND_NOT_SET:
      return Invalid("has no value; set text, number, flag or list", field);
    case v1::AttributeValue::kNumber:
      if (!std::isfinite(value.number())) {
        return Invalid(
            absl::StrCat(value.number(), " is not finite; leave it out"),
            field);
      }
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::ProductRecord> ReadFields(
    const v1::ProductUpsert& upsert) {
  storage::ProductRecord fields;
  fields.set_title(upsert.title());
  fields.set_category(upsert.category());
  for (const auto& [name, value] : upsert.attributes()) {
    VITRINE_RETURN_IF_ERROR(CheckAttribute(name, value));
    // The two messages have the same fields.
    (*fields.mutable_attributes())[name].ParseFromString(
        value.SerializeAsString());
  }
  if (upsert.has_visible_from()) {
    VITRINE_ASSIGN_OR_RETURN(
        const int64_t ms,
        OfferTime(upsert.visible_from(), "upsert.visible_from"));
    fields.set_visible_from_unix_ms(ms);
  }
  if (upsert.has_visible_until()) {
    VITRINE_ASSIGN_OR_RETURN(
        const int64_t ms,
        OfferTime(upsert.visible_until(), "upsert.visible_until"));
    fields.set_visible_until_unix_ms(ms);
    if (upsert.has_visible_from() && ms <= fields.visible_from_unix_ms()) {
      return Invalid("is not after visible_from: it would never be offered",
                     "upsert.visible_until");
    }
  }
  if (fields.ByteSizeLong() > kMaxFieldBytes) {
    return Invalid(absl::StrCat("title, category and attributes have ",
                                fields.ByteSizeLong(), " bytes; at most ",
                                kMaxFieldBytes, " are allowed"),
                   "upsert");
  }
  return fields;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    uint32_t byte = 0;
    if (i + 2 >= text.size() ||
        !absl::SimpleHexAtoi(absl::string_view(text.data() + i + 1, 2),
                             &byte)) {
      return std::nullopt;
    }
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

// The path below the root of what a URI names.
absl::StatusOr<std::string> PathOfUri(std::string_view uri,
                                      std::string_view root,
                                      std::string_view field) {
  constexpr std::string_view kScheme = "file://";
  std::string_view rest = uri;
  if (!rest.starts_with(kScheme)) {
    return Invalid(absl::StrCat("'", Excerpt(uri),
                                "' is no file: URI; send the bytes as content"),
                   field);
  }
  rest.remove_prefix(kScheme.size());
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  const auto decoded = PercentDecoded(rest);
  if (!decoded || !decoded->starts_with('/')) {
    return Invalid(absl::StrCat("'", Excerpt(uri),
                                "' is not file:///… with an absolute path"),
                   field);
  }
  const std::string base =
      (std::filesystem::absolute(root).lexically_normal() / "").string();
  const std::string path =
      std::filesystem::path(*decoded).lexically_normal().string();
  if (!path.starts_with(base)) {
    return Invalid(
        absl::StrCat("'", Excerpt(uri), "' does not lie below ", base), field);
  }
  return path.substr(base.size());
}

absl::Status CheckPath(std::string_view path, std::string_view field) {
  VITRINE_RETURN_IF_ERROR(CheckName(path, field));
  if (path.front() == '/') {
    return Invalid(absl::StrCat("'", Excerpt(path),
                                "' is absolute; name it from the root of "
                                "--queue-files, or as a file: URI"),
                   field);
  }
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    if (part == "..") {
      return Invalid(absl::StrCat("'", Excerpt(path), "' leads upwards"),
                     field);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<EventPicture>> ReadPictures(
    v1::ProductUpsert* upsert, std::string_view root) {
  if (upsert->images_size() > kMaxPictures) {
    return Invalid(absl::StrCat("there are ", upsert->images_size(),
                                "; a product has at most ", kMaxPictures),
                   "upsert.images");
  }
  std::vector<EventPicture> pictures;
  std::set<std::string_view> keys;
  for (int i = 0; i < upsert->images_size(); ++i) {
    v1::CatalogImage* image = upsert->mutable_images(i);
    const std::string field = absl::StrCat("upsert.images[", i, "]");
    VITRINE_RETURN_IF_ERROR(CheckName(image->key(), field + ".key"));
    if (!keys.insert(image->key()).second) {
      return Invalid(absl::StrCat("'", image->key(), "' stands there twice"),
                     field + ".key");
    }
    EventPicture picture;
    picture.key = image->key();
    switch (image->location_case()) {
      case v1::CatalogImage::kContent:
        picture.content = std::make_shared<const std::string>(
            std::move(*image->mutable_content()));
        break;
      case v1::CatalogImage::kPath:
        VITRINE_RETURN_IF_ERROR(CheckPath(image->path(), field + ".path"));
        picture.path = image->path();
        break;
      case v1::CatalogImage::kUri: {
        if (!root.empty()) {
          VITRINE_ASSIGN_OR_RETURN(
              picture.path, PathOfUri(image->uri(), root, field + ".uri"));
          VITRINE_RETURN_IF_ERROR(CheckPath(picture.path, field + ".uri"));
        }
        break;
      }
      case v1::CatalogImage::LOCATION_NOT_SET:
        return Invalid("has no content, path or uri", field);
    }
    if (picture.content == nullptr && root.empty()) {
      return Invalid(
          "is a path, and the indexer has no --queue-files to read it from; "
          "send the bytes as content",
          field);
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace

std::string QueueSourceName(std::string_view sender) {
  return sender.empty() ? "queue" : absl::StrCat("queue/", std::string(sender));
}

absl::StatusOr<ProductChange> ReadCatalogEvent(std::string_view bytes,
                                               uint64_t entry_version,
                                               std::string_view root) {
  v1::CatalogEvent event;
  if (bytes.size() > INT32_MAX ||
      !event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Invalid(absl::StrCat("these ", bytes.size(),
                                " bytes are no vitrine.v1.CatalogEvent"),
                   "event");
  }
  ProductChange change;
  if (event.source().size() > kMaxSourceBytes) {
    return Invalid(
        absl::StrCat("has ", event.source().size(), " bytes; at most ",
                     kMaxSourceBytes, " are allowed"),
        "source");
  }
  if (!event.source().empty()) {
    VITRINE_RETURN_IF_ERROR(CheckName(event.source(), "source"));
  }
  change.source = QueueSourceName(event.source());
  change.version = event.version() > 0 ? event.version() : entry_version;
  switch (event.change_case()) {
    case v1::CatalogEvent::kDelete:
      change.kind = ProductChange::Kind::kDelete;
      change.product_id = event.delete_().product_id();
      VITRINE_RETURN_IF_ERROR(
          CheckName(change.product_id, "delete.product_id"));
      return change;
    case v1::CatalogEvent::CHANGE_NOT_SET:
      return Invalid("is neither upsert nor delete", "change");
    case v1::CatalogEvent::kUpsert:
      break;
  }
  v1::ProductUpsert* upsert = event.mutable_upsert();
  change.product_id = upsert->product_id();
  VITRINE_RETURN_IF_ERROR(CheckName(change.product_id, "upsert.product_id"));
  VITRINE_ASSIGN_OR_RETURN(change.fields, ReadFields(*upsert));
  change.fields.set_source(change.source);
  change.fields.set_version(change.version);
  if (!upsert->attributes_only()) {
    VITRINE_ASSIGN_OR_RETURN(change.pictures, ReadPictures(upsert, root));
    return change;
  }
  change.kind = ProductChange::Kind::kDescribe;
  if (upsert->images_size() > 0) {
    return Invalid("there are pictures, and attributes_only leaves them alone",
                   "upsert.images");
  }
  return change;
}

}  // namespace vitrine
