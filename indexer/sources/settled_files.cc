#include "indexer/sources/settled_files.h"

#include <algorithm>

namespace vitrine {

bool SettledFiles::Look(std::string_view path, uint64_t bytes,
                        int64_t modified_unix_ns, int64_t now_unix_ns) {
  const auto known = waiting_.find(path);
  const bool same = known != waiting_.end() && known->second.bytes == bytes &&
                    known->second.modified_unix_ns == modified_unix_ns;
  // A clock that was set back starts the waiting anew.
  const int64_t since =
      same ? std::min(known->second.since_unix_ns, now_unix_ns) : now_unix_ns;
  if (now_unix_ns - modified_unix_ns >= quiet_ns_ ||
      now_unix_ns - since >= quiet_ns_) {
    if (known != waiting_.end()) waiting_.erase(known);
    return true;
  }
  const Seen seen{bytes, modified_unix_ns, since,
                  std::min(modified_unix_ns, since) + quiet_ns_};
  if (known != waiting_.end()) {
    known->second = seen;
  } else {
    waiting_.emplace(path, seen);
  }
  return false;
}

void SettledFiles::Forget(std::string_view path) {
  if (const auto known = waiting_.find(path); known != waiting_.end()) {
    waiting_.erase(known);
  }
}

std::vector<std::string> SettledFiles::Due(int64_t now_unix_ns) const {
  std::vector<std::string> due;
  for (const auto& [path, seen] : waiting_) {
    if (seen.due_unix_ns <= now_unix_ns) due.push_back(path);
  }
  return due;
}

std::optional<int64_t> SettledFiles::NextDueUnixNs() const {
  std::optional<int64_t> next;
  for (const auto& [path, seen] : waiting_) {
    if (!next || seen.due_unix_ns < *next) next = seen.due_unix_ns;
  }
  return next;
}

}  // namespace vitrine
