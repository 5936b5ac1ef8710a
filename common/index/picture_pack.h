// Packs of thumbnails, and of pictures as they came, in pictures/: found by the
// SHA-256 of the original file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/hash.h"
#include "common/index/section_file.h"

namespace vitrine {

// By content, so that a picture that occurs twice is stored once a pack.
using PackedPictures = std::map<Sha256Digest, std::string>;

// One of them: its digest and its bytes, which lie elsewhere.
using PictureEntry = std::pair<Sha256Digest, std::string_view>;
// All of them, in order; valid as long as `pictures`.
std::vector<PictureEntry> EntriesOf(const PackedPictures& pictures);

// Publishes pictures (the bytes of their files) as a pack; digests ascend.
absl::StatusOr<storage::FileRef> WritePicturePack(
    const std::filesystem::path& path, std::span<const PictureEntry> pictures);

// An open pack. Immutable and thread-safe.
class PicturePack {
 public:
  // DATA_LOSS where anything that is verified is damaged.
  static absl::StatusOr<std::shared_ptr<const PicturePack>> Open(
      const std::filesystem::path& path, const storage::FileRef& ref,
      Verification verification = Verification::kAll);
  // As SectionFile::Verify.
  absl::Status Verify(const StopRequested& stop) const;
  const SectionFile& file() const { return *file_; }

  const std::string& name() const { return name_; }
  uint32_t size() const { return static_cast<uint32_t>(records_.size()); }
  // A picture by the 32 bytes of its original's SHA-256; valid as long as the
  // pack.
  std::optional<std::string_view> Find(std::string_view sha256) const;
  // The i-th picture, in the order of the digests.
  PictureEntry entry(uint32_t i) const;

  struct Record;  // As it lies in the file.

 private:
  PicturePack() = default;
  absl::Status CheckRecords() const;

  std::string name_;
  std::unique_ptr<SectionFile> file_;
  std::span<const Record> records_;
  std::string_view bytes_;
};

}  // namespace vitrine
