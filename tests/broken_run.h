// Runs of an indexer in a process of its own, of which a call that changes
// files is broken, while somebody reads its index.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/faulty_files.h"
#include "tests/index_digest.h"
#include "tests/indexer_world.h"

namespace vitrine::testing {

using Digest = std::map<std::string, std::string>;

// While it lives, standard error goes to a file.
class StderrLog {
 public:
  explicit StderrLog(std::filesystem::path path)
      : path_(std::move(path)), before_(::dup(STDERR_FILENO)) {
    const int fd =
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  }
  ~StderrLog() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  StderrLog(const StderrLog&) = delete;
  StderrLog& operator=(const StderrLog&) = delete;

  std::string All() const { return ReadAll(path_); }

 private:
  const std::filesystem::path path_;
  const int before_;
};

// Opens each new generation as a server does. All of them must open, and have
// the rows that are in `kept`.
class IndexReader {
 public:
  IndexReader(IndexPaths paths, std::map<std::string, std::string> kept)
      : paths_(std::move(paths)), kept_(std::move(kept)) {}

  void Look() {
    const auto generations = ListGenerations(paths_);
    if (!generations.ok() || generations->empty() ||
        (snapshot_ != nullptr &&
         snapshot_->generation() == generations->back())) {
      return;
    }
    std::string degraded;
    const auto opened =
        Snapshot::OpenNewest(paths_, snapshot_.get(), &degraded);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(degraded, "");
    if (snapshot_ != nullptr) {
      EXPECT_GT((*opened)->generation(), snapshot_->generation());
    }
    snapshot_ = *opened;
    const auto rows = Content(*snapshot_);
    for (const auto& [name, sha256] : kept_) {
      const auto row = rows.find(name);
      ASSERT_TRUE(row != rows.end())
          << name << " is away in generation " << snapshot_->generation();
      EXPECT_EQ(row->second, sha256) << name;
    }
  }

 private:
  const IndexPaths paths_;
  const std::map<std::string, std::string> kept_;
  std::shared_ptr<const Snapshot> snapshot_;
};

struct BrokenRun {
  bool killed = false;
  bool broke = false;  // Its fault has happened.
  bool ok = false;     // It ended well.
  std::string said;    // All of it, and the error that it ended with.
  std::map<std::string, int> calls;
};

// IndexerWorld::Once in a child of this process, which must have no other
// threads. `look` is called over and over meanwhile.
inline BrokenRun RunBroken(IndexerWorld* world, const FileFault& fault,
                           const std::function<void()>& look) {
  const std::filesystem::path log = world->root() / "log";
  const std::filesystem::path report = world->root() / "report";
  std::filesystem::remove(report);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const StderrLog stderr_log(log);
    BreakFiles(world->paths().root, fault);
    const absl::Status status = world->Once();
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::ofstream out(report);
    out << status.ok() << " " << FilesBroke() << "\n";
    for (const auto& [point, calls] : FileCalls()) {
      out << calls << " " << point << "\n";
    }
    out.close();
    ::_exit(0);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pollfd ended = {.fd = pidfd, .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, /*timeout_ms=*/1) == 0) look();
  ::close(pidfd);
  int status = 0;
  ::waitpid(child, &status, 0);
  look();
  BrokenRun run;
  run.said = ReadAll(log);
  run.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  run.broke = run.killed;
  if (run.killed) return run;
  EXPECT_EQ(status, 0) << run.said;
  std::istringstream lines(ReadAll(report));
  lines >> run.ok >> run.broke;
  int calls = 0;
  for (std::string point;
       lines >> calls && std::getline(lines >> std::ws, point);) {
    run.calls[point] = calls;
  }
  return run;
}

// What the receipts tell of, without when and where: path, product, outcome and
// content. A last line that is torn tells nothing.
using ToldOf = std::tuple<std::string, std::string, std::string, std::string>;
inline std::vector<ToldOf> ReceiptsOf(const IndexPaths& paths) {
  std::vector<ToldOf> told;
  std::istringstream lines(ReadAll(paths.receipts()));
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    const auto receipt = nlohmann::json::parse(line);
    told.emplace_back(receipt["path"], receipt["product_id"],
                      receipt["outcome"], receipt.value("sha256", ""));
  }
  return told;
}

// That what the receipts have told last of each picture is so, or the picture
// is by now as in `expected`, and its next receipt still to be written.
inline void ExpectReceiptsAreTrue(const IndexPaths& paths, const Digest& digest,
                                  const Digest& expected) {
  std::map<std::string, ToldOf> last;
  for (const ToldOf& told : ReceiptsOf(paths)) {
    last["row " + std::get<1>(told) + "/" + std::get<0>(told)] = told;
  }
  auto content_of = [](const Digest& of, const std::string& row) {
    const auto found = of.find(row);
    return found == of.end() ? std::string()
                             : found->second.substr(0, found->second.find(' '));
  };
  for (const auto& [row, told] : last) {
    const std::string& outcome = std::get<2>(told);
    const bool is_there = outcome == "accepted" || outcome == "changed";
    const std::string found = content_of(digest, row);
    EXPECT_TRUE(found == (is_there ? std::get<3>(told) : "") ||
                found == content_of(expected, row))
        << row << " was " << outcome;
  }
}

// That the index holds what its manifests name, refused pictures that are
// whole, and nothing else.
inline void ExpectNoOrphans(const IndexPaths& paths) {
  std::set<std::string> named = {"LOCK", "receipts.jsonl"};
  const auto generations = ListGenerations(paths);
  ASSERT_TRUE(generations.ok()) << generations.status();
  for (uint64_t generation : *generations) {
    const auto manifest = ReadManifest(paths, generation);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    named.insert(
        std::filesystem::relative(paths.manifest(generation), paths.root));
    for (std::string& file : FilesOf(*manifest)) named.insert(std::move(file));
  }
  const std::set<std::string> files = FilesUnder(paths.root);
  for (const std::string& file : files) {
    if (file.starts_with("refused/") &&
        file == "refused/" + ToHex(Sha256(ReadAll(paths.root / file)))) {
      named.insert(file);
    }
  }
  EXPECT_EQ(files, named);
}

}  // namespace vitrine::testing
