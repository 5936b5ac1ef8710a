// What must be done so that the index agrees with the catalogue: a pure
// function of what the catalogue holds and what is known. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/catalog/catalog.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// What was last seen of each file of the catalogue, by its path.
using KnownFiles =
    std::map<std::string, storage::SourceFileRecord, std::less<>>;

struct ReconcileOptions {
  // --on-delete=keep: what is gone from the catalogue stays in the index, but
  // for products that its table says are deleted.
  bool keep_deleted = false;
  // --allow-mass-delete: deletions are never held.
  bool allow_mass_delete = false;
  // Products deleted a short while ago, say in the last ten minutes. They count
  // as deleted at once with those of this call, so that a folder that empties
  // slowly is held as well as one that is gone at a stroke.
  uint64_t recently_deleted_products = 0;
};

struct FileAction {
  enum class Kind {
    kAdd,    // a file that is not known: read it
    kCheck,  // size, time or product changed, or it could not be read: its hash
             // decides whether its picture did
    kRemove,  // a known file that is gone
  };
  Kind kind;
  std::string path;
  // The file's product now; of a file that is gone, the one that it had.
  std::string product_id;
  // Of a file that is gone: a new one has its size and time, so that it was
  // moved, and nothing is lost with it.
  bool moved = false;
  // Of a file that is gone or is there: the table says that its product is
  // deleted.
  bool declared = false;
};

struct Reconciliation {
  // Additions and checks in order of path, then removals in order of path, so
  // that a product whose picture has moved is never without one.
  std::vector<FileAction> actions;
  // Files that are as they are known.
  size_t unchanged = 0;
  // Files that are gone and stay known, as `keep_deleted` says.
  size_t kept = 0;
  // Files that are gone, whose removal is held; and how many products would
  // lose their last picture with them.
  std::vector<std::string> held;
  size_t held_products = 0;
  // For people, with the numbers and the remedy; "" where nothing is held.
  std::string held_message;
};

// More products than both of these, deleted at once, are taken for a mistake.
inline constexpr uint64_t kMassDeleteProducts = 100;
inline constexpr double kMassDeleteShare = 0.2;

// A product whose pictures were moved is not deleted, though it goes by their
// path and has another id now.
//
// Known files at or below `listing.unreadable` are left alone: nobody knows
// whether they are gone. A missing root is an error of Catalog::Scan and never
// gets here.
Reconciliation Reconcile(const Listing& listing, const KnownFiles& known,
                         const ReconcileOptions& options);

}  // namespace vitrine
