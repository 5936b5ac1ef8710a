#include "server/partitions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "server/gather.h"
#include "server/preconditions.h"
#include "server/query.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;

// Of what is left of a deadline, this is kept to merge and send what has come.
constexpr int kReserveShare = 10;
constexpr milliseconds kLeastReserve(2);
constexpr milliseconds kMostReserve(100);

// How often all are asked again for what a call wants and none has.
constexpr std::chrono::seconds kLookAgain(1);

// Between two attempts, so that what hangs leaves time for the next.
constexpr milliseconds kMostLook(2000);

// While partitions go over one by one, more may have done so when a call is
// made again; so many in a row seldom fail for it.
constexpr int kMostAttempts = 5;

// A partition takes some time to tell what it is after a new generation.
constexpr milliseconds kDescribePatience(5000);

VectorFacts FactsOf(const v1::ModelCard& card, v1::Metric metric) {
  VectorFacts facts;
  facts.model = card.id();
  for (const v1::Block& block : card.blocks()) {
    facts.blocks.push_back({block.name(), block.dim(), block.weight()});
  }
  facts.metric = metric == v1::METRIC_EUCLIDEAN   ? Metric::kEuclidean
                 : metric == v1::METRIC_MANHATTAN ? Metric::kManhattan
                                                  : Metric::kCosine;
  return facts;
}

bool AreAlike(const VectorFacts& a, const VectorFacts& b) {
  return a.model == b.model && a.metric == b.metric;
}

bool IsWrongModel(const absl::Status& status) {
  return !status.ok() &&
         ErrorOf(status).reason() == v1::ERROR_REASON_WRONG_MODEL;
}

// What was held against what is known of partitions, and not by one of them.
bool MayBeOutOfDate(const absl::Status& status) {
  if (!absl::IsFailedPrecondition(status) && !absl::IsInvalidArgument(status)) {
    return false;
  }
  const v1::Error error = ErrorOf(status);
  return error.reason() == v1::ERROR_REASON_WRONG_DIMENSION ||
         error.field().starts_with("emphasis");
}

bool IsCallersMistake(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return true;
    case absl::StatusCode::kFailedPrecondition:
      return !IsWrongModel(status);
    default:
      return false;
  }
}

absl::Status PartitionUnavailable(std::string_view message) {
  return MakeError(absl::StatusCode::kUnavailable,
                   v1::ERROR_REASON_PARTITION_UNAVAILABLE, message, {},
                   std::nullopt, /*retry_after_ms=*/1000);
}

}  // namespace

Partitions::Partitions(std::vector<std::unique_ptr<Backend>> backends,
                       PartitionsOptions options)
    : backends_(std::move(backends)),
      options_(std::move(options)),
      known_(backends_.size()) {
  for (const auto& backend : backends_) all_.push_back(backend.get());
}

Partitions::~Partitions() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Partitions::Start() {
  thread_ = std::thread([this] { Watch(); });
}

void Partitions::Watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    look_ = false;
    lock.unlock();
    Call call;
    call.deadline = std::chrono::system_clock::now() + kDescribePatience;
    call.cancelled = [this] {
      std::lock_guard stopping(mutex_);
      return stopping_;
    };
    Look(call, Whom::kUnknown);
    lock.lock();
    const bool all_known =
        std::all_of(known_.begin(), known_.end(),
                    [](const Known& known) { return !known.sets.empty(); });
    if (all_known) {
      wake_.wait(lock, [this] { return stopping_ || look_; });
    } else {
      wake_.wait_for(lock, milliseconds(options_.look_ms),
                     [this] { return stopping_; });
    }
  }
}

void Partitions::Look(const Call& call, Whom whom, bool until_any) const {
  std::vector<Backend*> asked;
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < all_.size(); ++i) {
      if (whom == Whom::kAll || known_[i].outdated ||
          (whom == Whom::kUnknown && known_[i].sets.empty())) {
        asked.push_back(all_[i]);
      }
    }
  }
  // Each is known as soon as it has told, however long the others take.
  const auto learn = [&](size_t i, const absl::Status& status,
                         const v1::DescribeIndexResponse& told) {
    return status.ok() && Learn(asked[i], told) && until_any;
  };
  Gather<v1::DescribeIndexResponse>(AskAll(asked, v1::DescribeIndexRequest()),
                                    call, learn);
}

bool Partitions::Learn(const Backend* backend,
                       const v1::DescribeIndexResponse& told) const {
  // Without blocks while its model is being loaded.
  if (told.model().blocks().empty()) return false;
  std::vector<VectorFacts> sets = {FactsOf(told.model(), told.metric())};
  for (const v1::VectorSetSummary& set : told.vector_sets()) {
    if (set.model().id() != sets.front().model &&
        !set.model().blocks().empty()) {
      sets.push_back(FactsOf(set.model(), set.metric()));
    }
  }
  std::lock_guard lock(mutex_);
  Known& known = known_[IndexOf(backend)];
  if (!std::equal(sets.begin(), sets.end(), known.sets.begin(),
                  known.sets.end(), AreAlike)) {
    ++version_;
  }
  known.sets = std::move(sets);
  known.outdated = false;
  if (!ready_ && options_.on_ready) options_.on_ready();
  ready_ = true;
  return true;
}

absl::Status Partitions::Attempt(
    const Call& call, const std::function<absl::Status()>& attempt) const {
  for (int left = kMostAttempts;; --left) {
    VITRINE_RETURN_IF_ERROR(call.Check());
    const uint64_t known = version();
    absl::Status status = attempt();
    if (left == 1) return status;
    Whom whom = Whom::kOutdated;
    if (!absl::IsUnavailable(status) && !IsWrongModel(status)) {
      if (!MayBeOutOfDate(status) || !MayLookAgain()) return status;
      whom = Whom::kAll;
    }
    Call look = HandDown(call);
    const auto now = std::chrono::system_clock::now();
    look.deadline = std::min(now + kMostLook, now + (look.deadline - now) / 2);
    Look(look, whom);
    if (version() == known) return status;
  }
}

bool Partitions::MayLookAgain() const {
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_again_ < kLookAgain) return false;
  looked_again_ = now;
  return true;
}

uint64_t Partitions::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

size_t Partitions::IndexOf(const Backend* backend) const {
  return static_cast<size_t>(std::find(all_.begin(), all_.end(), backend) -
                             all_.begin());
}

std::vector<Backend*> Partitions::ByHealth() const {
  std::vector<Backend*> sorted = all_;
  std::rotate(sorted.begin(),
              sorted.begin() + static_cast<ptrdiff_t>(turn_++ % sorted.size()),
              sorted.end());
  std::lock_guard lock(mutex_);
  std::stable_partition(
      sorted.begin(), sorted.end(),
      [this](const Backend* one) { return !known_[IndexOf(one)].ailing; });
  return sorted;
}

absl::StatusOr<VectorFacts> Partitions::Facts(std::string_view required_model,
                                              std::string_view model,
                                              const Call& call) const {
  if (!any_known()) Look(HandDown(call), Whom::kUnknown, /*until_any=*/true);
  absl::StatusOr<VectorFacts> facts = KnownFacts(required_model, model);
  if (facts.ok() || !absl::IsFailedPrecondition(facts.status())) return facts;
  // It may have come since they were asked.
  if (!MayLookAgain()) return facts;
  Look(HandDown(call), Whom::kAll);
  return KnownFacts(required_model, model);
}

absl::StatusOr<VectorFacts> Partitions::KnownFacts(
    std::string_view required_model, std::string_view model) const {
  std::lock_guard lock(mutex_);
  const VectorFacts* best = nullptr;
  std::ptrdiff_t most = 0;
  absl::Status refused;
  for (const Known& known : known_) {
    for (size_t s = 0; s < known.sets.size(); ++s) {
      const VectorFacts& set = known.sets[s];
      if (model.empty() && s > 0) break;
      const absl::Status fits =
          CheckModel(set.model, model.empty() ? required_model : model);
      if (!fits.ok()) {
        refused.Update(fits);
        continue;
      }
      const auto alike =
          std::count_if(known_.begin(), known_.end(), [&](const Known& other) {
            return other.sets.size() > s && AreAlike(other.sets[s], set);
          });
      if (alike > most) {
        best = &set;
        most = alike;
      }
    }
  }
  if (best != nullptr) {
    VectorFacts facts = *best;
    facts.is_named = !model.empty();
    return facts;
  }
  VITRINE_RETURN_IF_ERROR(refused);
  std::vector<std::string> names;
  for (const Backend* backend : all_) names.push_back(backend->name());
  return PartitionUnavailable(
      absl::StrCat("no partition has told yet what it serves: ",
                   absl::StrJoin(names, ", ")));
}

bool Partitions::any_known() const {
  std::lock_guard lock(mutex_);
  return std::any_of(known_.begin(), known_.end(),
                     [](const Known& known) { return !known.sets.empty(); });
}

Call Partitions::HandDown(const Call& call) const {
  Call down = call;
  const auto now = std::chrono::system_clock::now();
  down.deadline = now + milliseconds(options_.timeout_ms);
  if (call.deadline != std::chrono::system_clock::time_point::max()) {
    const std::chrono::system_clock::duration left =
        std::max(call.deadline - now, std::chrono::system_clock::duration(0));
    const auto reserve = std::clamp<std::chrono::system_clock::duration>(
        left / kReserveShare, kLeastReserve, kMostReserve);
    down.deadline = std::min(down.deadline, call.deadline - reserve);
  }
  return down;
}

void Partitions::Note(const Backend* backend, const absl::Status& status,
                      const VectorFacts* asked) const {
  std::lock_guard lock(mutex_);
  Known& known = known_[IndexOf(backend)];
  known.ailing = !status.ok() && !IsCallersMistake(status);
  if (asked == nullptr || !IsWrongModel(status)) return;
  // That it serves other vectors than most may be known.
  const auto is_asked = [asked](const VectorFacts& set) {
    return AreAlike(set, *asked);
  };
  const bool was_known =
      asked->is_named
          ? std::any_of(known.sets.begin(), known.sets.end(), is_asked)
          : !known.sets.empty() && is_asked(known.sets.front());
  if (!was_known) return;
  known.sets.clear();
  known.outdated = true;
  ++version_;
  look_ = true;
  wake_.notify_all();
}

absl::Status Shortfall::Add(const Backend* backend,
                            const absl::Status& status) {
  const bool is_full =
      !status.ok() && ErrorOf(status).reason() == v1::ERROR_REASON_OVERLOADED;
  partitions_.Note(backend, is_full ? absl::OkStatus() : status, facts_);
  if (status.ok()) return status;
  if (IsCallersMistake(status)) return status;
  if (Lacks(backend)) return absl::OkStatus();
  if (is_full) {
    ++full_;
    retry_after_ms_ =
        std::max<int>(retry_after_ms_, ErrorOf(status).retry_after_ms());
  }
  const std::string why = absl::StrCat(backend->name(), ": ", status.message());
  lacking_.push_back(backend);
  missing_.push_back(why);
  if (require_complete_) {
    return Failure(absl::StrCat(
        "the answer must be complete, but a partition cannot be asked: ", why));
  }
  return absl::OkStatus();
}

absl::Status Shortfall::Check() const {
  if (lacking_.size() < partitions_.all().size()) return absl::OkStatus();
  return Failure(absl::StrCat("no partition can be asked: ",
                              absl::StrJoin(missing_, "; ")));
}

absl::Status Shortfall::Failure(std::string_view message) const {
  if (full_ < lacking_.size()) return PartitionUnavailable(message);
  return MakeError(absl::StatusCode::kResourceExhausted,
                   v1::ERROR_REASON_OVERLOADED, message, {}, std::nullopt,
                   retry_after_ms_);
}

absl::Status Shortfall::Unavailable(std::string_view what) const {
  return PartitionUnavailable(
      absl::StrCat(std::string(what), absl::StrJoin(missing_, "; ")));
}

bool Shortfall::Lacks(const Backend* backend) const {
  return std::find(lacking_.begin(), lacking_.end(), backend) != lacking_.end();
}

std::vector<Backend*> Shortfall::Present() const {
  std::vector<Backend*> present;
  for (Backend* backend : partitions_.all()) {
    if (!Lacks(backend)) present.push_back(backend);
  }
  return present;
}

}  // namespace vitrine
