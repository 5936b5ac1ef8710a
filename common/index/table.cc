#include "common/index/table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kPrefetched = 512;  // Of a record's bytes.
constexpr size_t kInStep = 16;       // Searches.

enum TableSection : uint32_t {
  kCount = 1,
  kRecords = 2,
  kStrings = 3,
  kMarks = 4,  // Of each key, 8 bytes.
  kNoted = 5,  // How many entries are noted, and their numbers.
};

constexpr size_t kMarked = sizeof(uint64_t);  // Bytes of a key.

// The first kMarked bytes as a number that orders as they do; what a shorter
// text lacks is zeros.
uint64_t MarkOf(std::string_view text) {
  uint64_t mark = 0;
  for (size_t i = 0; i < sizeof mark; ++i) {
    mark = mark << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  }
  return mark;
}

// What all keys have in common that lie between these two in order, both
// included.
std::string_view CommonOf(std::string_view first, std::string_view last) {
  const auto [end, ignored] =
      std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  return first.substr(0, static_cast<size_t>(end - first.begin()));
}

// The marks of all keys.
std::vector<uint64_t> MarksOf(std::span<const TableEntry> changes) {
  std::vector<uint64_t> marks;
  if (changes.empty()) return marks;
  const size_t common =
      CommonOf(changes.front().key, changes.back().key).size();
  marks.reserve(changes.size());
  for (const TableEntry& change : changes)
    marks.push_back(MarkOf(change.key.substr(common)));
  return marks;
}

// The count and then the numbers of the values that `is_noted` holds for.
std::vector<uint32_t> NotedOf(std::span<const TableEntry> changes,
                              bool (*is_noted)(std::string_view value)) {
  std::vector<uint32_t> noted(1);
  for (uint32_t i = 0; i < changes.size(); ++i) {
    if (!changes[i].deleted && is_noted(changes[i].value)) noted.push_back(i);
  }
  noted[0] = static_cast<uint32_t>(noted.size() - 1);
  return noted;
}

// The range of each key among `size` that all begin with `common`, by their
// marks where there are some: no other entry is the key.
template <typename Range>
void FindRanges(std::string_view common, std::span<const uint64_t> marks,
                uint32_t size, std::span<const std::string_view> keys,
                Range* ranges) {
  // The searches of some keys go on in step, so that the processor waits for
  // the memory of all of them at once.
  struct Search {
    uint64_t mark;
    size_t begin;
    Range* range;
  };
  std::array<Search, kInStep> searches;
  size_t count = 0;
  const auto finish = [&] {
    for (size_t left = marks.size(); left > 1; left -= left / 2) {
      const size_t half = left / 2;
      const size_t next_half = (left - half) / 2;
      for (Search& search : std::span(searches).first(count)) {
        if (marks[search.begin + half - 1] < search.mark) search.begin += half;
        __builtin_prefetch(
            &marks[search.begin + next_half - (next_half > 0 ? 1 : 0)]);
      }
    }
    for (const Search& search : std::span(searches).first(count)) {
      const auto begin = marks.begin() + static_cast<ptrdiff_t>(search.begin) +
                         (marks[search.begin] < search.mark ? 1 : 0);
      // Keys of the same mark.
      auto end = begin;
      if (end != marks.end() && *end == search.mark) ++end;
      if (end != begin && end != marks.end() && *end == search.mark) {
        end = std::upper_bound(end, marks.end(), search.mark);
      }
      *search.range = {static_cast<uint32_t>(begin - marks.begin()),
                       static_cast<uint32_t>(end - marks.begin())};
    }
    count = 0;
  };
  for (size_t i = 0; i < keys.size(); ++i) {
    const int order = keys[i].substr(0, common.size()).compare(common);
    if (order != 0 || marks.empty()) {
      ranges[i] = {order > 0 ? size : 0, order < 0 ? 0 : size};
      continue;
    }
    searches[count++] = {MarkOf(keys[i].substr(common.size())), 0, &ranges[i]};
    if (count == kInStep) finish();
  }
  if (count > 0) finish();
}

}  // namespace

std::vector<TableEntry> EntriesOf(const TableChanges& changes) {
  std::vector<TableEntry> entries;
  entries.reserve(changes.size());
  for (const auto& [key, value] : changes) {
    entries.push_back({key, value ? *value : std::string_view(), !value});
  }
  return entries;
}

// The key and then the value lie at `offset` of the strings.
struct TableSegment::Record {
  uint64_t offset;
  uint32_t key_bytes;
  uint32_t value_bytes;  // kDeleted for a deletion.

  static constexpr uint32_t kDeleted = std::numeric_limits<uint32_t>::max();
  uint32_t stored_value_bytes() const {
    return value_bytes == kDeleted ? 0 : value_bytes;
  }
};

absl::StatusOr<storage::FileRef> WriteTableSegment(
    const std::filesystem::path& path, std::span<const TableEntry> changes,
    bool (*is_noted)(std::string_view value)) {
  VITRINE_ASSIGN_OR_RETURN(auto writer,
                           SectionWriter::Create(path, FileKind::kTable));
  const auto count = static_cast<uint32_t>(changes.size());
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kCount));
  VITRINE_RETURN_IF_ERROR(
      writer->AppendArray(std::span<const uint32_t>(&count, 1)));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kRecords));
  uint64_t offset = 0;
  for (const TableEntry& change : changes) {
    if (change.key.size() >= TableSegment::Record::kDeleted ||
        change.value.size() >= TableSegment::Record::kDeleted) {
      return absl::InvalidArgumentError(
          absl::StrCat("a record of ", path.string(), " is too long"));
    }
    const TableSegment::Record record = {
        offset, static_cast<uint32_t>(change.key.size()),
        change.deleted ? TableSegment::Record::kDeleted
                       : static_cast<uint32_t>(change.value.size())};
    VITRINE_RETURN_IF_ERROR(
        writer->AppendArray(std::span<const TableSegment::Record>(&record, 1)));
    offset += change.key.size() + record.stored_value_bytes();
  }
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kMarks));
  const std::vector<uint64_t> marks = MarksOf(changes);
  VITRINE_RETURN_IF_ERROR(writer->AppendArray(std::span(marks)));
  if (is_noted != nullptr) {
    VITRINE_RETURN_IF_ERROR(writer->BeginSection(kNoted));
    const std::vector<uint32_t> noted = NotedOf(changes, is_noted);
    VITRINE_RETURN_IF_ERROR(writer->AppendArray(std::span(noted)));
  }
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kStrings));
  for (const TableEntry& change : changes) {
    VITRINE_RETURN_IF_ERROR(writer->Append(change.key));
    if (!change.deleted) {
      VITRINE_RETURN_IF_ERROR(writer->Append(change.value));
    }
  }
  return writer->Finish(count);
}

absl::StatusOr<std::shared_ptr<const TableSegment>> TableSegment::Open(
    const std::filesystem::path& path, const storage::FileRef& ref,
    Verification verification) {
  std::shared_ptr<TableSegment> segment(new TableSegment());
  VITRINE_ASSIGN_OR_RETURN(
      segment->file_,
      SectionFile::Open(path, FileKind::kTable, &ref, verification));
  segment->name_ = ref.name();
  const SectionFile& file = *segment->file_;
  VITRINE_ASSIGN_OR_RETURN(auto count, file.Array<uint32_t>(kCount, 1));
  VITRINE_ASSIGN_OR_RETURN(segment->records_,
                           file.Array<Record>(kRecords, count[0]));
  segment->strings_ = file.section(kStrings);
  if (!file.section(kMarks).empty()) {
    VITRINE_ASSIGN_OR_RETURN(segment->marks_,
                             file.Array<uint64_t>(kMarks, count[0]));
    segment->common_ = CommonOf(segment->entry(0).key,
                                segment->entry(segment->size() - 1).key);
  }
  const std::string_view noted = file.section(kNoted);
  if (noted.size() >= sizeof(uint32_t)) {
    VITRINE_ASSIGN_OR_RETURN(
        const auto numbers,
        file.Array<uint32_t>(kNoted, noted.size() / sizeof(uint32_t)));
    if (numbers[0] != numbers.size() - 1) {
      return file.Damaged(absl::StrCat("it notes ", numbers.size() - 1,
                                       " records instead of ", numbers[0]));
    }
    segment->noted_ = numbers.subspan(1);
  }
  if (verification == Verification::kAll) {
    VITRINE_RETURN_IF_ERROR(segment->Verify(/*stop=*/{}));
  }
  return segment;
}

absl::Status TableSegment::Verify(const StopRequested& stop) const {
  return file_->Verify([this] { return CheckRecords(); }, stop);
}

absl::Status TableSegment::CheckRecords() const {
  std::string_view previous;
  for (uint32_t i = 0; i < size(); ++i) {
    const Record& record = records_[i];
    const uint64_t bytes =
        uint64_t{record.key_bytes} + record.stored_value_bytes();
    if (record.offset > strings_.size() ||
        bytes > strings_.size() - record.offset) {
      return file_->Damaged(absl::StrCat("record ", i, " lies outside of it"));
    }
    const std::string_view key =
        strings_.substr(record.offset, record.key_bytes);
    if (i > 0 && key <= previous)
      return file_->Damaged(absl::StrCat("record ", i, " is unordered"));
    previous = key;
  }
  // By the keys, now that they are known to be right.
  for (uint32_t i = 0; i < marks_.size(); ++i) {
    if (marks_[i] != MarkOf(Part(entry(i).key, common_.size(), kMarked)))
      return file_->Damaged(absl::StrCat("record ", i, " has a wrong mark"));
  }
  if (noted_) {
    for (size_t i = 0; i < noted_->size(); ++i) {
      if ((*noted_)[i] >= size() || (i > 0 && (*noted_)[i] <= (*noted_)[i - 1]))
        return file_->Damaged(absl::StrCat("note ", i, " is wrong"));
    }
  }
  return absl::OkStatus();
}

TableEntry TableSegment::entry(uint32_t i) const {
  const Record record = records_[i];
  return {Part(strings_, record.offset, record.key_bytes),
          Part(strings_, record.offset + record.key_bytes,
               record.stored_value_bytes()),
          record.value_bytes == Record::kDeleted};
}

TableSegment::Range TableSegment::RangeOf(std::string_view key) const {
  Range range;
  FindRanges(common_, marks_, size(), {&key, 1}, &range);
  return range;
}

uint32_t TableSegment::LowerBoundIn(Range range, std::string_view key) const {
  const auto it = std::partition_point(
      records_.begin() + range.begin, records_.begin() + range.end,
      [&](const Record& record) {
        return Part(strings_, record.offset, record.key_bytes) < key;
      });
  return static_cast<uint32_t>(it - records_.begin());
}

uint32_t TableSegment::LowerBound(std::string_view key) const {
  return LowerBoundIn(RangeOf(key), key);
}

std::vector<uint32_t> TableSegment::LowerBounds(
    std::span<const std::string_view> keys) const {
  std::vector<Range> ranges(keys.size());
  FindRanges(common_, marks_, size(), keys, ranges.data());
  for (const Range range : ranges)
    __builtin_prefetch(records_.data() + range.begin);
  for (const Range range : ranges) {
    if (range.begin == range.end) continue;
    const Record& record = records_[range.begin];
    const std::string_view part =
        Part(strings_, record.offset,
             std::min<uint64_t>(kPrefetched, uint64_t{record.key_bytes} +
                                                 record.stored_value_bytes()));
    for (size_t i = 0; i < part.size(); i += kCacheLine)
      __builtin_prefetch(part.data() + i);
  }
  std::vector<uint32_t> bounds;
  bounds.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i)
    bounds.push_back(LowerBoundIn(ranges[i], keys[i]));
  return bounds;
}

std::optional<std::string_view> Table::Find(std::string_view key) const {
  for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
    const TableSegment& segment = **it;
    const uint32_t i = segment.LowerBound(key);
    if (i == segment.size()) continue;
    const TableEntry entry = segment.entry(i);
    if (entry.key != key) continue;
    if (entry.deleted) return std::nullopt;
    return entry.value;
  }
  return std::nullopt;
}

std::vector<std::optional<std::string_view>> Table::FindAll(
    std::span<const std::string_view> keys) const {
  std::vector<std::optional<std::string_view>> found(keys.size());
  std::vector<std::string_view> sought(keys.begin(), keys.end());
  std::vector<size_t> index(keys.size());
  std::iota(index.begin(), index.end(), size_t{0});
  for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
    if (sought.empty()) break;
    const TableSegment& segment = **it;
    const std::vector<uint32_t> bounds = segment.LowerBounds(sought);
    size_t left = 0;
    for (size_t i = 0; i < sought.size(); ++i) {
      const TableEntry entry =
          bounds[i] < segment.size() ? segment.entry(bounds[i]) : TableEntry();
      if (bounds[i] < segment.size() && entry.key == sought[i]) {
        if (!entry.deleted) found[index[i]] = entry.value;
      } else {
        sought[left] = sought[i];
        index[left++] = index[i];
      }
    }
    sought.resize(left);
  }
  return found;
}

// Reads segments, oldest first, as one: each key once, as the newest says.
class Table::Cursor {
 public:
  explicit Cursor(std::span<const std::shared_ptr<const TableSegment>> segments)
      : segments_(segments), next_(segments.size(), 0) {}

  // Passes over all up to `after`.
  void SkipTo(std::string_view after) {
    // An empty one is before every key, the empty one included.
    if (after.empty()) return;
    for (size_t s = 0; s < segments_.size(); ++s) {
      next_[s] = segments_[s]->LowerBound(after);
      if (next_[s] < segments_[s]->size() &&
          segments_[s]->entry(next_[s]).key == after) {
        ++next_[s];
      }
    }
  }
  std::optional<TableEntry> Next() {
    std::optional<TableEntry> least;
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (next_[s] == segments_[s]->size()) continue;
      const TableEntry entry = segments_[s]->entry(next_[s]);
      // Not less, so that the newest of equal keys wins.
      if (!least || entry.key <= least->key) least = entry;
    }
    if (!least) return least;
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (next_[s] < segments_[s]->size() &&
          segments_[s]->entry(next_[s]).key == least->key) {
        ++next_[s];
      }
    }
    return least;
  }

 private:
  const std::span<const std::shared_ptr<const TableSegment>> segments_;
  std::vector<uint32_t> next_;
};

void Table::ForEach(
    std::string_view after,
    const std::function<bool(std::string_view key, std::string_view value)>&
        visit) const {
  Cursor cursor(segments_);
  cursor.SkipTo(after);
  while (const auto entry = cursor.Next()) {
    if (!entry->deleted && !visit(entry->key, entry->value)) return;
  }
}

absl::Status Table::CheckFiles() const {
  for (const auto& segment : segments_) {
    VITRINE_RETURN_IF_ERROR(segment->file().Check());
  }
  return absl::OkStatus();
}

std::vector<TableEntry> Table::Merge(size_t count) const {
  std::vector<TableEntry> merged;
  const std::span<const std::shared_ptr<const TableSegment>> all(segments_);
  Cursor cursor(all.last(count));
  while (const auto entry = cursor.Next()) {
    if (!entry->deleted || count < segments_.size()) merged.push_back(*entry);
  }
  return merged;
}

}  // namespace vitrine
