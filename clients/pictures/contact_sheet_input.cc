// The JSON object that describes a contact sheet.
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/pictures/contact_sheet.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/image/image.h"

namespace vitrine {
namespace {

using nlohmann::json;

constexpr int kMinSide = 480;  // more than a sheet shows of any picture

absl::Status Wrong(const std::string& where, const std::string& what,
                   const json& value) {
  // Not dump() of a structure: that recurses as deep as it is nested.
  const std::string found =
      value.is_structured()
          ? absl::StrCat("an ", value.type_name())
          : Excerpt(value.dump(-1, ' ', false, json::error_handler_t::replace),
                    60);
  return absl::InvalidArgumentError(
      absl::StrCat(where, " must be ", what, ", not ", found));
}

// A member that may be missing or null.
const json* Member(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

absl::StatusOr<std::string> Text(const json& object, const char* name,
                                 const std::string& where) {
  const json* value = Member(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) {
    return Wrong(absl::StrCat(where, name), "a string", *value);
  }
  return value->get<std::string>();
}

absl::StatusOr<cv::Mat> Decode(std::string_view bytes) {
  VITRINE_ASSIGN_OR_RETURN(Image image, DecodeImage(bytes, {}, kMinSide));
  cv::Mat bgr;
  cv::cvtColor(cv::Mat(image.height, image.width, CV_8UC3, image.rgb.data()),
               bgr, cv::COLOR_RGB2BGR);
  return bgr;
}

absl::StatusOr<cv::Mat> DecodeBase64(const std::string& text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) {
    return absl::InvalidArgumentError("is not base64");
  }
  return Decode(bytes);
}

absl::StatusOr<cv::Mat> ReadQueryImage(const json& value,
                                       const std::string& where) {
  if (!value.is_object()) {
    return Wrong(where, "an object with a path or a jpeg_base64", value);
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string path,
                           Text(value, "path", where + "."));
  VITRINE_ASSIGN_OR_RETURN(const std::string base64,
                           Text(value, "jpeg_base64", where + "."));
  if (path.empty() && base64.empty()) return cv::Mat();
  if (path.empty()) {
    auto decoded = DecodeBase64(base64);
    return decoded.ok() ? std::move(decoded)
                        : Annotate(decoded.status(), where + ".jpeg_base64");
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string bytes,
                           ReadFile(path, ImageLimits().max_bytes));
  auto decoded = Decode(bytes);
  return decoded.ok() ? std::move(decoded) : Annotate(decoded.status(), path);
}

absl::StatusOr<SheetHit> ReadHit(const json& value, const std::string& where) {
  if (!value.is_object()) return Wrong(where, "an object", value);
  SheetHit hit;
  const std::string dot = where + ".";
  VITRINE_ASSIGN_OR_RETURN(hit.product_id, Text(value, "product_id", dot));
  VITRINE_ASSIGN_OR_RETURN(hit.category, Text(value, "category", dot));
  VITRINE_ASSIGN_OR_RETURN(hit.title, Text(value, "title", dot));
  if (const json* score = Member(value, "score")) {
    if (!score->is_number()) return Wrong(dot + "score", "a number", *score);
    hit.score = score->get<double>();
  }
  if (const json* same = Member(value, "same_content")) {
    if (!same->is_boolean()) {
      return Wrong(dot + "same_content", "true or false", *same);
    }
    hit.same_content = same->get<bool>();
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string base64,
                           Text(value, "jpeg_base64", dot));
  if (!base64.empty()) {
    if (auto picture = DecodeBase64(base64); picture.ok()) {
      hit.picture = *std::move(picture);
    }
  }
  return hit;
}

absl::StatusOr<SheetRow> ReadRow(const json& value, const std::string& where) {
  if (!value.is_object()) return Wrong(where, "an object", value);
  SheetRow row;
  VITRINE_ASSIGN_OR_RETURN(row.title, Text(value, "title", where + "."));
  const json* hits = Member(value, "hits");
  if (hits == nullptr) return row;
  if (!hits->is_array()) return Wrong(where + ".hits", "an array", *hits);
  for (size_t i = 0; i < hits->size(); ++i) {
    VITRINE_ASSIGN_OR_RETURN(
        SheetHit hit,
        ReadHit((*hits)[i], absl::StrCat(where, ".hits[", i, "]")));
    row.hits.push_back(std::move(hit));
  }
  return row;
}

}  // namespace

absl::StatusOr<ContactSheet> ParseContactSheet(const std::string& json_text) {
  json root;
  try {
    root = json::parse(json_text);
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        "standard input is not JSON: ", Excerpt(error.what(), 200)));
  }
  if (!root.is_object()) return Wrong("standard input", "a JSON object", root);
  ContactSheet sheet;
  VITRINE_ASSIGN_OR_RETURN(sheet.title, Text(root, "title", ""));
  if (const json* query = Member(root, "query")) {
    if (!query->is_object()) return Wrong("query", "an object", *query);
    VITRINE_ASSIGN_OR_RETURN(sheet.query_label,
                             Text(*query, "label", "query."));
    if (const json* images = Member(*query, "images")) {
      if (!images->is_array()) {
        return Wrong("query.images", "an array", *images);
      }
      for (size_t i = 0; i < images->size(); ++i) {
        VITRINE_ASSIGN_OR_RETURN(
            cv::Mat image,
            ReadQueryImage((*images)[i],
                           absl::StrCat("query.images[", i, "]")));
        sheet.query.push_back(std::move(image));
      }
    }
  }
  const json* rows = Member(root, "rows");
  if (rows == nullptr || !rows->is_array()) {
    return Wrong("rows", "an array", rows == nullptr ? json() : *rows);
  }
  for (size_t i = 0; i < rows->size(); ++i) {
    VITRINE_ASSIGN_OR_RETURN(
        SheetRow row, ReadRow((*rows)[i], absl::StrCat("rows[", i, "]")));
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

}  // namespace vitrine
