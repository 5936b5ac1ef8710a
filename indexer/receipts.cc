#include "indexer/receipts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"

namespace vitrine {
namespace {

// Of a line: its generation and picture; 0 where it is no receipt.
std::pair<uint64_t, ReceiptLog::Picture> GenerationAndPicture(
    const std::string& line) {
  const nlohmann::json json =
      nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {};
  const auto generation = json.find("generation");
  const auto path = json.find("path");
  const auto product = json.find("product_id");
  if (generation == json.end() || !generation->is_number_unsigned() ||
      path == json.end() || !path->is_string()) {
    return {};
  }
  const bool has_product = product != json.end() && product->is_string();
  return {generation->get<uint64_t>(),
          {has_product ? product->get<std::string>() : std::string(),
           path->get<std::string>()}};
}

// The file's bytes [begin, end).
absl::StatusOr<std::string> ReadRange(int fd, uint64_t begin, uint64_t end) {
  std::string bytes(end - begin, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done,
                              static_cast<off_t>(begin + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return ErrnoStatus(n < 0 ? errno : EIO, "cannot read");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

absl::Status WriteAll(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "cannot write the receipts");
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReceiptLog>> ReceiptLog::Open(
    const std::filesystem::path& path) {
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot open ", path.string()));
  }
  std::unique_ptr<ReceiptLog> log(new ReceiptLog(path, fd));
  struct stat info;
  if (::fstat(fd, &info) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot stat ", path.string()));
  }
  auto size = static_cast<uint64_t>(info.st_size);
  VITRINE_RETURN_IF_ERROR(Annotate(log->CutTornLine(&size), path.string()));
  VITRINE_RETURN_IF_ERROR(
      Annotate(log->ReadLastGeneration(size), path.string()));
  return log;
}

absl::Status ReceiptLog::CutTornLine(uint64_t* size) {
  // A line is far shorter than this, so that the tail holds a line's end.
  constexpr uint64_t kTail = 256 << 10;
  const uint64_t start = *size > kTail ? *size - kTail : 0;
  VITRINE_ASSIGN_OR_RETURN(const std::string tail,
                           ReadRange(fd_, start, *size));
  const size_t end = tail.rfind('\n');
  const uint64_t whole = end == std::string::npos ? start : start + end + 1;
  if (whole != *size && ::ftruncate(fd_, static_cast<off_t>(whole)) != 0) {
    return ErrnoStatus(errno, "cannot cut off a torn line");
  }
  *size = whole;
  return absl::OkStatus();
}

absl::Status ReceiptLog::ReadLastGeneration(uint64_t size) {
  constexpr uint64_t kPiece = 256 << 10;
  std::string later;  // The end of a line whose begin lies in the next piece.
  for (uint64_t end = size; end > 0;) {
    const uint64_t begin = end > kPiece ? end - kPiece : 0;
    VITRINE_ASSIGN_OR_RETURN(std::string lines, ReadRange(fd_, begin, end));
    lines += later;
    end = begin;
    size_t line_end = lines.size();
    while (line_end > 0) {
      const size_t before =
          line_end > 1 ? lines.rfind('\n', line_end - 2) : std::string::npos;
      if (before == std::string::npos && begin > 0) break;
      const size_t line = before == std::string::npos ? 0 : before + 1;
      auto [generation, picture] =
          GenerationAndPicture(lines.substr(line, line_end - line));
      line_end = line;
      if (generation == 0) continue;  // Somebody has edited the line.
      if (last_generation_ == 0) last_generation_ = generation;
      if (generation != last_generation_) return absl::OkStatus();
      last_pictures_.insert(std::move(picture));
    }
    later = lines.substr(0, line_end);
  }
  return absl::OkStatus();
}

ReceiptLog::~ReceiptLog() { ::close(fd_); }

absl::Status ReceiptLog::Append(const std::vector<v1::Receipt>& receipts) {
  if (receipts.empty()) return absl::OkStatus();
  std::string lines;
  for (const v1::Receipt& receipt : receipts) {
    lines += ReceiptToJson(receipt);
    lines += '\n';
  }
  struct stat info;
  if (::fstat(fd_, &info) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot stat ", path_.string()));
  }
  absl::Status status = WriteAll(fd_, lines);
  if (status.ok() && ::fdatasync(fd_) != 0) {
    status = ErrnoStatus(errno, "cannot fsync the receipts");
  }
  if (!status.ok() && ::ftruncate(fd_, info.st_size) != 0) {
    // The torn line is cut off when the log is next opened.
    return Annotate(status, absl::StrCat(path_.string(), " is torn"));
  }
  return Annotate(status, path_.string());
}

}  // namespace vitrine
