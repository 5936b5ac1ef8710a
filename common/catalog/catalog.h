// A catalogue directory: which pictures it holds, to which product each
// belongs, and what is known of the products. Reads any of five layouts; writes
// nothing. docs/catalogues.md describes them for users.
//
// The product of a picture is, in this order,
//   1. what its side-car names as product_id;
//   2. the product whose line in products.jsonl names the picture;
//   3. group 1 of the product pattern, where there is one and it matches;
//   4. the row whose id is the picture's path or name without its ending, or
//      else the same without a trailing _N or -N ("1163_2.jpg" → 1163);
//   5. without a row, in the layouts with a CSV the file's name without its
//      ending, else the relative path without its ending.
// What is known of a product is its row, and over it the side-cars of its
// pictures. In a catalogue of folders the category is the top folder (a leading
// "images/" is none) and the attribute `folder` the whole one.
//
// What counts as a picture: every regular file, and every link to one, that is
// neither ignored nor a document nor *.json; see RoleOfName. Whether it can be
// decoded is found out by who decodes it, and ReadPicture refuses links that
// lead out of the catalogue.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/partition.h"
#include "common/catalog/catalog_folder.h"
#include "common/catalog/json_product.h"
#include "common/catalog/metadata.h"
#include "common/catalog/problem.h"
#include "vitrine/storage/records.pb.h"

namespace re2 {
class RE2;
}

namespace vitrine {

enum class Layout {
  kAuto,
  kFashion,   // styles.csv, one row a product
  kClothing,  // images.csv, one row a picture
  kFolders,   // a folder a category
  kPlain,     // pictures and nothing else
  kJsonl,     // products.jsonl, one line a product
};

// "auto", "fashion", "clothing", "folders", "plain", "jsonl".
absl::StatusOr<Layout> ParseLayout(std::string_view name);
std::string_view LayoutName(Layout layout);
// "styles.csv", "images.csv", "products.jsonl"; "" for a layout without a
// table.
std::string_view TableName(Layout layout);

struct CatalogOptions {
  std::filesystem::path root = {};
  // kAuto: products.jsonl, styles.csv or images.csv, whichever is there first;
  // else kPlain where the root holds more pictures than its sub-folders, and
  // kFolders where not.
  Layout layout = Layout::kAuto;
  // A column of the CSV or an attribute of products.jsonl; in kFolders "folder"
  // makes the whole folder the category. "": found.
  std::string category_attribute = {};
  // A regular expression (RE2 syntax) with a group, searched for in the file's
  // name, or in its relative path where the expression has a '/'. "": none.
  std::string product_pattern = {};
  // Pictures of other partitions' products are none of this catalogue's.
  Partition partition = {};
  // root_identity() of an earlier run; "": not known. See Scan.
  std::string root_identity = {};
};

struct CatalogPicture {
  // Relative to the root, separated by '/', UTF-8 (see EscapePath). Unique: it
  // is the picture's key.
  std::string path;
  std::string product_id;  // 1 to 1,024 bytes of UTF-8
  uint64_t bytes = 0;
  int64_t modified_unix_ns = 0;
};

struct Listing {
  // In byte order of their paths.
  std::vector<CatalogPicture> pictures;
  // Folders and links that could not be read. What is known of pictures at or
  // below them still holds.
  std::vector<std::string> unreadable;
  // Products that the table says are deleted, and their pictures, which are not
  // listed.
  std::set<std::string, std::less<>> deleted_products;
  std::set<std::string, std::less<>> deleted_pictures;
  CatalogProblems problems;
};

// What a change of a file means for the catalogue.
enum class FileRole {
  kIgnored,  // nothing
  kPicture,  // see Resolve
  kTable,    // the catalogue's table, or one that would be: Scan anew
  kSidecar,  // see ResolveSidecar
};

// Const methods may run concurrently with one another, but with none of the
// others.
class Catalog {
 public:
  // Finds the layout and reads the table. NOT_FOUND where the root is missing
  // and UNAVAILABLE where it cannot be read: both are outages, after which
  // nothing is known to be gone. INVALID_ARGUMENT where the options do not fit
  // the catalogue, with the remedy.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(
      const CatalogOptions& options);
  ~Catalog();

  const std::filesystem::path& root() const { return options_.root; }
  // Never kAuto. Under kAuto a table that appears later changes it at the next
  // scan.
  Layout layout() const { return layout_; }
  // The attribute that is the category; "folder" in kFolders, "" where there is
  // none.
  const std::string& category_attribute() const { return category_attribute_; }
  // Rows of the table; 0 without one.
  size_t rows() const { return metadata_ ? metadata_->rows() : 0; }
  // Tells the root folder from another under the same path, as when a volume is
  // mounted or unmounted. "" before the first scan that found a picture.
  const std::string& root_identity() const { return root_identity_; }
  // Rises whenever the table or a side-car was read anew: Describe may tell
  // something else of any product.
  uint64_t metadata_version() const { return metadata_version_; }

  // Walks the catalogue; reads the table and the side-cars that have changed. A
  // table that became unreadable or went away is a problem, and what it said
  // stays in use. UNAVAILABLE where the root is missing or unreadable, or is
  // another folder than before and empty (an unmounted volume): an outage.
  //
  // `settled` is asked of a table or side-car that would be read anew: false
  // where it is still being written. What it said before stays in use then.
  using SettledFn =
      std::function<bool(const std::string& path, const FileVersion& version)>;
  absl::StatusOr<Listing> Scan(const SettledFn& settled = nullptr);

  // Reads a table that has changed in fields alone, without a scan, and returns
  // the products that have others now. Nothing where a scan must do it: it
  // names other products or pictures, cannot be read, or is being written.
  std::optional<std::vector<std::string>> RefreshFields(
      const SettledFn& settled = nullptr);

  // By the path alone.
  FileRole RoleOf(std::string_view path) const;

  // The picture at `path` as it is now, without a scan; its side-car is read
  // if it has changed. nullopt where Scan would not list it. Problems of this
  // picture are appended.
  std::optional<CatalogPicture> Resolve(std::string_view path,
                                        CatalogProblems* problems);

  // The pictures to which a side-car at `path` applies, whether it came,
  // changed or went; Describe tells the new state afterwards.
  std::vector<CatalogPicture> ResolveSidecar(std::string_view path,
                                             CatalogProblems* problems);

  // Whether there is another version of the table than the one in use.
  bool TableHasChanged() const;

  // Whether the table says that the product is deleted.
  bool IsDeleted(std::string_view product_id) const;

  // Title, category and attributes of a product, as of the last scan and of
  // what was resolved since. `first_picture` is the path of the first of its
  // pictures, in byte order: it decides on the folder.
  storage::ProductRecord Describe(std::string_view product_id,
                                  std::string_view first_picture) const;

  // The bytes of a picture, never of a file outside of the catalogue; see
  // ReadBeneath.
  absl::StatusOr<std::string> ReadPicture(std::string_view path,
                                          uint64_t max_bytes) const;

 private:
  struct Sidecar {
    FileVersion version;
    JsonProduct product;
    CatalogProblems problems;
    std::set<std::string> products;  // to which it was applied
  };
  struct Found {
    CatalogPicture picture;
    std::optional<size_t> row;
    bool deleted = false;  // The row says so.
  };

  explicit Catalog(const CatalogOptions& options);
  absl::Status CompilePattern();

  // In catalog_tables.cc.
  absl::Status FindLayout();
  // The layout that the files in the root ask for; kAuto where there is no
  // table.
  Layout TableLayout() const;
  struct LoadedTable {
    std::unique_ptr<Metadata> metadata;
    std::optional<FileVersion> version;
    CatalogProblems problems;
  };
  absl::StatusOr<LoadedTable> ReadTable(Layout layout) const;
  absl::Status LoadTable(Layout layout);
  // All but row_of_picture_.
  void UseTable(LoadedTable table);
  void RefreshTable(const SettledFn& settled, CatalogProblems* problems);
  void FollowRowPictures(const std::vector<FoundFile>& pictures,
                         CatalogProblems* problems);
  void ReportMissingPictures(const std::vector<CatalogPicture>& pictures,
                             const std::vector<bool>& row_has_picture,
                             CatalogProblems* problems) const;

  // In catalog_sidecars.cc.
  void RefreshSidecar(const std::string& path,
                      const std::optional<FileVersion>& version);
  void RefreshSidecars(const Walk& walk, const SettledFn& settled);
  // The side-cars of a picture that were read; the more particular one last.
  std::vector<std::pair<const std::string, Sidecar>*> SidecarsOf(
      std::string_view picture);

  std::optional<Found> MakePicture(const FoundFile& file,
                                   CatalogProblems* problems);
  std::optional<size_t> RowOf(std::string_view path) const;

  const CatalogOptions options_;
  Layout layout_ = Layout::kAuto;
  std::string category_attribute_;
  std::string root_identity_;
  uint64_t metadata_version_ = 0;
  std::unique_ptr<re2::RE2> pattern_;

  std::unique_ptr<Metadata> metadata_;  // null in kFolders and kPlain
  std::optional<FileVersion> table_version_;
  CatalogProblems table_problems_;
  // Pictures that rows name, under the paths by which a walk finds them.
  std::unordered_map<std::string, size_t> row_of_picture_;

  std::map<std::string, Sidecar> sidecars_;  // by path
  // The side-cars of a product, the more particular ones (x.jpg.json) last.
  std::unordered_map<std::string, std::set<std::pair<bool, std::string>>>
      sidecars_of_product_;
};

// What ReadPicture failed with, as the refusal of the picture that receipts
// show: INVALID_ARGUMENT with IMAGE_TOO_LARGE or IMAGE_UNREADABLE and the
// remedy. NOT_FOUND, the picture is gone meanwhile, stays as it is.
absl::Status ReadRefusal(const absl::Status& status, std::string_view path,
                         uint64_t max_bytes);

}  // namespace vitrine
