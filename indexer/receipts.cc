#include "indexer/receipts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  const absl::Time at =
      absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone());
}

// The generation of a line; 0 where it tells none.
uint64_t GenerationOf(const std::string& line) {
  const nlohmann::json json =
      nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return 0;
  const auto it = json.find("generation");
  return it != json.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
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

std::string ReasonName(v1::ErrorReason reason) {
  return std::string(
      absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
}

std::string ReceiptToJson(const v1::Receipt& receipt) {
  nlohmann::ordered_json json;
  json["time"] = Rfc3339(receipt.time());
  json["source"] = receipt.source();
  json["path"] = receipt.path();
  json["product_id"] = receipt.product_id();
  if (!receipt.sha256().empty()) json["sha256"] = receipt.sha256();
  json["outcome"] = absl::AsciiStrToLower(absl::StripPrefix(
      v1::Receipt::Outcome_Name(receipt.outcome()), "OUTCOME_"));
  if (receipt.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    json["reason"] = ReasonName(receipt.reason());
  }
  if (!receipt.message().empty()) json["message"] = receipt.message();
  json["generation"] = receipt.generation();
  if (receipt.has_searchable_at()) {
    json["searchable_at"] = Rfc3339(receipt.searchable_at());
  }
  if (receipt.warnings_size() > 0) {
    json["warnings"] = std::vector<std::string>(receipt.warnings().begin(),
                                                receipt.warnings().end());
  }
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

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
  // A line is far shorter than this, so that the tail holds a whole one.
  constexpr off_t kTail = 256 << 10;
  const off_t start = std::max<off_t>(0, info.st_size - kTail);
  std::string tail(static_cast<size_t>(info.st_size - start), '\0');
  if (::pread(fd, tail.data(), tail.size(), start) !=
      static_cast<ssize_t>(tail.size())) {
    return ErrnoStatus(errno, absl::StrCat("cannot read ", path.string()));
  }
  const size_t end = tail.rfind('\n');
  const size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole != tail.size()) {
    if (::ftruncate(fd, start + static_cast<off_t>(whole)) != 0) {
      return ErrnoStatus(errno, absl::StrCat("cannot cut ", path.string()));
    }
    tail.resize(whole);
  }
  if (whole > 0) {
    const size_t before =
        end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
    const size_t begin = before == std::string::npos ? 0 : before + 1;
    log->last_generation_ = GenerationOf(tail.substr(begin, end - begin));
  }
  return log;
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
