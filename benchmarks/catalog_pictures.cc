#include "benchmarks/catalog_pictures.h"

#include <set>
#include <utility>

#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/catalog/catalog.h"
#include "common/image/image.h"

namespace vitrine {

absl::StatusOr<std::vector<std::string>> DifferentPictures(
    const std::filesystem::path& root, size_t most) {
  CatalogOptions options;
  options.root = root;
  VITRINE_ASSIGN_OR_RETURN(const auto catalog, Catalog::Open(options));
  VITRINE_ASSIGN_OR_RETURN(const Listing listing, catalog->Scan());
  std::vector<std::string> pictures;
  std::set<Sha256Digest> seen;
  for (const CatalogPicture& picture : listing.pictures) {
    if (pictures.size() == most) break;
    auto bytes = catalog->ReadPicture(picture.path, ImageLimits().max_bytes);
    if (bytes.ok() && DecodeImage(*bytes, {}, 1).ok() &&
        seen.insert(Sha256(*bytes)).second) {
      pictures.push_back(*std::move(bytes));
    }
  }
  return pictures;
}

}  // namespace vitrine
