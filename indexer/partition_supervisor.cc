#include "indexer/partition_supervisor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/termination.h"
#include "common/index/index_paths.h"
#include "indexer/index_lock.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook(200);
// An indexer that has ended by itself is started again after this, and twice as
// long each time, …
constexpr std::chrono::seconds kFirstPause(1);
constexpr std::chrono::seconds kLongestPause(30);
// … until it has run for so long.
constexpr std::chrono::seconds kWell(60);
constexpr int kWrongCommandLine = 2;

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options)
      : options_(std::move(options)) {
    indexers_.resize(options_.jobs.size());
    for (size_t i = 0; i < indexers_.size(); ++i)
      indexers_[i].job = &options_.jobs[i];
  }

  int Run() {
    ::setenv(kSupervised, "1", /*overwrite=*/1);
    CatchTermination();
    std::thread([this] {
      const int signal = AwaitTermination();
      options_.log(absl::StrCat(strsignal(signal),
                                ": the indexers finish what is being read; a "
                                "second signal ends them at once"));
      {
        std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      stopped_.notify_all();
      ::_exit(128 + AwaitTermination());
    }).detach();
    return options_.once ? RunOnce() : RunOn();
  }

 private:
  struct Indexer {
    const PartitionJob* job = nullptr;
    pid_t pid = 0;  // 0: none of ours runs.
    Clock::time_point started;
    Clock::time_point free_since = Clock::time_point::max();
    Clock::time_point not_before = {};
    std::chrono::milliseconds pause = kFirstPause;
  };

  int RunOnce() {
    int worst = 0;
    for (Indexer& indexer : indexers_) {
      Start(&indexer);
      int status = 1;
      while (!HasEnded(&indexer, &status)) {
        if (AwaitStop(kLook / 4)) return std::max(worst, StopAll());
      }
      if (status != 0) {
        options_.log(absl::StrCat("the indexer of partition ",
                                  indexer.job->name, " ended with ", status));
      }
      worst = std::max(worst, status);
    }
    return worst;
  }

  int RunOn() {
    while (!AwaitStop(kLook)) {
      for (Indexer& indexer : indexers_) {
        int status = 0;
        if (indexer.pid != 0) {
          if (!HasEnded(&indexer, &status)) continue;
          if (status == kWrongCommandLine) {
            result_ = status;
            return StopAll();
          }
          const auto now = Clock::now();
          if (now - indexer.started > kWell) indexer.pause = kFirstPause;
          options_.log(absl::StrCat(
              "the indexer of partition ", indexer.job->name, " ended with ",
              status, "; it is started again in ", indexer.pause.count() / 1000,
              " s, if no other has it then"));
          indexer.not_before = now + indexer.pause;
          indexer.pause = std::min<std::chrono::milliseconds>(2 * indexer.pause,
                                                              kLongestPause);
        }
        if (IsDue(&indexer)) Start(&indexer);
      }
    }
    return StopAll();
  }

  bool IsDue(Indexer* indexer) const {
    if (IndexLock::IsHeld(IndexPaths{indexer->job->index})) {
      indexer->free_since = Clock::time_point::max();
      return false;
    }
    const auto now = Clock::now();
    indexer->free_since = std::min(indexer->free_since, now);
    const auto patience = indexer == indexers_.data()
                              ? std::chrono::milliseconds(0)
                              : options_.takeover;
    return now >= indexer->not_before && now - indexer->free_since >= patience;
  }

  void Start(Indexer* indexer) {
    std::vector<char*> argv;
    for (const std::string& argument : indexer->job->argv)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      // Nothing but system calls between fork and exec.
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      // What a terminal sends to all is handed on once.
      ::setpgid(0, 0);
      if (::getppid() != self) ::_exit(1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    indexer->started = Clock::now();
    indexer->free_since = Clock::time_point::max();
    if (pid < 0) {
      options_.log(absl::StrCat("cannot start the indexer of partition ",
                                indexer->job->name, ": ",
                                std::strerror(errno)));
      indexer->not_before = indexer->started + indexer->pause;
      return;
    }
    indexer->pid = pid;
    options_.log(absl::StrCat("partition ", indexer->job->name, ": process ",
                              pid, ", index ", indexer->job->index.string()));
  }

  // As a shell tells it: the exit status, or 128 + the number of the signal.
  static bool HasEnded(Indexer* indexer, int* status) {
    if (indexer->pid == 0) return true;
    int ended = 0;
    if (::waitpid(indexer->pid, &ended, WNOHANG) != indexer->pid) return false;
    indexer->pid = 0;
    *status = WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);
    return true;
  }

  int StopAll() {
    for (const Indexer& indexer : indexers_) {
      if (indexer.pid != 0) ::kill(indexer.pid, SIGTERM);
    }
    for (Indexer& indexer : indexers_) {
      int status = 0;
      while (!HasEnded(&indexer, &status))
        std::this_thread::sleep_for(kLook / 4);
      result_ = std::max(result_, status);
    }
    return result_;
  }

  // Waits for so long, or until it is to stop; whether it is.
  bool AwaitStop(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, time, [this] { return stopping_; });
    return stopping_;
  }

  const SupervisorOptions options_;
  std::vector<Indexer> indexers_;
  int result_ = 0;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
};

}  // namespace

int SuperviseIndexers(SupervisorOptions options) {
  // Never destroyed, as its thread may outlive main.
  static Supervisor* const supervisor = new Supervisor(std::move(options));
  return supervisor->Run();
}

}  // namespace vitrine
