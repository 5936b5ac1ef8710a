#include "common/index/bitmap.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/section_file.h"

namespace vitrine {
namespace {

enum DeletionsSection : uint32_t { kSize = 1, kWords = 2 };

}  // namespace

uint32_t Bitmap::Count() const {
  uint32_t count = 0;
  for (uint64_t word : words_)
    count += static_cast<uint32_t>(std::popcount(word));
  return count;
}

uint32_t Bitmap::NextSet(uint32_t i) const {
  if (i >= size_) return size_;
  size_t w = i / 64;
  uint64_t word = words_[w] & ~uint64_t{0} << (i % 64);
  while (word == 0) {
    if (++w == words_.size()) return size_;
    word = words_[w];
  }
  return static_cast<uint32_t>(w * 64 + std::countr_zero(word));
}

void Bitmap::And(const Bitmap& other) {
  for (size_t w = 0; w < words_.size(); ++w) words_[w] &= other.words_[w];
}

void Bitmap::Or(const Bitmap& other) {
  for (size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
}

void Bitmap::Subtract(const Bitmap& other) {
  for (size_t w = 0; w < words_.size(); ++w) words_[w] &= ~other.words_[w];
}

absl::StatusOr<storage::FileRef> WriteDeletions(
    const std::filesystem::path& path, const Bitmap& dead) {
  VITRINE_ASSIGN_OR_RETURN(auto writer,
                           SectionWriter::Create(path, FileKind::kDeletions));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kSize));
  VITRINE_RETURN_IF_ERROR(
      writer->AppendArray(std::span<const uint32_t>(&dead.size_, 1)));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kWords));
  VITRINE_RETURN_IF_ERROR(
      writer->AppendArray(std::span<const uint64_t>(dead.words_)));
  return writer->Finish(dead.Count());
}

absl::StatusOr<Bitmap> ReadDeletions(const std::filesystem::path& path,
                                     const storage::FileRef& ref,
                                     uint32_t rows) {
  VITRINE_ASSIGN_OR_RETURN(auto file,
                           SectionFile::Open(path, FileKind::kDeletions, &ref));
  VITRINE_ASSIGN_OR_RETURN(auto size, file->Array<uint32_t>(kSize, 1));
  if (size[0] != rows) {
    return file->Damaged(absl::StrCat("it is of a shard with ", size[0],
                                      " rows instead of ", rows));
  }
  Bitmap dead(rows);
  VITRINE_ASSIGN_OR_RETURN(auto words,
                           file->Array<uint64_t>(kWords, dead.words_.size()));
  dead.words_.assign(words.begin(), words.end());
  if (rows % 64 != 0 && !dead.words_.empty() &&
      dead.words_.back() >> (rows % 64) != 0) {
    return file->Damaged("it deletes rows that the shard does not have");
  }
  // What was copied may be zeros, if the file was cut meanwhile.
  VITRINE_RETURN_IF_ERROR(file->Check());
  return dead;
}

}  // namespace vitrine
