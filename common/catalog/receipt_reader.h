// Reads receipts.jsonl while an indexer appends to it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

struct ReceiptBatch {
  std::vector<v1::Receipt> receipts;  // In the order of the file: oldest first.
  // Lines that are no receipt, as where somebody has edited the file: they are
  // passed over, since one of them says nothing of the others.
  uint64_t unreadable_lines = 0;
  // Whether that was all that there is now.
  bool at_end = false;
};

// Not thread-safe.
class ReceiptReader {
 public:
  // The file need not be there yet. With `since`, only receipts whose time is
  // that or later; of a large file no more is read than about those. Times in
  // the file rise but for a clock that is set back, for which an hour is
  // allowed.
  explicit ReceiptReader(std::filesystem::path path,
                         std::optional<absl::Time> since = std::nullopt)
      : path_(std::move(path)), since_(since) {}
  ~ReceiptReader();
  ReceiptReader(const ReceiptReader&) = delete;
  ReceiptReader& operator=(const ReceiptReader&) = delete;

  // The receipts of the next 256 KB at most. A last line without its end is
  // left for later: it is being written, or a crash has torn it. After the end,
  // further calls find what was appended since; where another file has taken
  // the place of this one, they begin with that.
  absl::StatusOr<ReceiptBatch> Next();

 private:
  absl::Status Open();
  // Whether there is still something to be read in what is open.
  bool IsReplaced() const;
  // Sets the offset to a line that is before `since`, but not by much.
  absl::Status SeekSince(uint64_t size);
  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t bytes) const;

  const std::filesystem::path path_;
  const std::optional<absl::Time> since_;
  int fd_ = -1;
  uint64_t offset_ = 0;   // Of the next line.
  bool in_line_ = false;  // The offset lies in a line that is too long.
};

// Of a message's time.
absl::Time TimeOf(const google::protobuf::Timestamp& time);

}  // namespace vitrine
