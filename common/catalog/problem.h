// What is wrong with a catalogue, place by place. Problems never stop a scan:
// everything that is right is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

enum class ProblemKind {
  kBadRow,               // a row or a field of it was not understood
  kDuplicateRow,         // a later row replaces an earlier one of the same id
  kRowWithoutPicture,    // a product or a named picture has no file
  kPictureWithoutRow,    // indexed all the same; its row applies when it comes
  kPictureOfTwoRows,     // the later row keeps the picture
  kBadSidecar,           // a side-car or a field of it was not understood
  kPathEscapes,          // a path or link leads out of the catalogue
  kUnreadable,           // a folder, link or table could not be read
  kNotUtf8,              // a table's line was read as ISO 8859-1
  kPatternWithoutMatch,  // --product-pattern found nothing in a name
  kNameTooLong,          // a product id would have more than 1,024 bytes
  kTableInSubfolder,     // a styles.csv or the like that is not in the root
};

// As printed and written to JSON: "bad_row", "row_without_picture", …
std::string_view ProblemKindName(ProblemKind kind);

struct CatalogProblem {
  ProblemKind kind;
  // The file, relative to the catalogue's root, as in CatalogPicture.
  std::string path;
  // The line in it, from 1; 0 where the file as a whole is meant.
  int line = 0;
  // The product; "" where it is not known.
  std::string product_id;
  // For people: path, line, the value that is wrong, and the remedy.
  std::string message;
};

using CatalogProblems = std::vector<CatalogProblem>;

}  // namespace vitrine
