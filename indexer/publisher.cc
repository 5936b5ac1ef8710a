#include "indexer/publisher.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"
#include "indexer/generation_parts.h"
#include "indexer/repair.h"
#include "indexer/vector_sets.h"

namespace vitrine {
namespace {

constexpr char kWriter[] = "vitrine-indexer 0.1.0";

absl::Status NeedsRepair(const absl::Status& status, const IndexPaths& paths) {
  if (!absl::IsDataLoss(status) && !absl::IsNotFound(status)) return status;
  return WithRemedy(
      absl::DataLossError(absl::StrCat("the index ", paths.root.string(),
                                       " is damaged, and nothing is published "
                                       "to it: ",
                                       status.message())),
      paths);
}

std::string NewIndexId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

// Whether a file has a name that a publisher gives, whole or staging:
// "000042-1f2e3d4c", "000042-1f2e3d4c-000043", "000042.pb", a digest and ".pt".
// Others are somebody else's.
bool IsOfIndexFile(std::string_view name) {
  for (const std::string_view ending : {".staging", ".pb", ".pt"}) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  return name.size() >= 6 &&
         name.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

}  // namespace

Publisher::Publisher(IndexPaths paths, PublisherOptions options)
    : paths_(std::move(paths)),
      options_(std::move(options)),
      retention_(options_.retention) {}

int64_t Publisher::NowUnixMs() const {
  if (options_.now_unix_ms) return options_.now_unix_ms();
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Publisher::NewFileName() const {
  return NewIndexFileName(next_generation_);
}

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Begin(
    const IndexPaths& paths, const SetSettings& settings,
    const PublisherOptions& options) {
  for (const auto& folder :
       {paths.manifests(), paths.models(), paths.shards(), paths.deletions(),
        paths.products(), paths.sources(), paths.pictures(),
        paths.complements(), paths.control()}) {
    VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
  }
  VITRINE_RETURN_IF_ERROR(SyncFolder(paths.root));
  std::unique_ptr<Publisher> publisher(new Publisher(paths, options));
  std::lock_guard lock(publisher->publishing_);
  storage::Manifest manifest;
  if (!settings.partition.is_whole()) {
    manifest.mutable_partition()->set_number(settings.partition.number);
    manifest.mutable_partition()->set_of(settings.partition.of);
  }
  VITRINE_ASSIGN_OR_RETURN(
      *manifest.add_vector_sets(),
      BeginSet(paths, settings, /*id=*/1, publisher->NowUnixMs()));
  manifest.mutable_vector_sets(0)->set_state(storage::VectorSet::STATE_SERVING);
  WrittenFiles written;
  manifest.set_generation(publisher->next_generation_++);
  manifest.set_index_id(NewIndexId());
  VITRINE_RETURN_IF_ERROR(
      publisher->PublishDraft(std::move(manifest), nullptr, &written).status());
  return publisher;
}

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Open(
    const IndexPaths& paths, const PublisherOptions& options) {
  const auto generations = ListGenerations(paths);
  if (absl::IsNotFound(generations.status()) ||
      (generations.ok() && generations->empty())) {
    return absl::NotFoundError(
        absl::StrCat("there is no index in ", paths.root.string()));
  }
  VITRINE_RETURN_IF_ERROR(generations.status());
  std::unique_ptr<Publisher> publisher(new Publisher(paths, options));
  std::lock_guard lock(publisher->publishing_);
  VITRINE_RETURN_IF_ERROR(NeedsRepair(publisher->LoadGenerations(), paths));
  VITRINE_RETURN_IF_ERROR(publisher->RemoveOrphans());
  return publisher;
}

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::OpenSalvage(
    const IndexPaths& paths, const Salvage& salvage,
    const PublisherOptions& options) {
  std::unique_ptr<Publisher> publisher(new Publisher(paths, options));
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths));
  for (uint64_t generation : generations) {
    const auto manifest = ReadManifest(paths, generation);
    if (manifest.ok()) publisher->retention_.Add(*manifest);
  }
  publisher->damaged_generations_ = salvage.damaged_generations;
  publisher->next_generation_ = salvage.newest_generation + 1;
  VITRINE_ASSIGN_OR_RETURN(
      auto originals, OpenOriginals(paths, salvage.snapshot->manifest(), {}));
  publisher->view_.snapshot = salvage.snapshot;
  publisher->view_.sources = salvage.sources;
  publisher->view_.originals = std::move(originals);
  publisher->view_.IndexContent(IndexView());
  return publisher;
}

absl::Status Publisher::LoadGenerations() {
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths_));
  storage::Manifest manifest;
  for (uint64_t generation : generations) {
    VITRINE_ASSIGN_OR_RETURN(manifest, ReadManifest(paths_, generation));
    retention_.Add(manifest);
    next_generation_ = generation + 1;
  }
  VITRINE_ASSIGN_OR_RETURN(
      view_, IndexView::Open(paths_, manifest, IndexView(), nullptr));
  view_.IndexContent(IndexView());
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    VITRINE_RETURN_IF_ERROR(
        VerifyModel(paths_.model(set.model()), set.model()));
  }
  return absl::OkStatus();
}

absl::Status Publisher::RemoveOrphans() {
  for (const char* folder : {"models", "complements", "shards", "deletions",
                             "products", "sources", "pictures", "manifests"}) {
    const auto names = ListFolder(paths_.root / folder);
    if (absl::IsNotFound(names.status())) continue;
    VITRINE_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      const bool named =
          folder == std::string_view("manifests")
              ? !absl::EndsWith(name, ".staging")
              : retention_.IsNamed(absl::StrCat(folder, "/", name));
      if (!named && IsOfIndexFile(name)) {
        VITRINE_RETURN_IF_ERROR(RemoveFile(paths_.root / folder / name));
      }
    }
  }
  return absl::OkStatus();
}

IndexView Publisher::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

storage::Manifest Publisher::NextManifest() {
  storage::Manifest manifest = view().snapshot->manifest();
  manifest.set_generation(next_generation_++);
  // Indexes of earlier versions have none.
  if (manifest.index_id().empty()) manifest.set_index_id(NewIndexId());
  return manifest;
}

absl::StatusOr<Publication> Publisher::Publish(const IndexChanges& changes) {
  std::lock_guard lock(publishing_);
  const IndexView before = view();
  if (!changes.rows.empty() && changes.set != before.snapshot->set().id()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the rows are of vector set ", changes.set, ", and set ",
                     before.snapshot->set().id(), " serves now"));
  }
  storage::Manifest manifest = NextManifest();
  WrittenFiles written;
  VITRINE_RETURN_IF_ERROR(
      WriteChanges(paths_, before, changes, &manifest, &written));
  return PublishNew(std::move(manifest), &written);
}

absl::StatusOr<Publication> Publisher::Commit(const MergeOutput& output) {
  std::lock_guard lock(publishing_);
  storage::Manifest manifest = NextManifest();
  WrittenFiles written;
  for (const auto& file : FilesOfMerge(paths_, output)) written.Add(file);
  VITRINE_RETURN_IF_ERROR(
      ApplyMerge(paths_, view(), output, &manifest, &written));
  merged_bytes_ += written.Bytes();
  return PublishDraft(std::move(manifest), output.opened.get(), &written);
}

absl::StatusOr<Publication> Publisher::AddSet(const SetSettings& settings) {
  std::lock_guard lock(publishing_);
  storage::Manifest manifest = NextManifest();
  KeepServing(&manifest);
  // As no generation's number, no set's is used twice.
  VITRINE_ASSIGN_OR_RETURN(
      *manifest.add_vector_sets(),
      BeginSet(paths_, settings, manifest.generation(), NowUnixMs()));
  WrittenFiles written;
  return PublishDraft(std::move(manifest), nullptr, &written);
}

absl::StatusOr<Publication> Publisher::Fill(uint64_t set,
                                            const std::vector<Row>& rows) {
  std::lock_guard lock(publishing_);
  const IndexView before = view();
  if (before.other == nullptr || before.other->set().id() != set) {
    return absl::NotFoundError(absl::StrCat("vector set ", set, " is gone"));
  }
  storage::Manifest manifest = NextManifest();
  WrittenFiles written;
  VITRINE_RETURN_IF_ERROR(WriteFill(paths_, before, rows, &manifest, &written));
  storage::VectorSet* const other = MutableSet(&manifest, set);
  if (other->filled_unix_ms() == 0 &&
      LiveRows(*other) == before.snapshot->images()) {
    other->set_filled_unix_ms(NowUnixMs());
  }
  return PublishNew(std::move(manifest), &written);
}

absl::StatusOr<Publication> Publisher::SwitchSets(bool keep) {
  std::lock_guard lock(publishing_);
  const IndexView before = view();
  if (before.other == nullptr) {
    return absl::NotFoundError("the index has no other vector set");
  }
  if (before.missing() > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the vector set of model ", before.other->set().model(),
                     " lacks ", before.missing(), " pictures"));
  }
  storage::Manifest manifest = NextManifest();
  for (storage::VectorSet& set : *manifest.mutable_vector_sets()) {
    set.set_state(set.state() == storage::VectorSet::STATE_SERVING
                      ? storage::VectorSet::STATE_RETAINED
                      : storage::VectorSet::STATE_SERVING);
    set.set_state_since_unix_ms(NowUnixMs());
  }
  if (!keep) KeepServing(&manifest);
  WrittenFiles written;
  return PublishDraft(std::move(manifest), nullptr, &written);
}

absl::StatusOr<Publication> Publisher::SetPromotion(bool manually) {
  std::lock_guard lock(publishing_);
  if (view().other == nullptr) {
    return absl::NotFoundError("the index has no other vector set");
  }
  storage::Manifest manifest = NextManifest();
  MutableSet(&manifest, OtherSet(manifest)->id())
      ->set_promote_manually(manually);
  WrittenFiles written;
  return PublishDraft(std::move(manifest), nullptr, &written);
}

absl::StatusOr<Publication> Publisher::SetComplements(std::string_view bytes,
                                                      std::string_view name) {
  std::lock_guard lock(publishing_);
  const IndexView now = view();
  const storage::Manifest& before = now.snapshot->manifest();
  storage::Manifest manifest = before;
  WrittenFiles written;
  if (bytes.empty()) {
    for (storage::VectorSet& set : *manifest.mutable_vector_sets()) {
      set.clear_complements();
    }
  } else {
    VITRINE_RETURN_IF_ERROR(
        AttachComplements(paths_, bytes, name, &manifest, &written));
  }
  bool changed = false;
  for (int i = 0; i < manifest.vector_sets_size(); ++i) {
    changed |= manifest.vector_sets(i).complements().name() !=
               before.vector_sets(i).complements().name();
  }
  if (!changed) {
    return Publication{before.generation(), before.published_unix_ms()};
  }
  const storage::Manifest next = NextManifest();
  manifest.set_generation(next.generation());
  manifest.set_index_id(next.index_id());
  return PublishDraft(std::move(manifest), nullptr, &written);
}

absl::StatusOr<Publication> Publisher::DropOtherSet() {
  std::lock_guard lock(publishing_);
  if (view().other == nullptr) {
    return absl::NotFoundError("the index has no other vector set");
  }
  storage::Manifest manifest = NextManifest();
  KeepServing(&manifest);
  WrittenFiles written;
  return PublishDraft(std::move(manifest), nullptr, &written);
}

absl::StatusOr<Publication> Publisher::PublishNew(storage::Manifest manifest,
                                                  WrittenFiles* written) {
  const uint64_t bytes = written->Bytes();
  VITRINE_ASSIGN_OR_RETURN(const Publication publication,
                           PublishDraft(std::move(manifest), nullptr, written));
  published_bytes_ += bytes;
  return publication;
}

absl::StatusOr<Publication> Publisher::PublishDraft(storage::Manifest manifest,
                                                    const Snapshot* opened,
                                                    WrittenFiles* written) {
  manifest.set_published_unix_ms(NowUnixMs());
  manifest.set_writer(kWriter);
  // All that the manifest names is opened before the manifest is there.
  const IndexView before = view();
  // A set that does not serve, and is damaged, holds nothing up.
  if (before.other != nullptr && before.snapshot->CheckFiles().ok() &&
      !before.other->CheckFiles().ok()) {
    KeepServing(&manifest);
  }
  VITRINE_ASSIGN_OR_RETURN(IndexView next,
                           IndexView::Open(paths_, manifest, before, opened));
  // Nothing is published that may have been made of what is damaged. Before the
  // first generation there is nothing.
  if (before.snapshot != nullptr) {
    VITRINE_RETURN_IF_ERROR(before.snapshot->CheckFiles());
    VITRINE_RETURN_IF_ERROR(WithRemedy(before.sources->CheckFiles(), paths_));
  }
  manifest_bytes_ += manifest.ByteSizeLong();
  const absl::Status status = PublishManifest(paths_, manifest);
  std::error_code error;
  if (!status.ok() &&
      std::filesystem::exists(paths_.manifest(manifest.generation()), error)) {
    // The rename went well and the fsync of the folder did not: readers may
    // have seen this generation, so that its files stay. It is never built on.
    written->Keep();
    retention_.Add(manifest);
  }
  VITRINE_RETURN_IF_ERROR(status);
  written->Keep();
  next.IndexContent(before);
  {
    std::lock_guard lock(mutex_);
    view_ = std::move(next);
  }
  retention_.Add(manifest);
  // One that stays is found when the index is next opened.
  for (uint64_t generation : std::exchange(damaged_generations_, {})) {
    RemoveFile(paths_.manifest(generation)).IgnoreError();
  }
  return Publication{manifest.generation(), manifest.published_unix_ms()};
}

void Publisher::RemoveExpired() {
  std::lock_guard lock(publishing_);
  const Retention::Removal removal = retention_.Expire(NowUnixMs());
  // What cannot be removed now is found when the index is next opened. No
  // manifest stays without its files.
  for (uint64_t generation : removal.generations) {
    if (!RemoveFile(paths_.manifest(generation)).ok()) return;
  }
  for (const std::string& file : removal.files) {
    RemoveFile(paths_.root / file).IgnoreError();
  }
}

}  // namespace vitrine
