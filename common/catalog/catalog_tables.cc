// Layouts and tables: which one a catalogue has, reading it, reading it again.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/catalog/catalog.h"
#include "common/catalog/catalog_names.h"

namespace vitrine {
namespace {

constexpr uint64_t kMaxTableBytes = uint64_t{2} << 30;

struct LayoutEntry {
  Layout layout;
  std::string_view name;
  std::string_view table;
};
// Those with a table in the order in which kAuto looks for them.
constexpr std::array<LayoutEntry, 6> kLayouts = {{
    {Layout::kJsonl, "jsonl", "products.jsonl"},
    {Layout::kFashion, "fashion", "styles.csv"},
    {Layout::kClothing, "clothing", "images.csv"},
    {Layout::kFolders, "folders", ""},
    {Layout::kPlain, "plain", ""},
    {Layout::kAuto, "auto", ""},
}};

size_t Rank(Layout layout) {
  return std::find_if(kLayouts.begin(), kLayouts.end(),
                      [&](const auto& e) { return e.layout == layout; }) -
         kLayouts.begin();
}

bool IsThere(const std::filesystem::path& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

bool Lists(const std::vector<FoundFile>& files, std::string_view path) {
  const auto at = std::lower_bound(
      files.begin(), files.end(), path,
      [](const FoundFile& f, std::string_view p) { return f.path < p; });
  return at != files.end() && at->path == path;
}

}  // namespace

absl::StatusOr<Layout> ParseLayout(std::string_view name) {
  for (const LayoutEntry& entry : kLayouts) {
    if (entry.name == name) return entry.layout;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no layout \"", Excerpt(name),
      "\"; there are auto, fashion, clothing, folders, plain and jsonl"));
}

std::string_view LayoutName(Layout layout) {
  return kLayouts[Rank(layout)].name;
}

std::string_view TableName(Layout layout) {
  return kLayouts[Rank(layout)].table;
}

Layout Catalog::TableLayout() const {
  for (const LayoutEntry& entry : kLayouts) {
    if (!entry.table.empty() && IsThere(options_.root / entry.table)) {
      return entry.layout;
    }
  }
  return Layout::kAuto;
}

absl::Status Catalog::FindLayout() {
  Layout layout = options_.layout;
  const std::string_view wanted_table = TableName(layout);
  if (!wanted_table.empty() && !IsThere(options_.root / wanted_table)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the layout ", std::string(LayoutName(layout)), " needs a file ",
        (options_.root / wanted_table).string(),
        ", which is not there; put it there, or let --layout=auto find the "
        "layout"));
  }
  if (layout == Layout::kAuto) layout = TableLayout();
  if (layout == Layout::kAuto) {
    VITRINE_ASSIGN_OR_RETURN(const Walk walk, WalkCatalog(options_.root));
    const auto bare = static_cast<size_t>(std::count_if(
        walk.pictures.begin(), walk.pictures.end(), [](const FoundFile& f) {
          return f.path.find('/') == std::string::npos;
        }));
    layout =
        bare > walk.pictures.size() - bare ? Layout::kPlain : Layout::kFolders;
  }
  if (!TableName(layout).empty()) return LoadTable(layout);
  layout_ = layout;
  category_attribute_ = layout == Layout::kFolders ? "folder" : "";
  if (!options_.category_attribute.empty() &&
      options_.category_attribute != category_attribute_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the layout ", std::string(LayoutName(layout)), " has no attribute \"",
        Excerpt(options_.category_attribute),
        "\" that was named as the category; ",
        layout == Layout::kFolders
            ? "there is \"folder\" alone (the default is the top folder)"
            : "it has none; put the pictures into a folder a category, or "
              "add a styles.csv or products.jsonl"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Catalog::LoadedTable> Catalog::ReadTable(Layout layout) const {
  const std::string name(TableName(layout));
  LoadedTable loaded;
  // The version before the reading: a change meanwhile is seen by the next
  // scan.
  loaded.version = StatBeneath(options_.root, name);
  VITRINE_ASSIGN_OR_RETURN(std::string text,
                           ReadBeneath(options_.root, name, kMaxTableBytes));
  auto metadata =
      layout == Layout::kJsonl
          ? ParseJsonlMetadata(std::move(text), name,
                               options_.category_attribute, &loaded.problems)
          : ParseTableMetadata(std::move(text), name,
                               options_.category_attribute, &loaded.problems);
  if (!metadata.ok()) {
    return Annotate(metadata.status(), options_.root.string());
  }
  loaded.metadata = *std::move(metadata);
  return loaded;
}

void Catalog::UseTable(LoadedTable table) {
  metadata_ = std::move(table.metadata);
  ++metadata_version_;
  table_version_ = table.version;
  table_problems_ = std::move(table.problems);
  category_attribute_ = metadata_->category_attribute();
}

absl::Status Catalog::LoadTable(Layout layout) {
  VITRINE_ASSIGN_OR_RETURN(LoadedTable table, ReadTable(layout));
  UseTable(std::move(table));
  layout_ = layout;
  row_of_picture_.clear();
  for (const auto& [path, row] : metadata_->pictures()) {
    row_of_picture_[path] = row;
  }
  return absl::OkStatus();
}

std::optional<std::vector<std::string>> Catalog::RefreshFields(
    const SettledFn& settled) {
  const std::string name(TableName(layout_));
  if (!metadata_ || name.empty()) return std::nullopt;
  // Another table may take its place.
  if (options_.layout == Layout::kAuto && TableLayout() != layout_) {
    return std::nullopt;
  }
  const auto version = StatBeneath(options_.root, name);
  if (!version) return std::nullopt;
  if (version == table_version_) return std::vector<std::string>();
  if (settled && !settled(name, *version)) return std::nullopt;
  auto table = ReadTable(layout_);
  if (!table.ok()) return std::nullopt;
  const Metadata& before = *metadata_;
  const Metadata& now = *table->metadata;
  if (now.rows() != before.rows() ||
      now.pictures().size() != before.pictures().size() ||
      now.category_attribute() != before.category_attribute()) {
    return std::nullopt;
  }
  for (const auto& [path, row] : now.pictures()) {
    const auto known = row_of_picture_.find(path);
    if (known == row_of_picture_.end() ||
        before.id(known->second) != now.id(row)) {
      return std::nullopt;
    }
  }
  std::vector<std::string> changed;
  for (size_t row = 0; row < now.rows(); ++row) {
    const auto known = before.Find(now.id(row));
    if (!known || before.IsDeleted(*known) != now.IsDeleted(row)) {
      return std::nullopt;
    }
    if (before.Fingerprint(*known) != now.Fingerprint(row)) {
      changed.emplace_back(now.id(row));
    }
  }
  for (auto& [path, row] : row_of_picture_) row = *now.Find(before.id(row));
  UseTable(*std::move(table));
  return changed;
}

void Catalog::RefreshTable(const SettledFn& settled,
                           CatalogProblems* problems) {
  Layout layout = layout_;
  if (options_.layout == Layout::kAuto) {
    const Layout present = TableLayout();
    if (Rank(present) < Rank(layout)) layout = present;
  }
  const std::string name(TableName(layout));
  if (name.empty()) return;
  const auto version = StatBeneath(options_.root, name);
  if (layout == layout_ && version && version == table_version_) return;
  if (settled && version && !settled(name, *version)) return;
  if (absl::Status status = LoadTable(layout); !status.ok()) {
    problems->push_back({ProblemKind::kUnreadable, name, 0, "",
                         absl::StrCat(std::string(status.message()),
                                      "; what was read before stays in use")});
  }
}

bool Catalog::TableHasChanged() const {
  const std::string name(TableName(layout_));
  if (name.empty()) return false;
  const auto version = StatBeneath(options_.root, name);
  return version && version != table_version_;
}

// Rows may name pictures through linked folders; they are listed under their
// real path.
void Catalog::FollowRowPictures(const std::vector<FoundFile>& pictures,
                                CatalogProblems* problems) {
  if (!metadata_) return;
  for (const auto& [path, row] : metadata_->pictures()) {
    if (Lists(pictures, path)) continue;
    if (::access((options_.root / UnescapePath(path)).c_str(), F_OK) != 0) {
      continue;
    }
    const auto real = PathBeneath(options_.root, path);
    if (real.ok()) {
      row_of_picture_[*real] = row;
    } else {
      problems->push_back({ProblemKind::kPathEscapes, path,
                           metadata_->line(row),
                           std::string(metadata_->id(row)),
                           std::string(real.status().message())});
    }
  }
}

void Catalog::ReportMissingPictures(const std::vector<CatalogPicture>& pictures,
                                    const std::vector<bool>& row_has_picture,
                                    CatalogProblems* problems) const {
  const std::string table(TableName(layout_));
  std::vector<bool> told(rows(), false);
  // Of a deleted product, no picture is asked for.
  for (size_t row = 0; row < rows(); ++row)
    told[row] = metadata_->IsDeleted(row);
  auto report = [&](size_t row, const std::string& what) {
    told[row] = true;
    problems->push_back(
        {ProblemKind::kRowWithoutPicture, table, metadata_->line(row),
         std::string(metadata_->id(row)),
         absl::StrCat(table, " line ", metadata_->line(row), ": product ",
                      Excerpt(metadata_->id(row)), " ", what)});
  };
  for (const auto& [path, row] : metadata_->pictures()) {
    const auto at =
        std::lower_bound(pictures.begin(), pictures.end(), path,
                         [](const CatalogPicture& p, const std::string& s) {
                           return p.path < s;
                         });
    const bool listed = at != pictures.end() && at->path == path;
    // Reached through a link, it is listed under another path.
    const bool linked =
        row_has_picture[row] && IsThere(options_.root / UnescapePath(path));
    if (listed || linked || metadata_->IsDeleted(row)) continue;
    report(row, absl::StrCat("names the picture ", Excerpt(path),
                             ", which is not there; put it there"));
  }
  for (size_t row = 0; row < row_has_picture.size(); ++row) {
    if (row_has_picture[row] || told[row]) continue;
    report(row, layout_ == Layout::kJsonl
                    ? "names no picture; list its pictures under images"
                    : absl::StrCat("has no picture; put images/",
                                   Excerpt(metadata_->id(row)), ".jpg there"));
  }
}

FileRole Catalog::RoleOf(std::string_view path) const {
  const size_t current = Rank(layout_);
  for (size_t rank = 0; rank < kLayouts.size(); ++rank) {
    if (kLayouts[rank].table.empty() || kLayouts[rank].table != path) continue;
    const bool may_come = options_.layout == Layout::kAuto && rank < current;
    return rank == current || may_come ? FileRole::kTable : FileRole::kIgnored;
  }
  switch (RoleOfName(path)) {
    case NameRole::kPicture:
      return FileRole::kPicture;
    case NameRole::kJson:
      return FileRole::kSidecar;
    case NameRole::kIgnored:
    case NameRole::kDocument:
      break;
  }
  return FileRole::kIgnored;
}

}  // namespace vitrine
