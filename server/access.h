// Who may call: the tokens of a file, which may change meanwhile.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/file_watch.h"
#include "server/tokens.h"

namespace vitrine {

// Thread-safe.
class Access {
 public:
  // INVALID_ARGUMENT where the file is not right, or others than its owner and
  // group may read it. A later state of it that is not right is warned of, by
  // `log` where `warn` is empty, and the former tokens hold on. `poll_ms` is
  // for file systems that tell of no change.
  static absl::StatusOr<std::unique_ptr<Access>> Open(
      const std::filesystem::path& tokens, int poll_ms,
      std::function<void(std::string_view)> log,
      std::function<void(std::string_view)> warn = {});
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  // `authorization` is the header of that name, "Bearer TOKEN"; empty for none.
  // UNAUTHENTICATED without a token of the file, PERMISSION_DENIED where its
  // role may not do what `needed` may.
  absl::Status Check(std::string_view authorization, Role needed) const;

 private:
  Access(std::filesystem::path path, int poll_ms,
         std::function<void(std::string_view)> log,
         std::function<void(std::string_view)> warn)
      : path_(std::move(path)),
        log_(std::move(log)),
        warn_(std::move(warn)),
        watch_(path_, poll_ms) {}
  absl::StatusOr<std::shared_ptr<const Tokens>> Read() const;
  void Follow();

  const std::filesystem::path path_;
  const std::function<void(std::string_view)> log_;
  const std::function<void(std::string_view)> warn_;
  FileWatch watch_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Tokens> tokens_;  // Guarded by it.
  std::thread thread_;
};

}  // namespace vitrine
