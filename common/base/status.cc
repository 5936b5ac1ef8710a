#include "common/base/status.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

constexpr char kPayloadUrl[] = "type.googleapis.com/vitrine.v1.Error";

v1::ErrorReason ReasonOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return v1::ERROR_REASON_INVALID_PARAMETER;
    case absl::StatusCode::kDataLoss:
      return v1::ERROR_REASON_INDEX_DAMAGED;
    case absl::StatusCode::kDeadlineExceeded:
      return v1::ERROR_REASON_DEADLINE_EXCEEDED;
    case absl::StatusCode::kResourceExhausted:
      return v1::ERROR_REASON_OVERLOADED;
    case absl::StatusCode::kUnavailable:
      return v1::ERROR_REASON_INDEX_NOT_READY;
    case absl::StatusCode::kUnimplemented:
      return v1::ERROR_REASON_UNIMPLEMENTED;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return v1::ERROR_REASON_NOT_PERMITTED;
    default:
      return v1::ERROR_REASON_INTERNAL;
  }
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason,
                       std::string_view message, std::string_view field,
                       std::optional<double> limit, int retry_after_ms) {
  v1::Error error;
  error.set_reason(reason);
  error.set_message(std::string(message));
  error.set_field(std::string(field));
  if (limit) error.set_limit(*limit);
  error.set_code(static_cast<int>(code));
  error.set_retry_after_ms(retry_after_ms);
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  status.SetPayload(kPayloadUrl, absl::Cord(error.SerializeAsString()));
  return status;
}

v1::Error ErrorOf(const absl::Status& status) {
  v1::Error error;
  if (auto payload = status.GetPayload(kPayloadUrl)) {
    error.ParseFromString(std::string(*payload));
  } else {
    error.set_reason(ReasonOf(status.code()));
  }
  error.set_message(std::string(status.message()));
  error.set_code(static_cast<int>(status.code()));
  return error;
}

absl::Status WithField(const absl::Status& status, std::string_view field) {
  if (status.ok()) return status;
  v1::Error error = ErrorOf(status);
  error.set_field(std::string(field));
  absl::Status named = status;
  named.SetPayload(kPayloadUrl, absl::Cord(error.SerializeAsString()));
  return named;
}

absl::Status Annotate(const absl::Status& status, std::string_view prefix) {
  if (status.ok()) return status;
  absl::Status annotated(
      status.code(),
      absl::StrCat(absl::string_view(prefix.data(), prefix.size()), ": ",
                   status.message()));
  status.ForEachPayload(
      [&annotated](absl::string_view url, const absl::Cord& payload) {
        annotated.SetPayload(url, payload);
      });
  return annotated;
}

absl::Status ErrnoStatus(int error, std::string_view what) {
  std::string message = absl::StrCat(
      absl::string_view(what.data(), what.size()), ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EEXIST:
    case ENOTEMPTY:
      return absl::AlreadyExistsError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace vitrine
