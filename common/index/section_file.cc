#include "common/index/section_file.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian");

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kBlock = 64 << 10;
constexpr uint32_t kFormatVersion = 1;
constexpr char kHeaderMagic[8] = {'V', 'I', 'T', 'R', 'I', 'N', 'E', '\n'};
constexpr char kFooterMagic[8] = {'\n', 'E', 'N', 'I', 'R', 'T', 'I', 'V'};

struct Header {
  char magic[8];
  uint32_t kind;
  uint32_t version;
  uint64_t reserved[5];
  uint64_t checksum;  // Of the bytes before it.
};
static_assert(sizeof(Header) == 64);

struct DirectoryLine {
  uint32_t id;
  uint32_t reserved;
  uint64_t offset;
  uint64_t bytes;
};
static_assert(sizeof(DirectoryLine) == 24);

struct Footer {
  uint64_t directory_offset;
  uint64_t sections;
  uint64_t checksums_offset;
  uint64_t blocks;
  uint64_t file_bytes;
  uint64_t root_checksum;    // Of directory and checksums.
  uint64_t footer_checksum;  // Of the fields before it.
  char magic[8];
};
static_assert(sizeof(Footer) == 64);

template <typename T>
std::string_view Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

uint64_t HeaderChecksum(const Header& header) {
  return Checksum(Bytes(header).substr(0, offsetof(Header, checksum)));
}

uint64_t FooterChecksum(const Footer& footer) {
  return Checksum(Bytes(footer).substr(0, offsetof(Footer, footer_checksum)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SectionWriter>> SectionWriter::Create(
    const std::filesystem::path& path, FileKind kind) {
  VITRINE_ASSIGN_OR_RETURN(auto file, StagingFile::Create(path));
  std::unique_ptr<SectionWriter> writer(
      new SectionWriter(path, kind, std::move(file)));
  Header header = {};
  std::memcpy(header.magic, kHeaderMagic, sizeof(kHeaderMagic));
  header.kind = static_cast<uint32_t>(kind);
  header.version = kFormatVersion;
  header.checksum = HeaderChecksum(header);
  VITRINE_RETURN_IF_ERROR(writer->AppendChecked(Bytes(header)));
  return writer;
}

absl::Status SectionWriter::AppendChecked(std::string_view bytes) {
  VITRINE_RETURN_IF_ERROR(file_->Append(bytes));
  while (!bytes.empty()) {
    const size_t take = std::min<size_t>(bytes.size(), kBlock - block_.size());
    block_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (block_.size() == kBlock) {
      checksums_.push_back(Checksum(block_));
      block_.clear();
    }
  }
  return absl::OkStatus();
}

absl::Status SectionWriter::Pad() {
  const uint64_t rest = file_->bytes() % kAlignment;
  return rest == 0 ? absl::OkStatus()
                   : AppendChecked(std::string(kAlignment - rest, '\0'));
}

absl::Status SectionWriter::BeginSection(uint32_t id) {
  VITRINE_RETURN_IF_ERROR(Pad());
  sections_.push_back({id, file_->bytes(), 0});
  return absl::OkStatus();
}

absl::Status SectionWriter::Append(std::string_view bytes) {
  sections_.back().bytes += bytes.size();
  return AppendChecked(bytes);
}

absl::StatusOr<SectionWriter::MappedSection> SectionWriter::MapSection() {
  MappedSection section;
  VITRINE_ASSIGN_OR_RETURN(section.file, file_->Map());
  section.bytes = Part(section.file->data(), sections_.back().offset,
                       sections_.back().bytes);
  return section;
}

absl::StatusOr<storage::FileRef> SectionWriter::Finish(uint64_t entries) {
  VITRINE_RETURN_IF_ERROR(Pad());
  Footer footer = {};
  footer.directory_offset = file_->bytes();
  footer.sections = sections_.size();
  std::string tail;
  for (const Section& section : sections_) {
    tail.append(
        Bytes(DirectoryLine{section.id, 0, section.offset, section.bytes}));
  }
  footer.checksums_offset = footer.directory_offset + tail.size();
  if (!block_.empty()) checksums_.push_back(Checksum(block_));
  footer.blocks = checksums_.size();
  for (uint64_t checksum : checksums_) tail.append(Bytes(checksum));
  footer.file_bytes = footer.directory_offset + tail.size() + sizeof(Footer);
  footer.root_checksum = Checksum(tail);
  footer.footer_checksum = FooterChecksum(footer);
  std::memcpy(footer.magic, kFooterMagic, sizeof(kFooterMagic));
  tail.append(Bytes(footer));
  VITRINE_RETURN_IF_ERROR(file_->Append(tail));
  VITRINE_RETURN_IF_ERROR(file_->Sync());

  storage::FileRef ref;
  ref.set_name(path_.filename().string());
  ref.set_bytes(footer.file_bytes);
  ref.set_checksum(footer.root_checksum);
  ref.set_entries(entries);
  VITRINE_RETURN_IF_ERROR(
      SectionFile::Open(file_->staging_path(), kind_, &ref).status());
  VITRINE_RETURN_IF_ERROR(file_->Publish());
  return ref;
}

absl::Status SectionFile::Damaged(std::string_view what) const {
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INDEX_DAMAGED,
                   absl::StrCat(path().string(), " is damaged: ",
                                absl::string_view(what.data(), what.size())));
}

absl::Status SectionFile::SizeMismatch(uint32_t id, uint64_t bytes,
                                       uint64_t count, uint64_t stride) const {
  return Damaged(absl::StrCat("section ", id, " has ", bytes,
                              " bytes instead of ", count, " × ", stride));
}

std::string_view SectionFile::section(uint32_t id) const {
  auto it = sections_.find(id);
  return it == sections_.end() ? std::string_view() : it->second;
}

absl::Status SectionFile::VerifyBlocks(const StopRequested& stop) const {
  if (blocks_verified_) return absl::OkStatus();
  const std::string_view body = file_->data().substr(0, body_bytes_);
  for (uint64_t begin = 0; begin < body.size(); begin += kBlock) {
    if (stop && stop()) {
      return absl::CancelledError(
          absl::StrCat("verifying ", path().string(), " was stopped"));
    }
    uint64_t checksum;
    std::memcpy(&checksum,
                checksums_.data() + begin / kBlock * sizeof(checksum),
                sizeof(checksum));
    if (Checksum(body.substr(begin, kBlock)) != checksum) {
      return Damaged(
          absl::StrCat("the 64 KiB at ", begin, " fail their checksum"));
    }
  }
  blocks_verified_ = true;
  return absl::OkStatus();
}

absl::Status SectionFile::Verify(
    const std::function<absl::Status()>& check_records,
    const StopRequested& stop) const {
  if (verified_) return absl::OkStatus();
  absl::Status status = VerifyBlocks(stop);
  if (status.ok()) status = check_records();
  // The checks may have read zeros that are none of the file's.
  if (status.ok()) status = Check();
  if (status.ok()) {
    verified_ = true;
  } else if (absl::IsDataLoss(status)) {
    const std::lock_guard lock(finding_mutex_);
    finding_ = status;
    found_damaged_ = true;
  }
  return status;
}

absl::Status SectionFile::Check() const {
  if (file_->damaged()) {
    return Damaged("it was cut, or could not be read, after it was opened");
  }
  if (!found_damaged_) return absl::OkStatus();
  const std::lock_guard lock(finding_mutex_);
  return finding_;
}

absl::StatusOr<std::unique_ptr<SectionFile>> SectionFile::Open(
    const std::filesystem::path& path, FileKind kind,
    const storage::FileRef* expected, Verification verification) {
  auto mapped = MappedFile::Open(path);
  if (!mapped.ok()) {
    if (!absl::IsNotFound(mapped.status())) return mapped.status();
    return MakeError(absl::StatusCode::kDataLoss,
                     v1::ERROR_REASON_INDEX_DAMAGED,
                     absl::StrCat(path.string(), " is missing"));
  }
  std::unique_ptr<SectionFile> file(new SectionFile());
  file->file_ = *std::move(mapped);
  const std::string_view data = file->file_->data();
  if (data.size() < sizeof(Header) + sizeof(Footer)) {
    return file->Damaged(absl::StrCat("it has only ", data.size(), " bytes"));
  }
  Header header;
  std::memcpy(&header, data.data(), sizeof(header));
  if (std::memcmp(header.magic, kHeaderMagic, sizeof(kHeaderMagic)) != 0 ||
      header.checksum != HeaderChecksum(header)) {
    return file->Damaged("its header is not one of Vitrine's");
  }
  if (header.version != kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), " has format version ", header.version,
                     ", but this program reads version ", kFormatVersion,
                     ": use the newer Vitrine that wrote it"));
  }
  if (header.kind != static_cast<uint32_t>(kind)) {
    return file->Damaged(absl::StrCat("it is a file of kind ", header.kind,
                                      " instead of ",
                                      static_cast<uint32_t>(kind)));
  }
  Footer footer;
  std::memcpy(&footer, data.data() + data.size() - sizeof(footer),
              sizeof(footer));
  if (std::memcmp(footer.magic, kFooterMagic, sizeof(kFooterMagic)) != 0 ||
      footer.footer_checksum != FooterChecksum(footer)) {
    return file->Damaged("its footer fails its checksum; the file may be cut");
  }
  const uint64_t body = data.size() - sizeof(Footer);
  // The footer's checksum holds, so these only fail for a file that was written
  // wrongly.
  if (footer.file_bytes != data.size() || footer.directory_offset > body ||
      footer.sections > body / sizeof(DirectoryLine) ||
      footer.blocks > body / sizeof(uint64_t) ||
      footer.checksums_offset !=
          footer.directory_offset + footer.sections * sizeof(DirectoryLine) ||
      footer.checksums_offset + footer.blocks * sizeof(uint64_t) != body ||
      footer.blocks != (footer.directory_offset + kBlock - 1) / kBlock) {
    return file->Damaged("its footer contradicts its size");
  }
  const std::string_view tail =
      data.substr(footer.directory_offset, body - footer.directory_offset);
  if (Checksum(tail) != footer.root_checksum) {
    return file->Damaged("its directory fails its checksum");
  }
  if (expected != nullptr && (expected->bytes() != data.size() ||
                              expected->checksum() != footer.root_checksum)) {
    return file->Damaged("it is not the file that the manifest names");
  }
  file->body_bytes_ = footer.directory_offset;
  file->checksums_ =
      data.substr(footer.checksums_offset, footer.blocks * sizeof(uint64_t));
  if (verification == Verification::kAll) {
    VITRINE_RETURN_IF_ERROR(file->VerifyBlocks(/*stop=*/{}));
  }
  for (uint64_t i = 0; i < footer.sections; ++i) {
    DirectoryLine line;
    std::memcpy(&line, data.data() + footer.directory_offset + i * sizeof(line),
                sizeof(line));
    if (line.offset % kAlignment != 0 ||
        line.offset > footer.directory_offset ||
        line.bytes > footer.directory_offset - line.offset) {
      return file->Damaged(
          absl::StrCat("section ", line.id, " lies outside of it"));
    }
    file->sections_[line.id] = data.substr(line.offset, line.bytes);
  }
  file->checksum_ = footer.root_checksum;
  return file;
}

}  // namespace vitrine
