#include "indexer/index_view.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

absl::StatusOr<std::shared_ptr<const Table>> OpenSources(
    const IndexPaths& paths, const storage::Manifest& manifest,
    const Table* previous) {
  std::vector<std::shared_ptr<const TableSegment>> segments;
  for (const storage::FileRef& ref : manifest.source_segments()) {
    std::shared_ptr<const TableSegment> segment;
    if (previous != nullptr) {
      for (const auto& open : previous->segments()) {
        if (open->name() == ref.name()) segment = open;
      }
    }
    if (segment == nullptr) {
      VITRINE_ASSIGN_OR_RETURN(
          segment, TableSegment::Open(paths.sources() / ref.name(), ref));
    }
    segments.push_back(std::move(segment));
  }
  return std::make_shared<const Table>(std::move(segments));
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<const PicturePack>>> OpenOriginals(
    const IndexPaths& paths, const storage::Manifest& manifest,
    const std::vector<std::shared_ptr<const PicturePack>>& previous) {
  std::vector<std::shared_ptr<const PicturePack>> packs;
  for (const storage::FileRef& ref : manifest.original_packs()) {
    const auto known = std::find_if(
        previous.begin(), previous.end(),
        [&](const auto& pack) { return pack->name() == ref.name(); });
    if (known != previous.end()) {
      packs.push_back(*known);
      continue;
    }
    VITRINE_ASSIGN_OR_RETURN(
        auto pack, PicturePack::Open(paths.pictures() / ref.name(), ref,
                                     Verification::kStructure));
    packs.push_back(std::move(pack));
  }
  return packs;
}

absl::StatusOr<IndexView> IndexView::Open(const IndexPaths& paths,
                                          const storage::Manifest& manifest,
                                          const IndexView& before,
                                          const Snapshot* opened) {
  const std::vector<const Snapshot*> open = {opened, before.snapshot.get(),
                                             before.other.get()};
  IndexView view;
  VITRINE_ASSIGN_OR_RETURN(view.snapshot,
                           Snapshot::Open(paths, manifest, open));
  if (const storage::VectorSet* const set = OtherSet(manifest)) {
    VITRINE_ASSIGN_OR_RETURN(
        view.other,
        Snapshot::Open(paths, manifest, open, VerifyMode::kAlways, set->id()));
  }
  VITRINE_ASSIGN_OR_RETURN(view.sources,
                           OpenSources(paths, manifest, before.sources.get()));
  VITRINE_ASSIGN_OR_RETURN(view.originals,
                           OpenOriginals(paths, manifest, before.originals));
  return view;
}

void IndexView::IndexContent(const IndexView& before) {
  auto index = [&before](const std::shared_ptr<const Snapshot>& of)
      -> std::shared_ptr<const ContentIndex> {
    if (of == nullptr) return nullptr;
    const bool was_other =
        before.other != nullptr && before.other->set().id() == of->set().id();
    return ContentIndex::Build(
        *of, (was_other ? before.other_content : before.content).get());
  };
  content = index(snapshot);
  other_content = index(other);
}

std::optional<std::string_view> IndexView::FindOriginal(
    std::string_view sha256) const {
  for (const auto& pack : originals) {
    if (const auto bytes = pack->Find(sha256)) return bytes;
  }
  return std::nullopt;
}

std::vector<const Snapshot*> IndexView::sets() const {
  if (other == nullptr) return {snapshot.get()};
  return {snapshot.get(), other.get()};
}

const Snapshot* IndexView::FindSet(uint64_t id) const {
  for (const Snapshot* const one : sets()) {
    if (one->set().id() == id) return one;
  }
  return nullptr;
}

}  // namespace vitrine
