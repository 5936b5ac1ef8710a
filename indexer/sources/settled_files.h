// Which files that were found by looking, rather than by an event of their
// closing, have been written to their end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

// A file is settled when it was last modified 300 ms ago or longer, or when its
// size and modification time have not changed for as long between two looks
// (the clock of a file server may be ahead of ours).
//
// All times are in nanoseconds since 1970, as the caller's clock and stat(2)
// tell them: the class has no clock of its own. Not thread-safe.
class SettledFiles {
 public:
  explicit SettledFiles(int64_t quiet_ms = 300)
      : quiet_ns_(quiet_ms * 1'000'000) {}

  // Notes what a file looks like. Returns true where it is settled and may be
  // read, and forgets it then; false where it must be looked at again, see
  // TakeDue.
  bool Look(std::string_view path, uint64_t bytes, int64_t modified_unix_ns,
            int64_t now_unix_ns);

  // A file that was closed by its writer, or is gone, needs no looking at.
  void Forget(std::string_view path);

  // The files that should be looked at now, in order of path. They stay noted.
  std::vector<std::string> Due(int64_t now_unix_ns) const;

  // When the next file is due; nullopt where none is waiting.
  std::optional<int64_t> NextDueUnixNs() const;

  size_t waiting() const { return waiting_.size(); }

 private:
  struct Seen {
    uint64_t bytes;
    int64_t modified_unix_ns;
    int64_t since_unix_ns;  // it has looked like this
    int64_t due_unix_ns;
  };
  const int64_t quiet_ns_;
  std::map<std::string, Seen, std::less<>> waiting_;
};

}  // namespace vitrine
