// How the indexer follows the catalogue: scans, and what the watcher tells.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/catalog/catalog_folder.h"
#include "indexer/indexer.h"
#include "indexer/problem_summary.h"

namespace vitrine {
namespace {

// A file that is gone waits at most so long for what came with it.
constexpr std::chrono::seconds kRemovalPatience(30);
// So long after the last file that went, no more are taken to go with it.
constexpr std::chrono::milliseconds kDeletionsEnd(500);

// While pictures are read, scans for tables take one part in so many and one.
constexpr int kBulkShare = 4;

std::vector<std::string> MessagesOf(const CatalogProblems& problems) {
  std::vector<std::string> messages;
  for (const CatalogProblem& problem : problems) {
    messages.push_back(problem.message);
  }
  return messages;
}

}  // namespace

storage::SourcePosition Indexer::Position() const {
  storage::SourcePosition position;
  position.set_source("directory");
  auto& settings = *position.mutable_settings();
  settings["root"] = catalog_->root().string();
  settings["root_identity"] = catalog_->root_identity();
  settings["layout"] = LayoutName(catalog_->layout());
  settings["category_attribute"] = options_.catalog.category_attribute;
  settings["product_pattern"] = options_.catalog.product_pattern;
  return position;
}

// A catalogue whose table is away would be read as another layout, and all
// products would change their ids.
absl::Status Indexer::CheckLayout(const storage::SourcePosition& known) const {
  const auto setting = known.settings().find("layout");
  if (options_.catalog.layout != Layout::kAuto ||
      setting == known.settings().end()) {
    return absl::OkStatus();
  }
  const auto layout = ParseLayout(setting->second);
  if (!layout.ok()) return absl::OkStatus();
  const std::string table(TableName(*layout));
  std::error_code error;
  if (table.empty() || !std::filesystem::exists(options_.catalog.root, error) ||
      std::filesystem::exists(options_.catalog.root / table, error)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      "the index was made with ", (options_.catalog.root / table).string(),
      ", which is not there; bring it back, or choose a --layout without it"));
}

Catalog::SettledFn Indexer::TableIsSettled() {
  return [this, now_unix_ns = NowUnixNs()](const std::string& path,
                                           const FileVersion& version) {
    return written_tables_.contains(path) ||
           settled_.Look(path, version.bytes, version.modified_unix_ns,
                         now_unix_ns);
  };
}

absl::Status Indexer::Scan() {
  const int64_t now_unix_ns = NowUnixNs();
  auto listing = catalog_->Scan(TableIsSettled());
  if (!listing.ok()) {
    BeginOutage();
    return listing.status();
  }
  written_tables_.clear();
  table_due_ = false;
  outage_ = false;
  queue_.DropProducts(listing->deleted_products);
  TellProblems(listing->problems);
  std::map<std::string_view, std::vector<std::string>> warnings;
  for (const CatalogProblem& problem : listing->problems) {
    warnings[problem.path].push_back(problem.message);
  }

  const KnownFiles known = batch_->AllSources();
  ReconcileOptions options;
  options.keep_deleted = options_.keep_deleted;
  options.allow_mass_delete = options_.allow_mass_delete;
  options.recently_deleted_products = RecentlyDeleted();
  Reconciliation todo = Reconcile(*listing, known, options);
  if (listing->pictures.empty() && !options_.allow_mass_delete &&
      std::erase_if(todo.actions, [](const FileAction& action) {
        return action.kind == FileAction::Kind::kRemove && !action.declared;
      }) > 0) {
    todo.held_message = absl::StrCat(
        "the catalogue ", catalog_->root().string(),
        " holds no picture any more, which is taken for an outage; bring the "
        "pictures back, or run the indexer with --allow-mass-delete if they "
        "are meant to go");
  }
  if (!todo.held_message.empty() && todo.held_message != told_held_) {
    console_.Line(todo.held_message);
  }
  told_held_ = todo.held_message;
  // Whatever an earlier scan has found of them.
  for (const std::string& path : todo.held) removals_.erase(path);

  for (const FileAction& action : todo.actions) {
    if (action.kind == FileAction::Kind::kRemove) {
      if (action.declared) {
        // Whether its file is there or not.
        batch_->Remove(action.path, /*moved=*/false, NowUnixMs());
        continue;
      }
      Removal& removal =
          removals_.try_emplace(action.path, Removal{.since = Clock::now()})
              .first->second;
      removal.judged = true;
      removal.moved = removal.moved || action.moved;
      continue;
    }
    const auto picture = std::lower_bound(
        listing->pictures.begin(), listing->pictures.end(), action.path,
        [](const CatalogPicture& p, const std::string& path) {
          return p.path < path;
        });
    if (action.kind == FileAction::Kind::kCheck &&
        batch_->ApplyUnread(*picture)) {
      continue;
    }
    if (!settled_.Look(picture->path, picture->bytes, picture->modified_unix_ns,
                       now_unix_ns)) {
      continue;
    }
    const auto told = warnings.find(picture->path);
    Enqueue(*picture,
            told == warnings.end() ? std::vector<std::string>() : told->second,
            /*fresh=*/false);
  }
  if (described_version_ != catalog_->metadata_version()) {
    DescribeAll();
    described_version_ = catalog_->metadata_version();
  }
  return absl::OkStatus();
}

bool Indexer::TableIsDue() const {
  return table_due_ && Clock::now() >= table_after_ && !outage_ &&
         !repairing_ && !switching_ && !stopping_ && !DeletionsGoOn();
}

void Indexer::ScanForTable() {
  const Clock::time_point start = Clock::now();
  const absl::Status scanned = Scan();
  if (!scanned.ok()) console_.Line(std::string(scanned.message()));
  table_after_ = Clock::now() + kBulkShare * (Clock::now() - start);
  rescan_due_ = true;
}

void Indexer::DescribeAll() {
  std::vector<std::string> products;
  publisher()->view().snapshot->products().ForEach(
      "", [&](std::string_view id, std::string_view) {
        products.emplace_back(id);
        return true;
      });
  for (const auto& [id, record] : draft_->changes.changes().products) {
    if (record) products.push_back(id);
  }
  for (const std::string& product : products) DescribeOne(product);
}

void Indexer::DescribeOne(const std::string& product) {
  // One whose deletion is held stays as it was.
  if (catalog_->IsDeleted(product)) return;
  if (batch_->Describe(product)) draft_->is_prompt = true;
}

void Indexer::TellProblems(const CatalogProblems& problems) {
  std::vector<std::string> lines = SummariseProblems(problems);
  if (lines == told_problems_) return;
  for (const std::string& line : lines) console_.Line(line);
  told_problems_ = std::move(lines);
}

void Indexer::Enqueue(const CatalogPicture& picture,
                      std::vector<std::string> warnings, bool fresh) {
  removals_.erase(picture.path);
  queue_.Put({picture, std::move(warnings), batch_->KnownSha256(picture.path),
              NowUnixMs()},
             fresh);
}

uint64_t Indexer::RecentlyDeleted() {
  return recent_deletions_.Count(NowUnixMs()) + draft_->deleted_products;
}

bool Indexer::DeletionsGoOn() const {
  return Clock::now() - last_gone_ < kDeletionsEnd;
}

void Indexer::ApplyRemovals(bool all_in) {
  if (removals_.empty() || outage_) return;
  if (!CheckRoot(catalog_->root()).ok()) {
    // Everything below it is away too, and a scan will say why.
    removals_.clear();
    rescan_due_ = true;
    return;
  }
  const Clock::time_point now = Clock::now();
  const bool deletions_go_on = DeletionsGoOn();
  const auto due = [&](const Removal& removal) {
    return now - removal.since >= kRemovalPatience ||
           (all_in && (removal.judged || !deletions_go_on));
  };
  size_t unjudged = 0;
  bool any_due = false;
  for (const auto& [path, removal] : removals_) {
    if (removal.judged) continue;
    ++unjudged;
    any_due = any_due || due(removal);
  }
  // So many may be a mistake: a scan sees all of them together.
  if (any_due && !options_.allow_mass_delete &&
      unjudged + RecentlyDeleted() > kMassDeleteProducts) {
    std::erase_if(removals_,
                  [](const auto& entry) { return !entry.second.judged; });
    rescan_due_ = true;
  }
  for (auto it = removals_.begin(); it != removals_.end();) {
    if (!due(it->second)) {
      ++it;
      continue;
    }
    // Nothing that is there is removed, whatever was seen before.
    if (!StatBeneath(catalog_->root(), it->first)) {
      batch_->Remove(it->first, it->second.moved, NowUnixMs());
    }
    it = removals_.erase(it);
  }
}

void Indexer::BeginOutage() {
  outage_ = true;
  // What went before the root did may have gone with it: a scan will tell.
  removals_.clear();
}

void Indexer::Follow(const WatchBatch& changes) {
  if (!changes.warning.empty()) console_.Line(changes.warning);
  if (changes.outage && !outage_) {
    console_.Line(changes.outage_reason);
    BeginOutage();
  }
  if (changes.rescan) {
    outage_ = false;
    rescan_due_ = true;
    table_due_ = table_due_ || catalog_->TableHasChanged();
  }
  if (outage_ && !(changes.closed.empty() && changes.found.empty())) {
    // The folder that has taken the root's place is filling.
    outage_ = false;
    rescan_due_ = true;
  }
  if (outage_) return;
  FollowGone(changes.gone, changes.closed.size() + changes.found.size());
  for (const std::string& path : changes.closed) FollowFile(path, true);
  for (const std::string& path : changes.found) FollowFile(path, false);
}

void Indexer::FollowFile(const std::string& path, bool closed) {
  CatalogProblems problems;
  switch (catalog_->RoleOf(path)) {
    case FileRole::kIgnored:
      return;
    case FileRole::kTable:
      if (closed) {
        settled_.Forget(path);
        written_tables_.insert(path);
      }
      if (FollowFields()) {
        written_tables_.erase(path);
      } else {
        rescan_due_ = table_due_ = true;
      }
      return;
    case FileRole::kSidecar:
      if (closed) settled_.Forget(path);
      for (const CatalogPicture& picture :
           catalog_->ResolveSidecar(path, &problems)) {
        if (!batch_->ApplyUnread(picture)) {
          Enqueue(picture, MessagesOf(problems), /*fresh=*/true);
        }
      }
      return;
    case FileRole::kPicture:
      break;
  }
  const auto picture = catalog_->Resolve(path, &problems);
  // Where it has gone again, an event will tell.
  if (!picture) return;
  if (closed) {
    settled_.Forget(path);
  } else if (batch_->ApplyUnread(*picture) ||
             !settled_.Look(path, picture->bytes, picture->modified_unix_ns,
                            NowUnixNs())) {
    return;
  }
  Enqueue(*picture, MessagesOf(problems), /*fresh=*/true);
}

bool Indexer::FollowFields() {
  // A scan has still to apply what was read before.
  if (table_due_ || described_version_ != catalog_->metadata_version()) {
    return false;
  }
  const auto changed = catalog_->RefreshFields(TableIsSettled());
  if (!changed) return false;
  described_version_ = catalog_->metadata_version();
  for (const std::string& product : *changed) DescribeOne(product);
  return true;
}

void Indexer::FollowGone(const std::vector<std::string>& gone,
                         size_t arrivals) {
  // Where the root is gone too, the watcher is about to tell of an outage.
  if (gone.empty() || !CheckRoot(catalog_->root()).ok()) return;
  std::vector<std::string> removals;
  for (const std::string& path : gone) {
    settled_.Forget(path);
    queue_.Drop(path);
    const FileRole role = catalog_->RoleOf(path);
    if (role == FileRole::kTable || role == FileRole::kSidecar) {
      FollowFile(path, true);
      continue;
    }
    if (options_.keep_deleted) continue;
    // The file itself, or all that lay below the folder.
    for (const std::string& known : batch_->SourcesAtOrBelow(path)) {
      if (StatBeneath(catalog_->root(), known)) {
        FollowFile(known, /*closed=*/false);
      } else {
        removals.push_back(known);
      }
    }
  }
  if (removals.empty()) return;
  // Where as many came as went, they were moved, and nothing is lost.
  const bool moved = removals.size() <= arrivals;
  if (!moved) last_gone_ = Clock::now();
  for (const std::string& path : removals) {
    removals_.insert_or_assign(path, Removal{Clock::now(), moved, moved});
  }
}

void Indexer::TakeSettled(bool all) {
  const int64_t now_unix_ns = NowUnixNs();
  for (const std::string& path : settled_.Due(all ? INT64_MAX : now_unix_ns)) {
    if (catalog_->RoleOf(path) != FileRole::kPicture) {
      const auto version = StatBeneath(catalog_->root(), path);
      if (!version || all ||
          settled_.Look(path, version->bytes, version->modified_unix_ns,
                        now_unix_ns)) {
        settled_.Forget(path);
        FollowFile(path, /*closed=*/true);
      }
      continue;
    }
    CatalogProblems problems;
    const auto picture = catalog_->Resolve(path, &problems);
    if (!picture || all ||
        settled_.Look(path, picture->bytes, picture->modified_unix_ns,
                      now_unix_ns)) {
      settled_.Forget(path);
      if (picture) Enqueue(*picture, MessagesOf(problems), /*fresh=*/true);
    }
  }
}

int64_t Indexer::MillisecondsToWait() const {
  int64_t wait_ms = -1;
  auto at_most = [&wait_ms](int64_t ms) {
    ms = std::max<int64_t>(0, ms);
    wait_ms = wait_ms < 0 ? ms : std::min(wait_ms, ms);
  };
  at_most(kRequestInterval.count());
  if (const auto due = settled_.NextDueUnixNs()) {
    at_most((*due - NowUnixNs()) / 1'000'000 + 1);
  }
  if (!deferred_events_.empty()) {
    at_most(std::chrono::duration_cast<std::chrono::milliseconds>(
                deferred_until_ - Clock::now())
                .count() +
            1);
  }
  if (!publish_error_.ok()) {
    at_most(std::chrono::duration_cast<std::chrono::milliseconds>(retry_at_ -
                                                                  Clock::now())
                .count() +
            1);
  } else if (queue_.size() > 0 || (EventsWait() && !ScanIsDue()) ||
             !draft_->changes.empty()) {
    at_most(0);
  } else if ((!removals_.empty() || rescan_due_) && !outage_) {
    at_most(std::chrono::duration_cast<std::chrono::milliseconds>(
                last_gone_ + kDeletionsEnd - Clock::now())
                .count() +
            1);
  }
  return wait_ms;
}

}  // namespace vitrine
