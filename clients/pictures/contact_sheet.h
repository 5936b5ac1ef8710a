// The contact sheet of a query and its answers, as one would paste it into a
// report.
#pragma once

#include <cmath>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

struct SheetHit {
  cv::Mat picture;     // 8UC3 as BGR; empty: none, a grey box stands for it
  double score = NAN;  // 0 … 1
  bool same_content = false;
  // Framed green where it is true and red where it is false.
  std::optional<bool> right = std::nullopt;
  std::string product_id;
  std::string category;
  std::string title;
};

struct SheetRow {
  std::string title;  // may be empty
  std::vector<SheetHit> hits;
};

// Texts are UTF-8; see ToAscii.
struct ContactSheet {
  std::string title;
  std::vector<cv::Mat> query;  // pictures; may be empty
  std::string query_label;
  std::vector<SheetRow> rows;
  int columns = 0;  // of hits; 0: as many as go well with the longest row
};

// As many are drawn of a row; a line below says how many there are besides.
inline constexpr size_t kMaxHitsDrawn = 300;

// The query in a frame on the left, larger than the rest; to its right the
// rows, each a heading over a grid of pictures with score, category and id.
cv::Mat DrawContactSheet(const ContactSheet& sheet);

// Reads the JSON object that clients/pictures/main.cc documents, and decodes
// its pictures. INVALID_ARGUMENT naming the member that is wrong, or the
// query's picture that cannot be read. A thumbnail that is missing or damaged
// is none.
absl::StatusOr<ContactSheet> ParseContactSheet(const std::string& json_text);

}  // namespace vitrine
