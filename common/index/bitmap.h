// A set of rows, and its file in deletions/.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// A fixed number of bits. Reading is thread-safe.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(uint32_t size) : size_(size), words_((size + 63) / 64) {}

  uint32_t size() const { return size_; }
  bool Get(uint32_t i) const { return words_[i / 64] >> (i % 64) & 1; }
  void Set(uint32_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  void Clear(uint32_t i) { words_[i / 64] &= ~(uint64_t{1} << (i % 64)); }
  uint32_t Count() const;
  // The first bit from `i` on that is set; size() where none is.
  uint32_t NextSet(uint32_t i) const;
  // 64 bits a word; those past the size are 0 and must stay so.
  std::span<const uint64_t> words() const { return words_; }
  std::span<uint64_t> words() { return words_; }
  // The other bitmap has the same size.
  void And(const Bitmap& other);
  void Or(const Bitmap& other);
  void Subtract(const Bitmap& other);
  // Calls visit(i) for each bit that is set, in order.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        visit(static_cast<uint32_t>(w * 64 + std::countr_zero(word)));
      }
    }
  }

 private:
  friend absl::StatusOr<storage::FileRef> WriteDeletions(
      const std::filesystem::path& path, const Bitmap& dead);
  friend absl::StatusOr<Bitmap> ReadDeletions(const std::filesystem::path& path,
                                              const storage::FileRef& ref,
                                              uint32_t rows);
  uint32_t size_ = 0;
  std::vector<uint64_t> words_;
};

// Publishes the dead rows of a shard.
absl::StatusOr<storage::FileRef> WriteDeletions(
    const std::filesystem::path& path, const Bitmap& dead);
// DATA_LOSS where the file is damaged or is not of a shard with `rows` rows.
absl::StatusOr<Bitmap> ReadDeletions(const std::filesystem::path& path,
                                     const storage::FileRef& ref,
                                     uint32_t rows);

}  // namespace vitrine
