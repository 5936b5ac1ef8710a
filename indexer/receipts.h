// receipts.jsonl: what became of each picture, one JSON object a line.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

// Appends receipts. Not thread-safe.
class ReceiptLog {
 public:
  // Makes the file where there is none. A last line that a crash has torn is
  // cut off.
  static absl::StatusOr<std::unique_ptr<ReceiptLog>> Open(
      const std::filesystem::path& path);
  ~ReceiptLog();
  ReceiptLog(const ReceiptLog&) = delete;
  ReceiptLog& operator=(const ReceiptLog&) = delete;

  // The generation of the last receipt in the file when it was opened; 0 where
  // there was none.
  uint64_t last_generation() const { return last_generation_; }
  // The pictures of that generation's receipts, not all of them where a crash
  // came in the middle.
  using Picture = std::pair<std::string, std::string>;  // Product and path.
  const std::set<Picture>& last_pictures() const { return last_pictures_; }

  // All of them are durable, or none is there.
  absl::Status Append(const std::vector<v1::Receipt>& receipts);

 private:
  ReceiptLog(std::filesystem::path path, int fd)
      : path_(std::move(path)), fd_(fd) {}
  // Both with the file's size; the first takes it to the end of a line.
  absl::Status CutTornLine(uint64_t* size);
  absl::Status ReadLastGeneration(uint64_t size);

  std::filesystem::path path_;
  int fd_;
  uint64_t last_generation_ = 0;
  std::set<Picture> last_pictures_;
};

}  // namespace vitrine
