// The partitions that a server answers from, what their vectors are, and what
// it means where one of them cannot be asked.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/search.h"
#include "common/vector/block.h"
#include "server/backend.h"
#include "server/call.h"

namespace vitrine {

// What a model's vectors are.
struct VectorFacts {
  std::string model;  // The SHA-256 of its bundle.
  std::vector<Block> blocks;
  Metric metric = Metric::kCosine;
  // A request has named the model: it need not be the one that is served.
  bool is_named = false;
};

struct PartitionsOptions {
  // How long a partition may take, where the caller has more time.
  int64_t timeout_ms = 10'000;
  // How often a partition of which nothing is known is asked what it is.
  int64_t look_ms = 500;
  // Called once, when the first partition has told what it is.
  std::function<void()> on_ready;
};

// Thread-safe.
class Partitions {
 public:
  Partitions(std::vector<std::unique_ptr<Backend>> backends,
             PartitionsOptions options);
  ~Partitions();
  Partitions(const Partitions&) = delete;
  Partitions& operator=(const Partitions&) = delete;

  // Asks each partition what it is, and goes on asking those that have not
  // told, in a thread of its own. Once.
  void Start();

  // Returns what `attempt` does, once what it asks for of partitions can hold:
  // where it fails as a partition serves other vectors than it was known to, or
  // may, those partitions are asked what they serve, and it is made again, a
  // few times at most and not after the deadline. Each attempt begins anew,
  // with Facts.
  absl::Status Attempt(const Call& call,
                       const std::function<absl::Status()>& attempt) const;

  const std::vector<Backend*>& all() const { return all_; }
  // The same, those first that answered when they were last asked; which of
  // them is the first goes round.
  std::vector<Backend*> ByHealth() const;

  // The vectors that most partitions serve and whose model begins with
  // `required_model`; where `model` is not empty, those of that model.
  // FAILED_PRECONDITION where no partition has such. Asks them where none has
  // told, and again, though not all the time, where none has such; UNAVAILABLE
  // where that is in vain.
  absl::StatusOr<VectorFacts> Facts(std::string_view required_model,
                                    std::string_view model,
                                    const Call& call) const;
  // What a call may hand down: its deadline leaves some time to answer in, and
  // is no later than the partitions' own.
  Call HandDown(const Call& call) const;

  // Takes note of what a partition has answered: whether it is well, and
  // whether it serves `asked`, where that is not null.
  void Note(const Backend* backend, const absl::Status& status,
            const VectorFacts* asked) const;
  // Takes note of what a partition has told of itself; false where that is not
  // enough.
  bool Learn(const Backend* backend,
             const v1::DescribeIndexResponse& told) const;

 private:
  struct Known {
    std::vector<VectorFacts> sets;  // The served one first; none: not known.
    bool ailing = false;
    bool outdated = false;  // It has refused what it was known to serve.
  };
  enum class Whom { kUnknown, kOutdated, kAll };
  void Watch();
  // Asks some what they are, by the deadline of `call`; returns when all have
  // answered, or with `until_any` when one has told.
  void Look(const Call& call, Whom whom, bool until_any = false) const;
  bool any_known() const;
  // Whether all may be asked again for a call's sake: once in a while.
  bool MayLookAgain() const;
  uint64_t version() const;
  // As far as it is known.
  absl::StatusOr<VectorFacts> KnownFacts(std::string_view required_model,
                                         std::string_view model) const;
  size_t IndexOf(const Backend* backend) const;

  const std::vector<std::unique_ptr<Backend>> backends_;
  const PartitionsOptions options_;
  std::vector<Backend*> all_;
  mutable std::atomic<uint32_t> turn_ = 0;

  mutable std::mutex mutex_;  // Guards what follows.
  mutable std::condition_variable wake_;
  mutable std::vector<Known> known_;  // One a backend.
  mutable uint64_t version_ = 0;      // Of what is known; it counts changes.
  mutable bool look_ = false;         // Something is to be asked again.
  // When all were asked again, as what a call wanted was not known.
  mutable std::chrono::steady_clock::time_point looked_again_;
  mutable bool ready_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// What is missing from one answer.
class Shortfall {
 public:
  // Partitions are asked for vectors of `facts`, if not null; it must outlive
  // this.
  Shortfall(const Partitions& partitions, bool require_complete,
            const VectorFacts* facts = nullptr)
      : partitions_(partitions),
        require_complete_(require_complete),
        facts_(facts) {}

  // Takes note of a partition's answer. An error where it ends the call: the
  // partition has found the request to be wrong, or cannot be asked and the
  // answer must be complete.
  absl::Status Add(const Backend* backend, const absl::Status& status);
  // UNAVAILABLE where all partitions are missing; RESOURCE_EXHAUSTED, when to
  // come again, where all are that because they were full.
  absl::Status Check() const;
  // UNAVAILABLE, as what is asked for may be in a missing partition.
  absl::Status Unavailable(std::string_view what) const;

  bool Lacks(const Backend* backend) const;
  // "10.0.0.7:50051: no answer within 450 ms", one a partition.
  const std::vector<std::string>& missing() const { return missing_; }
  // Those that can be asked.
  std::vector<Backend*> Present() const;

 private:
  absl::Status Failure(std::string_view message) const;

  const Partitions& partitions_;
  const bool require_complete_;
  const VectorFacts* const facts_;
  std::vector<const Backend*> lacking_;
  std::vector<std::string> missing_;
  size_t full_ = 0;         // How many of them were full, and
  int retry_after_ms_ = 0;  // when the last of these will not be.
};

// Tells in a response what is missing from it.
template <typename Response>
void Tell(const Shortfall& shortfall, Response* response) {
  for (const std::string& missing : shortfall.missing()) {
    response->set_partial(true);
    response->add_missing(missing);
  }
}

}  // namespace vitrine
