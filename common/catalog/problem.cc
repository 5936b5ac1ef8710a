#include "common/catalog/problem.h"

namespace vitrine {

std::string_view ProblemKindName(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kBadRow:
      return "bad_row";
    case ProblemKind::kDuplicateRow:
      return "duplicate_row";
    case ProblemKind::kRowWithoutPicture:
      return "row_without_picture";
    case ProblemKind::kPictureWithoutRow:
      return "picture_without_row";
    case ProblemKind::kPictureOfTwoRows:
      return "picture_of_two_rows";
    case ProblemKind::kBadSidecar:
      return "bad_sidecar";
    case ProblemKind::kPathEscapes:
      return "path_escapes";
    case ProblemKind::kUnreadable:
      return "unreadable";
    case ProblemKind::kNotUtf8:
      return "not_utf8";
    case ProblemKind::kPatternWithoutMatch:
      return "pattern_without_match";
    case ProblemKind::kNameTooLong:
      return "name_too_long";
    case ProblemKind::kTableInSubfolder:
      return "table_in_subfolder";
  }
  return "unknown";
}

}  // namespace vitrine
