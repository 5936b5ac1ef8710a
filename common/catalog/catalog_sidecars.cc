// The side-cars of a catalogue: x.jpg.json is one for x.jpg, x.json for every
// picture x.* beside it.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/catalog/catalog.h"
#include "common/catalog/catalog_names.h"

namespace vitrine {
namespace {

constexpr uint64_t kMaxSidecarBytes = 1 << 20;

std::string WithoutJson(std::string_view path) {
  return std::string(path.substr(0, path.size() - 5));
}

}  // namespace

void Catalog::RefreshSidecar(const std::string& path,
                             const std::optional<FileVersion>& version) {
  const auto known = sidecars_.find(path);
  if (known != sidecars_.end()) {
    if (version && known->second.version == *version) return;
    for (const std::string& product : known->second.products) {
      const auto own = sidecars_of_product_.find(product);
      if (own == sidecars_of_product_.end()) continue;
      own->second.erase({false, path});
      own->second.erase({true, path});
      if (own->second.empty()) sidecars_of_product_.erase(own);
    }
    sidecars_.erase(known);
    ++metadata_version_;
  }
  if (!version) return;
  ++metadata_version_;
  Sidecar& sidecar = sidecars_[path];
  sidecar.version = *version;
  std::vector<std::string> complaints;
  const auto text = ReadBeneath(options_.root, path, kMaxSidecarBytes);
  if (text.ok()) {
    // An empty side-car says nothing, and that is no mistake of a product's.
    if (text->find_first_not_of(" \t\r\n") != std::string::npos) {
      ParseJsonProduct(*text, JsonForm::kSidecar, &sidecar.product,
                       &complaints);
    }
  } else {
    complaints.emplace_back(text.status().message());
  }
  for (const std::string& complaint : complaints) {
    sidecar.problems.push_back({ProblemKind::kBadSidecar, path, 0,
                                sidecar.product.id.value_or(""),
                                absl::StrCat(path, ": ", complaint)});
  }
}

void Catalog::RefreshSidecars(const Walk& walk, const SettledFn& settled) {
  sidecars_of_product_.clear();
  for (auto& [path, sidecar] : sidecars_) sidecar.products.clear();
  std::set<std::string_view> seen;
  for (const FoundFile& json : walk.jsons) {
    const std::string base = WithoutJson(json.path);
    // Pictures are in byte order: base itself, then base.*.
    const std::string stem = base + ".";
    auto at = std::lower_bound(
        walk.pictures.begin(), walk.pictures.end(), base,
        [](const FoundFile& f, const std::string& p) { return f.path < p; });
    bool applies = at != walk.pictures.end() && at->path == base;
    if (!applies) {
      at = std::lower_bound(
          at, walk.pictures.end(), stem,
          [](const FoundFile& f, const std::string& p) { return f.path < p; });
      for (;
           !applies && at != walk.pictures.end() && at->path.starts_with(stem);
           ++at) {
        applies = WithoutPictureEnding(at->path) == base;
      }
    }
    if (!applies) continue;
    seen.insert(json.path);
    const auto known = sidecars_.find(json.path);
    const bool changed =
        known == sidecars_.end() || known->second.version != json.version;
    if (changed && settled && !settled(json.path, json.version)) continue;
    RefreshSidecar(json.path, json.version);
  }
  metadata_version_ += std::erase_if(sidecars_, [&](const auto& entry) {
    return !seen.contains(entry.first);
  });
}

std::vector<std::pair<const std::string, Catalog::Sidecar>*>
Catalog::SidecarsOf(std::string_view picture) {
  std::vector<std::pair<const std::string, Sidecar>*> found;
  if (sidecars_.empty()) return found;
  const std::string_view stem = WithoutPictureEnding(picture);
  const std::string generic = absl::StrCat(std::string(stem), ".json");
  const std::string particular = absl::StrCat(std::string(picture), ".json");
  if (auto at = sidecars_.find(generic); at != sidecars_.end()) {
    found.push_back(&*at);
  }
  if (stem.size() != picture.size()) {
    if (auto at = sidecars_.find(particular); at != sidecars_.end()) {
      found.push_back(&*at);
    }
  }
  return found;
}

std::vector<CatalogPicture> Catalog::ResolveSidecar(std::string_view path,
                                                    CatalogProblems* problems) {
  std::vector<CatalogPicture> pictures;
  if (RoleOf(path) != FileRole::kSidecar) return pictures;
  const std::string base = WithoutJson(path);
  CatalogProblems all;
  auto add = [&](const std::string& candidate) {
    if (auto picture = Resolve(candidate, &all)) {
      pictures.push_back(*std::move(picture));
    }
  };
  add(base);
  // A folder may hold very many files, so that names are tried rather than
  // listed. A picture with a rarer ending gets its side-car by the next scan.
  for (std::string_view ending :
       {".jpg", ".jpeg", ".png", ".webp", ".JPG", ".JPEG", ".PNG", ".WEBP"}) {
    add(absl::StrCat(base, std::string(ending)));
  }
  // A side-car of two pictures is one mistake.
  for (CatalogProblem& problem : all) {
    const bool told = std::any_of(
        problems->begin(), problems->end(), [&](const CatalogProblem& p) {
          return p.message == problem.message && p.path == problem.path;
        });
    if (!told) problems->push_back(std::move(problem));
  }
  return pictures;
}

}  // namespace vitrine
