#include "common/index/picture_pack.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

enum PackSection : uint32_t { kCount = 1, kRecords = 2, kBytes = 3 };

}  // namespace

struct PicturePack::Record {
  Sha256Digest sha256;
  uint64_t offset;
  uint64_t bytes;

  std::string_view digest() const {
    return {reinterpret_cast<const char*>(sha256.data()), sha256.size()};
  }
};

std::vector<PictureEntry> EntriesOf(const PackedPictures& pictures) {
  return {pictures.begin(), pictures.end()};
}

absl::StatusOr<storage::FileRef> WritePicturePack(
    const std::filesystem::path& path, std::span<const PictureEntry> pictures) {
  VITRINE_ASSIGN_OR_RETURN(auto writer,
                           SectionWriter::Create(path, FileKind::kPictures));
  const auto count = static_cast<uint32_t>(pictures.size());
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kCount));
  VITRINE_RETURN_IF_ERROR(
      writer->AppendArray(std::span<const uint32_t>(&count, 1)));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kRecords));
  uint64_t offset = 0;
  for (const auto& [sha256, jpeg] : pictures) {
    const PicturePack::Record record = {sha256, offset, jpeg.size()};
    VITRINE_RETURN_IF_ERROR(
        writer->AppendArray(std::span<const PicturePack::Record>(&record, 1)));
    offset += jpeg.size();
  }
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kBytes));
  for (const auto& [sha256, jpeg] : pictures)
    VITRINE_RETURN_IF_ERROR(writer->Append(jpeg));
  return writer->Finish(count);
}

absl::StatusOr<std::shared_ptr<const PicturePack>> PicturePack::Open(
    const std::filesystem::path& path, const storage::FileRef& ref,
    Verification verification) {
  std::shared_ptr<PicturePack> pack(new PicturePack());
  VITRINE_ASSIGN_OR_RETURN(
      pack->file_,
      SectionFile::Open(path, FileKind::kPictures, &ref, verification));
  pack->name_ = ref.name();
  const SectionFile& file = *pack->file_;
  VITRINE_ASSIGN_OR_RETURN(auto count, file.Array<uint32_t>(kCount, 1));
  VITRINE_ASSIGN_OR_RETURN(pack->records_,
                           file.Array<Record>(kRecords, count[0]));
  pack->bytes_ = file.section(kBytes);
  if (verification == Verification::kAll) {
    VITRINE_RETURN_IF_ERROR(pack->Verify(/*stop=*/{}));
  }
  return pack;
}

absl::Status PicturePack::Verify(const StopRequested& stop) const {
  return file_->Verify([this] { return CheckRecords(); }, stop);
}

absl::Status PicturePack::CheckRecords() const {
  for (uint32_t i = 0; i < size(); ++i) {
    const Record& record = records_[i];
    if (record.offset > bytes_.size() ||
        record.bytes > bytes_.size() - record.offset) {
      return file_->Damaged(absl::StrCat("picture ", i, " lies outside of it"));
    }
    if (i > 0 && record.sha256 <= records_[i - 1].sha256) {
      return file_->Damaged(absl::StrCat("picture ", i, " is unordered"));
    }
  }
  return absl::OkStatus();
}

std::optional<std::string_view> PicturePack::Find(
    std::string_view sha256) const {
  auto it = std::partition_point(
      records_.begin(), records_.end(),
      [&](const Record& record) { return record.digest() < sha256; });
  if (it == records_.end() || it->digest() != sha256) return std::nullopt;
  return Part(bytes_, it->offset, it->bytes);
}

PictureEntry PicturePack::entry(uint32_t i) const {
  const Record& record = records_[i];
  return {record.sha256, Part(bytes_, record.offset, record.bytes)};
}

}  // namespace vitrine
