// Tables of string keys and values, for products/ and sources/: immutable
// sorted segments, of which the newest that knows a key wins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/section_file.h"

namespace vitrine {

// Changes of a table: a value, or nothing for a key that is deleted.
using TableChanges =
    std::map<std::string, std::optional<std::string>, std::less<>>;

// One of them.
struct TableEntry {
  std::string_view key;
  std::string_view value;
  bool deleted = false;
};
// All of them, in order; valid as long as `changes`.
std::vector<TableEntry> EntriesOf(const TableChanges& changes);

// Publishes changes as a segment; keys ascend. Where `is_noted` is given, the
// segment lists the entries whose value it holds for: see TableSegment::noted.
absl::StatusOr<storage::FileRef> WriteTableSegment(
    const std::filesystem::path& path, std::span<const TableEntry> changes,
    bool (*is_noted)(std::string_view value) = nullptr);

// An open segment. Immutable and thread-safe.
class TableSegment {
 public:
  // DATA_LOSS where anything that is verified is damaged.
  static absl::StatusOr<std::shared_ptr<const TableSegment>> Open(
      const std::filesystem::path& path, const storage::FileRef& ref,
      Verification verification = Verification::kAll);
  // As SectionFile::Verify.
  absl::Status Verify(const StopRequested& stop) const;
  const SectionFile& file() const { return *file_; }

  const std::string& name() const { return name_; }
  uint32_t size() const { return static_cast<uint32_t>(records_.size()); }
  TableEntry entry(uint32_t i) const;
  // The first entry whose key is not less than `key`.
  uint32_t LowerBound(std::string_view key) const;
  // The entries that the writer was asked to note, so that nobody has to read
  // all to know them; nothing where it was asked for none. Those of a segment
  // that was not verified may lie past its end.
  std::optional<std::span<const uint32_t>> noted() const { return noted_; }
  // LowerBound of each key; the memory is waited for once for all.
  std::vector<uint32_t> LowerBounds(
      std::span<const std::string_view> keys) const;

  struct Record;  // As it lies in the file.

 private:
  TableSegment() = default;
  // Entries [begin, end): no other is the key, and the first of them that is
  // not less than it is its lower bound; `end` where there is none.
  struct Range {
    uint32_t begin;
    uint32_t end;
  };
  Range RangeOf(std::string_view key) const;
  uint32_t LowerBoundIn(Range range, std::string_view key) const;
  absl::Status CheckRecords() const;

  std::string name_;
  std::unique_ptr<SectionFile> file_;
  std::span<const Record> records_;
  std::string_view strings_;
  // Of each key. Most of a search goes on here, in a few cache lines, where
  // each of its steps would touch two that lie far away.
  std::string_view common_;          // What all keys begin with.
  std::span<const uint64_t> marks_;  // The next 8 bytes; keys and they ascend.
  std::optional<std::span<const uint32_t>> noted_;
};

// Some segments as one table. Immutable and thread-safe.
class Table {
 public:
  Table() = default;
  // Oldest first.
  explicit Table(std::vector<std::shared_ptr<const TableSegment>> segments)
      : segments_(std::move(segments)) {}

  // The value of a key that is there and not deleted; valid as long as the
  // table.
  std::optional<std::string_view> Find(std::string_view key) const;
  // Find of each key; the memory is waited for once for all.
  std::vector<std::optional<std::string_view>> FindAll(
      std::span<const std::string_view> keys) const;
  // Calls `visit` for each live key after `after`, in order, until it returns
  // false. The values are valid as long as the table.
  void ForEach(std::string_view after,
               const std::function<bool(std::string_view key,
                                        std::string_view value)>& visit) const;
  const std::vector<std::shared_ptr<const TableSegment>>& segments() const {
    return segments_;
  }

  // As Snapshot::CheckFiles, without the remedy.
  absl::Status CheckFiles() const;

  // The changes of the newest `count` segments, merged into one; valid as long
  // as the table, of which nothing is copied. Deletions are kept unless all
  // segments are merged.
  std::vector<TableEntry> Merge(size_t count) const;

 private:
  class Cursor;

  std::vector<std::shared_ptr<const TableSegment>> segments_;
};

}  // namespace vitrine
