// Several partitions by one program: an indexer process for each that it can
// have, and in place of others that have ended.
//
// They are processes, not threads, since an indexer may be ended by what it
// reads: it takes no other partition with it then, and the entry of a queue
// that was in hand is the one to be suspected.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace vitrine {

// In the environment of the indexers that it starts.
inline constexpr char kSupervised[] = "VITRINE_SUPERVISED";

struct PartitionJob {
  std::string name;               // "0/3"
  std::filesystem::path index;    // Whose lock tells whether it is free.
  std::vector<std::string> argv;  // Of its indexer; argv[0] is a path.
};

struct SupervisorOptions {
  // The first is this program's own, and taken as soon as it is free.
  std::vector<PartitionJob> jobs;
  // The others are taken when they have been free for so long.
  std::chrono::milliseconds takeover{5000};
  // Runs one after the other, each to its end.
  bool once = false;
  // One line for people, without its end.
  std::function<void(const std::string& line)> log;
};

// Runs indexers until SIGTERM or SIGINT, which it hands on, and returns what
// the program is to end with: 0, or where an indexer has failed to end in order
// its status. A second signal ends all at once. Indexers that end by themselves
// are started again, after a pause that grows; they end in order when this
// process is killed. Once a process, from its main thread.
int SuperviseIndexers(SupervisorOptions options);

}  // namespace vitrine
