#include "common/catalog/catalog.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/catalog/catalog_names.h"
#include "re2/re2.h"

namespace vitrine {
namespace {

// "1163_2" and "1163-2" → "1163"; "" where there is no such ending.
std::string_view WithoutCount(std::string_view stem) {
  size_t end = stem.size();
  while (end > 0 && absl::ascii_isdigit(stem[end - 1])) --end;
  if (end == stem.size() || end < 2) return {};
  if (stem[end - 1] != '_' && stem[end - 1] != '-') return {};
  return stem.substr(0, end - 1);
}

}  // namespace

Catalog::Catalog(const CatalogOptions& options)
    : options_(options), root_identity_(options.root_identity) {}

Catalog::~Catalog() = default;

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(
    const CatalogOptions& options) {
  VITRINE_RETURN_IF_ERROR(CheckRoot(options.root));
  std::unique_ptr<Catalog> catalog(new Catalog(options));
  VITRINE_RETURN_IF_ERROR(catalog->CompilePattern());
  VITRINE_RETURN_IF_ERROR(catalog->FindLayout());
  return catalog;
}

absl::Status Catalog::CompilePattern() {
  if (options_.product_pattern.empty()) return absl::OkStatus();
  RE2::Options re_options;
  re_options.set_log_errors(false);
  pattern_ = std::make_unique<RE2>(options_.product_pattern, re_options);
  if (!pattern_->ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the product pattern \"", Excerpt(options_.product_pattern),
        "\" is no regular expression: ", pattern_->error(),
        "; an example is ^([A-Z0-9]+)_"));
  }
  if (pattern_->NumberOfCapturingGroups() < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the product pattern \"", Excerpt(options_.product_pattern),
        "\" has no group; put parentheses around the product's id, as in "
        "^([A-Z0-9]+)_"));
  }
  return absl::OkStatus();
}

std::optional<size_t> Catalog::RowOf(std::string_view path) const {
  if (!metadata_) return std::nullopt;
  if (!row_of_picture_.empty()) {
    const auto named = row_of_picture_.find(std::string(path));
    if (named != row_of_picture_.end()) return named->second;
  }
  const std::string_view whole = WithoutPictureEnding(path);
  const std::string_view inner = WithoutImagesFolder(whole);
  const std::string_view stem = FileName(whole);
  for (std::string_view id :
       {whole, inner, stem, WithoutCount(inner), WithoutCount(stem)}) {
    if (id.empty()) continue;
    if (auto row = metadata_->Find(id)) return row;
  }
  return std::nullopt;
}

std::optional<Catalog::Found> Catalog::MakePicture(const FoundFile& file,
                                                   CatalogProblems* problems) {
  const std::string& path = file.path;
  Found found;
  found.picture = {path, "", file.version.bytes, file.version.modified_unix_ns};
  std::string& id = found.picture.product_id;
  const auto sidecars = SidecarsOf(path);
  for (const auto* sidecar : sidecars) {
    if (sidecar->second.product.id) id = *sidecar->second.product.id;
  }
  const bool named_by_row =
      !row_of_picture_.empty() && row_of_picture_.contains(path);
  if (id.empty() && pattern_ && !named_by_row) {
    const std::string_view subject =
        options_.product_pattern.find('/') == std::string::npos
            ? FileName(path)
            : std::string_view(path);
    if (!RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()),
                           *pattern_, &id) ||
        id.empty()) {
      problems->push_back(
          {ProblemKind::kPatternWithoutMatch, path, 0, "",
           absl::StrCat(path, ": the product pattern \"",
                        Excerpt(options_.product_pattern),
                        "\" finds no id in it; its product goes by its name; "
                        "rename it or widen the pattern")});
    }
  }
  if (!id.empty()) {
    if (metadata_) found.row = metadata_->Find(id);
  } else if ((found.row = RowOf(path))) {
    id = metadata_->id(*found.row);
  } else {
    const std::string_view stem = WithoutPictureEnding(path);
    id = layout_ == Layout::kFashion || layout_ == Layout::kClothing
             ? FileName(stem)
             : stem;
  }
  found.deleted = found.row && metadata_->IsDeleted(*found.row);
  if (id.size() > kMaxProductIdBytes) {
    problems->push_back(
        {ProblemKind::kNameTooLong, path, 0, "",
         absl::StrCat(Excerpt(path), ": its product id would have ", id.size(),
                      " bytes, more than ", kMaxProductIdBytes,
                      "; it is left out; move it up or shorten its name")});
    return std::nullopt;
  }
  if (metadata_ && !found.row && sidecars.empty()) {
    problems->push_back(
        {ProblemKind::kPictureWithoutRow, path, 0, id,
         absl::StrCat(path, " has no row in ", std::string(TableName(layout_)),
                      "; it is indexed as product ", id,
                      ", and a row applies when it comes")});
  }
  for (auto* sidecar : sidecars) {
    const bool particular = sidecar->first == path + ".json";
    sidecar->second.products.insert(id);
    sidecars_of_product_[id].emplace(particular, sidecar->first);
  }
  return found;
}

absl::StatusOr<Listing> Catalog::Scan(const SettledFn& settled) {
  auto walked = WalkCatalog(options_.root);
  if (!walked.ok()) {
    // A root that was readable and is not any more is an outage, whatever took
    // its place.
    return absl::UnavailableError(walked.status().message());
  }
  Walk& walk = *walked;
  if (walk.pictures.empty() && !root_identity_.empty() &&
      root_identity_ != walk.root_identity) {
    return absl::UnavailableError(absl::StrCat(
        "the catalogue ", options_.root.string(),
        " is another folder than before, and holds no picture: its volume is "
        "not mounted, perhaps; nothing is taken for deleted until it is back"));
  }
  if (!walk.pictures.empty()) root_identity_ = walk.root_identity;

  Listing listing;
  listing.unreadable = std::move(walk.unreadable);
  listing.problems = std::move(walk.problems);
  RefreshTable(settled, &listing.problems);
  listing.problems.insert(listing.problems.end(), table_problems_.begin(),
                          table_problems_.end());
  FollowRowPictures(walk.pictures, &listing.problems);
  RefreshSidecars(walk, settled);
  for (const auto& [path, sidecar] : sidecars_) {
    listing.problems.insert(listing.problems.end(), sidecar.problems.begin(),
                            sidecar.problems.end());
  }

  std::vector<bool> row_has_picture(rows(), false);
  listing.pictures.reserve(walk.pictures.size());
  for (const FoundFile& file : walk.pictures) {
    auto found = MakePicture(file, &listing.problems);
    if (!found) continue;
    if (found->deleted) {
      listing.deleted_pictures.insert(file.path);
      continue;
    }
    if (found->row) row_has_picture[*found->row] = true;
    listing.pictures.push_back(std::move(found->picture));
  }
  for (size_t row = 0; row < rows(); ++row) {
    if (metadata_->IsDeleted(row)) {
      listing.deleted_products.emplace(metadata_->id(row));
    }
  }
  if (metadata_) {
    ReportMissingPictures(listing.pictures, row_has_picture, &listing.problems);
  } else {
    for (const std::string& table : walk.stray_tables) {
      listing.problems.push_back(
          {ProblemKind::kTableInSubfolder, table, 0, "",
           absl::StrCat(table,
                        " is not read, as it is not in the catalogue's "
                        "own folder; to read it, name ",
                        (options_.root / std::string(Folder(table))).string(),
                        " as the catalogue")});
    }
  }
  std::erase_if(listing.pictures, [this](const CatalogPicture& picture) {
    return !options_.partition.Has(picture.product_id);
  });
  return listing;
}

std::optional<CatalogPicture> Catalog::Resolve(std::string_view path,
                                               CatalogProblems* problems) {
  if (RoleOf(path) != FileRole::kPicture) return std::nullopt;
  auto version = StatBeneath(options_.root, path);
  if (!version) version = StatLinkOut(options_.root, path);
  if (!version) return std::nullopt;
  for (std::string_view folder = Folder(path); !folder.empty();
       folder = Folder(folder)) {
    if (IsIndexFolder(options_.root / UnescapePath(folder)))
      return std::nullopt;
  }
  for (const std::string& sidecar :
       {absl::StrCat(std::string(path), ".json"),
        absl::StrCat(std::string(WithoutPictureEnding(path)), ".json")}) {
    RefreshSidecar(sidecar, StatBeneath(options_.root, sidecar));
  }
  for (const auto* sidecar : SidecarsOf(path)) {
    problems->insert(problems->end(), sidecar->second.problems.begin(),
                     sidecar->second.problems.end());
  }
  auto found = MakePicture({std::string(path), *version}, problems);
  if (!found || found->deleted ||
      !options_.partition.Has(found->picture.product_id)) {
    return std::nullopt;
  }
  return std::move(found->picture);
}

bool Catalog::IsDeleted(std::string_view product_id) const {
  if (!metadata_) return false;
  const auto row = metadata_->Find(product_id);
  return row && metadata_->IsDeleted(*row);
}

storage::ProductRecord Catalog::Describe(std::string_view product_id,
                                         std::string_view first_picture) const {
  storage::ProductRecord record;
  if (metadata_) {
    if (auto row = metadata_->Find(product_id))
      metadata_->Describe(*row, &record);
  } else if (layout_ == Layout::kFolders) {
    const std::string_view folder = Folder(WithoutImagesFolder(first_picture));
    if (!folder.empty()) {
      const bool whole = !options_.category_attribute.empty();
      record.set_category(
          std::string(whole ? folder : folder.substr(0, folder.find('/'))));
      (*record.mutable_attributes())["folder"].set_text(std::string(folder));
    }
  }
  const auto own = sidecars_of_product_.find(std::string(product_id));
  if (own == sidecars_of_product_.end()) return record;
  for (const auto& [particular, path] : own->second) {
    const auto sidecar = sidecars_.find(path);
    if (sidecar == sidecars_.end()) continue;
    const JsonProduct& product = sidecar->second.product;
    if (product.title) record.set_title(*product.title);
    if (product.category) record.set_category(*product.category);
    if (product.visible_from_unix_ms) {
      record.set_visible_from_unix_ms(*product.visible_from_unix_ms);
    }
    if (product.visible_until_unix_ms) {
      record.set_visible_until_unix_ms(*product.visible_until_unix_ms);
    }
    for (const auto& [name, value] : product.attributes.attributes()) {
      (*record.mutable_attributes())[name] = value;
    }
  }
  return record;
}

absl::StatusOr<std::string> Catalog::ReadPicture(std::string_view path,
                                                 uint64_t max_bytes) const {
  return ReadBeneath(options_.root, path, max_bytes);
}

absl::Status ReadRefusal(const absl::Status& status, std::string_view path,
                         uint64_t max_bytes) {
  if (absl::IsNotFound(status)) return status;
  if (absl::IsResourceExhausted(status)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_IMAGE_TOO_LARGE,
        absl::StrCat(status.message(), "; save the picture smaller"), "",
        static_cast<double>(max_bytes));
  }
  std::string message(status.message());
  // One that leads out of the catalogue has its remedy.
  if (ErrorOf(status).reason() != v1::ERROR_REASON_IMAGE_UNREADABLE) {
    absl::StrAppend(&message,
                    absl::IsInvalidArgument(status)
                        ? "; put the picture itself there"
                        : absl::StrCat("; let the indexer's user read ",
                                       std::string(path)));
  }
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_IMAGE_UNREADABLE, message);
}

}  // namespace vitrine
