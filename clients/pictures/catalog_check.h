// What vitrine-indexer would read from a catalogue, found out by reading it
// with the same code. Writes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "common/catalog/catalog.h"
#include "vitrine/storage/records.pb.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

struct CheckOptions {
  CatalogOptions catalog = {};
  bool quick = false;  // headers alone: what is cut off or damaged is not seen
  int threads = 0;     // 0: all cores
  cli::Progress::Mode progress = cli::Progress::Mode::kOff;  // to stderr
};

struct RefusedPicture {
  std::string path;
  std::string product_id;
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  std::string message;
};

struct CheckedAttribute {
  std::string name;
  std::string type;      // "text", "number", "flag", "list" or "mixed"
  int64_t products = 0;  // that have it
};

struct CheckReport {
  std::string root;
  Layout layout = Layout::kAuto;
  std::string category_attribute;
  bool quick = false;
  int64_t rows = 0;
  int64_t products = 0;  // with at least one picture that is not refused
  int64_t pictures = 0;  // those that are not refused
  uint64_t bytes = 0;    // of all pictures
  // The pictures that are not refused, by path, and their products by id.
  std::vector<CatalogPicture> listed;
  std::map<std::string, storage::ProductRecord> records;
  // Category and products, most first; "" stands for none.
  std::vector<std::pair<std::string, int64_t>> categories;
  std::vector<CheckedAttribute> attributes;  // by name
  std::vector<RefusedPicture> refused;       // by path
  CatalogProblems problems;
  // Files that are neither pictures nor part of the catalogue, and folders that
  // are passed over whole; by path, the latter with a '/' behind them.
  std::vector<std::string> passed_over;
  double seconds = 0;

  // Whether there are pictures, none is refused and nothing is wrong with what
  // is said of them.
  bool clean() const;
};

// Pictures are decoded as the indexer would, on many threads. Errors as
// Catalog::Open and Catalog::Scan.
absl::StatusOr<CheckReport> CheckCatalog(const CheckOptions& options);

// For people, with the first few of each kind of problem; one JSON object with
// all of them, on one line; and the pictures for programs, an object a line
// with path, product_id, title, category and attributes, after a line on the
// whole.
std::string CheckTable(const CheckReport& report);
std::string CheckJson(const CheckReport& report);
std::string CheckJsonLines(const CheckReport& report);

}  // namespace vitrine
