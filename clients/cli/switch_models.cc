#include "clients/cli/switch_models.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"
#include "common/base/status.h"
#include "common/index/control.h"
#include "common/index/manifest.h"

namespace vitrine::cli {
namespace {

using Clock = std::chrono::steady_clock;

// So long an indexer that runs needs at most to see a request.
constexpr std::chrono::seconds kPatience(5);

absl::StatusOr<storage::Manifest> NewestManifest(const IndexPaths& paths) {
  const auto generations = ListGenerations(paths);
  if (!generations.ok() || generations->empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no index in ", paths.root.string(),
                     "; name its folder with --index=DIR"));
  }
  return ReadManifest(paths, generations->back());
}

int64_t LiveRowsOf(const storage::VectorSet& set) {
  return static_cast<int64_t>(LiveRows(set));
}

class Switch {
 public:
  Switch(const Flags& flags, const Environment& environment,
         std::chrono::milliseconds look)
      : flags_(flags),
        environment_(environment),
        look_(look),
        paths_{flags.index} {}

  absl::Status Run() {
    VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                             NewestManifest(paths_));
    VITRINE_ASSIGN_OR_RETURN(const storage::VectorSet* const serving,
                             ServingSet(manifest));
    const storage::VectorSet* const other = OtherSet(manifest);
    const bool promotes = flags_.verb == Verb::kPromote;
    if (other == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the index ", flags_.index, " has the vectors of one model, ",
          serving->model(), ", and none to ",
          promotes ? "promote; vitrine-indexer --model=FILE builds some"
                   : "return to"));
    }
    const bool gives_up =
        !promotes && other->state() == storage::VectorSet::STATE_BUILDING;
    Tell(gives_up
             ? absl::StrCat("asking the indexer to give up the vectors of "
                            "model ",
                            other->model(), ", which never served")
             : absl::StrCat(
                   "asking the indexer to let model ", other->model(),
                   " serve in the place of ", serving->model(),
                   LiveRowsOf(*other) < LiveRowsOf(*serving)
                       ? absl::StrCat(", once it has all pictures: ",
                                      FormatCount(LiveRowsOf(*other)), " of ",
                                      FormatCount(LiveRowsOf(*serving)))
                       : ""));
    const auto posted = PostRequest(
        paths_, gives_up ? ControlRequest::kGiveUp : ControlRequest::kServe,
        other->id());
    if (!posted.ok()) {
      return Annotate(posted.status(),
                      "who asks must be able to write to the "
                      "index's folder");
    }
    if (flags_.no_wait) return absl::OkStatus();
    return Await(*posted, other->id());
  }

 private:
  absl::Status Await(const std::string& request, uint64_t set) {
    Progress progress(environment_.err, environment_.progress, std::nullopt,
                      "images");
    const Clock::time_point begin = Clock::now();
    bool told = false;
    while (true) {
      if (const auto answer = TakeAnswer(paths_, request)) {
        progress.Clear();
        if (!answer->status.ok()) return answer->status;
        Tell(absl::StrCat("done; it holds from generation ", answer->generation,
                          " on"));
        return absl::OkStatus();
      }
      if (!told && Clock::now() - begin > kPatience &&
          !IsTaken(paths_, request)) {
        told = true;
        progress.Clear();
        Tell(
            "no indexer of this index has seen that yet; it will when one "
            "runs");
      }
      if (const auto manifest = NewestManifest(paths_); manifest.ok()) {
        for (const storage::VectorSet& one : manifest->vector_sets()) {
          if (one.id() == set) progress.Update(LiveRowsOf(one), 0);
        }
      }
      std::this_thread::sleep_for(look_);
    }
  }

  void Tell(const std::string& line) {
    environment_.err << "vitrine: " << Printable(line) << "\n" << std::flush;
  }

  const Flags& flags_;
  const Environment& environment_;
  const std::chrono::milliseconds look_;
  const IndexPaths paths_;
};

}  // namespace

int SwitchModels(const Flags& flags, const Environment& environment,
                 std::chrono::milliseconds look) {
  const absl::Status status = Switch(flags, environment, look).Run();
  if (status.ok()) return kOk;
  environment.err << "vitrine: " << Printable(std::string(status.message()))
                  << "\n";
  return kFailed;
}

}  // namespace vitrine::cli
