#include "server/access.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr uint64_t kMostBytes = 4 << 20;

absl::Status Refused(absl::StatusCode code, std::string_view message) {
  return MakeError(code, v1::ERROR_REASON_NOT_PERMITTED, message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Access>> Access::Open(
    const std::filesystem::path& tokens, int poll_ms,
    std::function<void(std::string_view)> log,
    std::function<void(std::string_view)> warn) {
  if (!warn) warn = log;
  std::unique_ptr<Access> access(
      new Access(tokens, poll_ms, std::move(log), std::move(warn)));
  VITRINE_ASSIGN_OR_RETURN(access->tokens_, access->Read());
  access->thread_ = std::thread([access = access.get()] { access->Follow(); });
  return access;
}

Access::~Access() {
  watch_.Stop();
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<std::shared_ptr<const Tokens>> Access::Read() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot read ", path_.string()));
  }
  const auto close = absl::MakeCleanup([fd] { ::close(fd); });
  struct stat info;
  if (::fstat(fd, &info) == 0 && (info.st_mode & S_IRWXO) != 0) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s holds tokens, and everybody may read it or write to it (mode "
        "%03o): chmod 640 it",
        path_.string(), info.st_mode & 0777));
  }
  VITRINE_ASSIGN_OR_RETURN(const std::string text,
                           ReadDescriptor(fd, path_.string(), kMostBytes));
  VITRINE_ASSIGN_OR_RETURN(Tokens tokens, Tokens::Parse(text, path_.string()));
  return std::make_shared<const Tokens>(std::move(tokens));
}

void Access::Follow() {
  while (watch_.Wait()) {
    auto tokens = Read();
    if (!tokens.ok()) {
      warn_(absl::StrCat("the former tokens hold on: ",
                         tokens.status().message()));
      continue;
    }
    const size_t n = (*tokens)->size();
    {
      std::lock_guard lock(mutex_);
      tokens_ = *std::move(tokens);
    }
    log_(absl::StrCat(n, " tokens read from ", path_.string()));
  }
}

absl::Status Access::Check(std::string_view authorization, Role needed) const {
  absl::string_view token(authorization.data(), authorization.size());
  if (!absl::ConsumePrefix(&token, "Bearer ") &&
      !absl::ConsumePrefix(&token, "bearer ")) {
    return Refused(
        absl::StatusCode::kUnauthenticated,
        "this server wants a token: send the metadata "
        "`authorization: Bearer TOKEN` (vitrine: --token-file=FILE)");
  }
  std::shared_ptr<const Tokens> tokens;
  {
    std::lock_guard lock(mutex_);
    tokens = tokens_;
  }
  const Tokens::Holder* holder = tokens->Find({token.data(), token.size()});
  if (holder == nullptr) {
    return Refused(absl::StatusCode::kUnauthenticated,
                   "the token is none of this server's; ask who runs it for "
                   "one, a line of its --tokens");
  }
  if (holder->role < needed) {
    return Refused(
        absl::StatusCode::kPermissionDenied,
        absl::StrCat("the token's role is ",
                     std::string(RoleName(holder->role)),
                     ", and this call is for ", std::string(RoleName(needed)),
                     "; send a token of that role"));
  }
  return absl::OkStatus();
}

}  // namespace vitrine
