#include "common/catalog/receipt_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"

namespace vitrine {
namespace {

// A line is far shorter than this.
constexpr uint64_t kPiece = 256 << 10;
// How far a clock may be set back.
constexpr absl::Duration kClockStep = absl::Hours(1);

// The time of the first receipt among the lines that begin in `bytes`, which
// begin anywhere.
std::optional<absl::Time> FirstTime(std::string_view bytes) {
  size_t begin = bytes.find('\n');
  while (begin != std::string_view::npos) {
    ++begin;
    const size_t end = bytes.find('\n', begin);
    if (end == std::string_view::npos) break;
    const auto receipt = ReceiptFromJson(bytes.substr(begin, end - begin));
    if (receipt.ok()) return TimeOf(receipt->time());
    begin = end;
  }
  return std::nullopt;
}

}  // namespace

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

ReceiptReader::~ReceiptReader() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status ReceiptReader::Open() {
  if (fd_ >= 0) ::close(fd_);
  offset_ = 0;
  in_line_ = false;
  // O_NONBLOCK: what is no file must not hang who asks for receipts.
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("cannot open ", path_.string()));
  }
  struct stat info;
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(std::exchange(fd_, -1));
    return absl::FailedPreconditionError(
        absl::StrCat(path_.string(), " is no regular file"));
  }
  return since_ ? SeekSince(static_cast<uint64_t>(info.st_size))
                : absl::OkStatus();
}

absl::StatusOr<std::string> ReceiptReader::Read(uint64_t offset,
                                                uint64_t bytes) const {
  std::string read(bytes, '\0');
  size_t done = 0;
  while (done < read.size()) {
    const ssize_t n = ::pread(fd_, read.data() + done, read.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return ErrnoStatus(errno, absl::StrCat("cannot read ", path_.string()));
    }
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  read.resize(done);
  return read;
}

absl::Status ReceiptReader::SeekSince(uint64_t size) {
  const absl::Time before = *since_ - kClockStep;
  // The first line at or after `low` is too old, unless that is 0.
  uint64_t low = 0;
  for (uint64_t high = size; high - low > kPiece;) {
    const uint64_t middle = low + (high - low) / 2;
    VITRINE_ASSIGN_OR_RETURN(const std::string bytes, Read(middle, kPiece));
    const auto time = FirstTime(bytes);
    if (time && *time < before) {
      low = middle;
    } else {
      high = middle;
    }
  }
  offset_ = low;
  in_line_ = low > 0;
  return absl::OkStatus();
}

bool ReceiptReader::IsReplaced() const {
  struct stat open;
  struct stat named;
  if (::fstat(fd_, &open) != 0) return true;
  return ::stat(path_.c_str(), &named) == 0 &&
         (open.st_ino != named.st_ino || open.st_dev != named.st_dev);
}

absl::StatusOr<ReceiptBatch> ReceiptReader::Next() {
  ReceiptBatch batch;
  if (fd_ < 0) {
    VITRINE_RETURN_IF_ERROR(Open());
    if (fd_ < 0) {
      batch.at_end = true;
      return batch;
    }
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string piece, Read(offset_, kPiece));
  size_t begin = 0;
  if (in_line_) {
    const size_t end = piece.find('\n');
    in_line_ = end == std::string::npos;
    begin = in_line_ ? piece.size() : end + 1;
  }
  for (size_t end; (end = piece.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    auto receipt =
        ReceiptFromJson(std::string_view(piece).substr(begin, end - begin));
    if (!receipt.ok()) {
      ++batch.unreadable_lines;
    } else if (!since_ || TimeOf(receipt->time()) >= *since_) {
      batch.receipts.push_back(*std::move(receipt));
    }
  }
  if (begin == 0 && piece.size() == kPiece) {
    ++batch.unreadable_lines;
    in_line_ = true;
    begin = piece.size();
  }
  offset_ += begin;
  batch.at_end = piece.size() < kPiece;
  if (!batch.at_end) return batch;
  struct stat info;
  if (IsReplaced()) {
    VITRINE_RETURN_IF_ERROR(Open());
    batch.at_end = fd_ < 0;
  } else if (::fstat(fd_, &info) == 0 &&
             static_cast<uint64_t>(info.st_size) < offset_) {
    // What could not be made durable was cut off, and comes again.
    offset_ = static_cast<uint64_t>(info.st_size);
    in_line_ = false;
  }
  return batch;
}

}  // namespace vitrine
