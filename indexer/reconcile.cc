#include "indexer/reconcile.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {
namespace {

using Kind = FileAction::Kind;

bool LiesAtOrBelow(std::string_view path,
                   const std::vector<std::string>& places) {
  return std::any_of(
      places.begin(), places.end(), [&](const std::string& place) {
        return path.starts_with(place) &&
               (path.size() == place.size() || path[place.size()] == '/');
      });
}

bool Changed(const CatalogPicture& picture,
             const storage::SourceFileRecord& known) {
  // A file that could not be read may be readable now, and another source may
  // have deleted its product, without a trace in its size or time.
  return picture.bytes != known.bytes() ||
         picture.modified_unix_ns != known.modified_unix_ns() ||
         picture.product_id != known.product_id() ||
         known.refused_reason() == v1::ERROR_REASON_IMAGE_UNREADABLE ||
         known.refused_reason() == v1::ERROR_REASON_OTHER_SOURCE;
}

}  // namespace

Reconciliation Reconcile(const Listing& listing, const KnownFiles& known,
                         const ReconcileOptions& options) {
  Reconciliation result;
  std::unordered_set<std::string_view> alive;
  struct Gone {
    const std::string* path;
    const storage::SourceFileRecord* known;
    bool declared;
    bool moved;
  };
  std::vector<Gone> gone;
  auto next = known.begin();
  auto pass_gone_until = [&](const std::string* path) {
    for (; next != known.end() && (path == nullptr || next->first < *path);
         ++next) {
      if (LiesAtOrBelow(next->first, listing.unreadable)) {
        alive.insert(next->second.product_id());
        ++result.unchanged;
      } else {
        const bool declared =
            listing.deleted_pictures.contains(next->first) ||
            listing.deleted_products.contains(next->second.product_id());
        gone.push_back({&next->first, &next->second, declared, false});
      }
    }
  };
  // How many new files have a size and time.
  std::map<std::pair<uint64_t, int64_t>, size_t> arrived;
  // Both are in byte order of their paths.
  for (const CatalogPicture& picture : listing.pictures) {
    pass_gone_until(&picture.path);
    alive.insert(picture.product_id);
    if (next == known.end() || next->first != picture.path) {
      result.actions.push_back({Kind::kAdd, picture.path, picture.product_id});
      ++arrived[{picture.bytes, picture.modified_unix_ns}];
      continue;
    }
    if (Changed(picture, next->second)) {
      result.actions.push_back(
          {Kind::kCheck, picture.path, picture.product_id});
    } else {
      ++result.unchanged;
    }
    ++next;
  }
  pass_gone_until(nullptr);

  if (options.keep_deleted) {
    result.kept =
        std::erase_if(gone, [](const Gone& file) { return !file.declared; });
  }
  std::unordered_set<std::string_view> products, deleted;
  for (const auto& [path, record] : known) {
    if (record.refused_reason() == 0) products.insert(record.product_id());
  }
  for (Gone& file : gone) {
    const auto same =
        arrived.find({file.known->bytes(), file.known->modified_unix_ns()});
    file.moved = same != arrived.end() && same->second > 0;
    if (file.moved) --same->second;
    const std::string& product = file.known->product_id();
    if (!file.moved && products.contains(product) && !alive.contains(product)) {
      deleted.insert(product);
    }
  }
  const uint64_t recent = options.recently_deleted_products;
  const uint64_t count = deleted.size() + recent;
  const uint64_t total = products.size() + recent;
  const bool hold = !options.allow_mass_delete && !deleted.empty() &&
                    count > kMassDeleteProducts &&
                    static_cast<double>(count) >
                        kMassDeleteShare * static_cast<double>(total);
  for (const Gone& file : gone) {
    if (hold && deleted.contains(file.known->product_id())) {
      result.held.push_back(*file.path);
    } else {
      result.actions.push_back({Kind::kRemove, *file.path,
                                file.known->product_id(), file.moved,
                                file.declared});
    }
  }
  if (hold) {
    result.held_products = deleted.size();
    result.held_message = absl::StrCat(
        deleted.size(), " of ", products.size(),
        " products have lost all their pictures",
        recent == 0 ? ""
                    : absl::StrCat(", after ", recent,
                                   " that were deleted just before"),
        "; more than ", kMassDeleteProducts, " products and ",
        100 * kMassDeleteShare,
        " % of the catalogue at once are taken for a mistake, so nothing of "
        "them is deleted; bring the pictures back, or run the indexer with "
        "--allow-mass-delete if they are meant to go");
  }
  return result;
}

}  // namespace vitrine
