// Which generations are kept, and which files of an index nobody needs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

struct RetentionLimits {
  // A generation goes when at least so many newer ones stand …
  size_t generations = 3;
  // … and the next newer one has stood for so long, since a server that has not
  // looked for a while may still be opening the files of the older.
  int64_t superseded_ms = 60 * 60 * 1000;
};

// The files that a manifest names, relative to the index: "shards/…".
std::vector<std::string> FilesOf(const storage::Manifest& manifest);

// Remembers all generations on disk and the files they share. Holds no file
// open and removes none. Not thread-safe.
class Retention {
 public:
  struct Removal {
    std::vector<uint64_t> generations;  // Their manifests go first, …
    std::vector<std::string> files;     // … then what only they have named.
  };

  explicit Retention(const RetentionLimits& limits) : limits_(limits) {}

  // A generation that is on disk, each once.
  void Add(const storage::Manifest& manifest);
  // What may go now; it is forgotten.
  Removal Expire(int64_t now_unix_ms);
  // Whether a generation that is still kept names the file.
  bool IsNamed(const std::string& file) const { return named_.contains(file); }

 private:
  struct Generation {
    int64_t published_unix_ms = 0;
    std::vector<std::string> files;
  };

  RetentionLimits limits_;
  std::map<uint64_t, Generation> generations_;
  std::map<std::string, int> named_;  // By how many generations.
};

}  // namespace vitrine
