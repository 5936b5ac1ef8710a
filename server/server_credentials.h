// What a server shows to its callers, and whom it lets connect.
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/file_watch.h"

namespace vitrine {

// PEM files. All empty: the server speaks in the clear.
struct TlsFiles {
  std::filesystem::path certificate;  // With those between it and its CA.
  std::filesystem::path key;
  // Callers must show a certificate that one of these has signed; empty for
  // any caller.
  std::filesystem::path client_ca;
};

// INVALID_ARGUMENT, naming the file, where one is missing or is not what it
// should be, the certificate has expired or the key is another's. The files are
// read again when they change, for connections that begin then.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const TlsFiles& files);

// Until when a certificate holds.
struct CertificateEnd {
  int64_t unix_s = 0;
  int64_t soon_s = 0;  // From when on it is high time to replace it.
  std::string text;    // The end for people.
};
struct TlsEnds {
  CertificateEnd certificate;  // The server's own, not those that follow it.
  // Of the CA that holds longest; none where callers show nothing.
  std::optional<CertificateEnd> client_ca;
};

struct TlsWatchOptions {
  TlsFiles files;  // With a certificate.
  // How often the files are looked at; as often as gRPC does.
  std::chrono::milliseconds poll{10'000};
  // None is empty. The first is called with each state of the files that is
  // right.
  std::function<void(const TlsEnds&)> on_read;
  std::function<void(std::string_view)> log, warn;
  // In seconds since 1970.
  std::function<int64_t()> now = [] { return std::time(nullptr); };
};

// Reads the files when it is made, and again, in a thread of its own, when they
// change. Logs how long they hold; warns, once of each state of them, where
// that is less than 14 days or a quarter of their life, when it is over, and
// where they are not right.
class TlsWatch {
 public:
  explicit TlsWatch(TlsWatchOptions options);
  ~TlsWatch();
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

 private:
  enum class Told { kHolds, kEndsSoon, kHasEnded };
  void Look();
  void Tell(const char* flag, const std::filesystem::path& path,
            const CertificateEnd& end, std::optional<Told>* told) const;

  const TlsWatchOptions options_;
  // Of the thread, once there is one.
  std::array<std::optional<FileState>, 3> states_;
  std::optional<TlsEnds> ends_;
  std::optional<Told> told_certificate_, told_client_ca_;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // Guarded by it.
  std::thread thread_;
};

}  // namespace vitrine
