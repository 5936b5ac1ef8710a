#include "indexer/retention.h"

#include <iterator>
#include <utility>

#include "common/index/index_files.h"

namespace vitrine {

std::vector<std::string> FilesOf(const storage::Manifest& manifest) {
  std::vector<std::string> files;
  for (IndexFile& file : IndexFilesOf(manifest)) {
    files.push_back(std::move(file.path));
  }
  return files;
}

void Retention::Add(const storage::Manifest& manifest) {
  Generation& generation = generations_[manifest.generation()];
  generation.published_unix_ms = manifest.published_unix_ms();
  generation.files = FilesOf(manifest);
  for (const std::string& file : generation.files) ++named_[file];
}

Retention::Removal Retention::Expire(int64_t now_unix_ms) {
  Removal removal;
  while (generations_.size() > limits_.generations) {
    const auto oldest = generations_.begin();
    const int64_t superseded_unix_ms =
        std::next(oldest)->second.published_unix_ms;
    if (now_unix_ms - superseded_unix_ms < limits_.superseded_ms) break;
    removal.generations.push_back(oldest->first);
    for (const std::string& file : oldest->second.files) {
      const auto named = named_.find(file);
      if (--named->second > 0) continue;
      named_.erase(named);
      removal.files.push_back(file);
    }
    generations_.erase(oldest);
  }
  return removal;
}

}  // namespace vitrine
