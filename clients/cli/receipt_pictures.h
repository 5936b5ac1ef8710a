// The pictures that receipts are about, made small for a page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine::cli {

// What stands in a picture's place on the page.
struct ReportThumbnail {
  std::string jpeg_base64 = {};  // Empty where it cannot be shown, …
  std::string error = {};        // … and why.
  bool changed = false;          // The file is not what the receipt is about.
};

// So many pictures of each kind are shown at most; the page says how many are
// not.
inline constexpr size_t kMostShown = 2000;

// Where pictures lie; each may be empty, and what lies there is not shown then.
struct PictureFolders {
  std::string catalog;  // What the indexer reads.
  // An index folder: it has those that came by a queue with their bytes.
  std::string index;
};

// The thumbnails of the first kMostShown of `receipts`, made by `program`.
absl::StatusOr<std::vector<ReportThumbnail>> ThumbnailsOf(
    const std::string& program, const PictureFolders& folders,
    const std::vector<v1::Receipt>& receipts);

}  // namespace vitrine::cli
