#include "common/rpc/channel.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/client_interceptor.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/file.h"
#include "common/base/file_watch.h"
#include "common/base/listen_address.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

constexpr uint64_t kMostBytes = 4 << 20;
constexpr unsigned kRefreshSeconds = 10;

absl::StatusOr<std::string> ReadToken(const std::filesystem::path& path) {
  VITRINE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMostBytes));
  const absl::string_view line = absl::StripAsciiWhitespace(
      absl::string_view(text).substr(0, text.find('\n')));
  for (const char c : line) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(absl::StrCat(
          path.string(), ": its first line is to be the token alone"));
    }
  }
  if (line.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": its first line holds no token"));
  }
  return std::string(line);
}

// gRPC's own call credentials are not for connections in the clear, which are
// right between programs of one machine.
class TokenSender final : public Interceptor {
 public:
  // `trouble` is why the token may be an old one, if it may.
  TokenSender(std::string header, std::string trouble)
      : header_(std::move(header)), trouble_(std::move(trouble)) {}
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", header_);
    }
    if (!trouble_.empty() && methods->QueryInterceptionHookPoint(
                                 InterceptionHookPoints::POST_RECV_STATUS)) {
      grpc::Status* const status = methods->GetRecvStatus();
      if (status->error_code() == grpc::StatusCode::UNAUTHENTICATED) {
        *status = grpc::Status(
            status->error_code(),
            absl::StrCat(status->error_message(),
                         "; the former token was sent, since ", trouble_),
            status->error_details());
      }
    }
    methods->Proceed();
  }

 private:
  const std::string header_;
  const std::string trouble_;
};

// Looks at the file with a call, if a while has passed since the last look.
class TokenSenderFactory final : public ClientInterceptorFactoryInterface {
 public:
  // `seen` is of before the token was read.
  TokenSenderFactory(std::filesystem::path path, std::optional<FileState> seen,
                     absl::string_view token)
      : path_(std::move(path)),
        seen_(seen),
        header_(absl::StrCat(kBearer, token)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override {
    if (IsTimeToLook()) Look();
    std::lock_guard lock(mutex_);
    return new TokenSender(header_, trouble_);
  }

 private:
  static constexpr char kBearer[] = "Bearer ";
  static constexpr std::chrono::seconds kLookAgain{1};

  bool IsTimeToLook() {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (is_looking_ || now - looked_ < kLookAgain) return false;
    looked_ = now;
    return is_looking_ = true;
  }
  // Other calls do not wait for the disk meanwhile.
  void Look() {
    const auto state = FileStateOf(path_);
    std::optional<absl::StatusOr<std::string>> read;
    // What cannot be read may be about to be written.
    if (state != seen_) read = ReadToken(path_);
    std::lock_guard lock(mutex_);
    is_looking_ = false;
    if (!read) {
      trouble_.clear();
    } else if (read->ok()) {
      seen_ = state;
      header_ = absl::StrCat(kBearer, **read);
      trouble_.clear();
    } else {
      trouble_ = std::string(read->status().message());
    }
  }

  const std::filesystem::path path_;
  std::optional<FileState> seen_;  // Of the one that looks.
  std::mutex mutex_;               // Guards what follows.
  bool is_looking_ = false;
  std::chrono::steady_clock::time_point looked_ =
      std::chrono::steady_clock::now();
  std::string header_;
  std::string trouble_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const ChannelSecurity& security) {
  if (security.certificate.empty() != security.key.empty()) {
    return absl::InvalidArgumentError(
        "a certificate and its key belong together; give both, or none");
  }
  if (security.ca.empty()) {
    if (!security.certificate.empty()) {
      return absl::InvalidArgumentError(
          "a certificate is shown to an encrypted server alone; say who signs "
          "the server's, or 'system'");
    }
    return grpc::InsecureChannelCredentials();
  }
  const std::string ca = security.ca == "system" ? "" : security.ca;
  if (!ca.empty()) {
    VITRINE_ASSIGN_OR_RETURN(const std::string text, ReadFile(ca, kMostBytes));
    if (!absl::StrContains(text, "BEGIN CERTIFICATE")) {
      return absl::InvalidArgumentError(
          absl::StrCat(ca, ": holds no certificate in PEM"));
    }
  }
  for (const auto& path : {security.certificate, security.key}) {
    if (path.empty()) continue;
    VITRINE_RETURN_IF_ERROR(ReadFile(path, kMostBytes).status());
  }
  // What is not watched is the system's, or nothing.
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (!ca.empty() || !security.certificate.empty()) {
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
            security.key.string(), security.certificate.string(), ca,
            kRefreshSeconds));
  }
  if (!ca.empty()) options.watch_root_certs();
  if (!security.certificate.empty()) options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(
      std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(
    const std::string& address, const ChannelSecurity& security,
    const grpc::ChannelArguments& arguments) {
  VITRINE_ASSIGN_OR_RETURN(const auto credentials, CredentialsOf(security));
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> interceptors;
  if (!security.token_file.empty()) {
    const auto at = ParseListenAddress(address);
    if (security.ca.empty() && !security.insecure &&
        !(at.ok() && at->IsLoopback())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the token would go to ", address,
          " in the clear, for all on the way to read; say with ",
          security.ca_flag, " who signs the server's certificate",
          security.insecure_flag.empty()
              ? ""
              : absl::StrCat(", or allow it with ", security.insecure_flag,
                             " where the network is trusted")));
    }
    const auto seen = FileStateOf(security.token_file);
    VITRINE_ASSIGN_OR_RETURN(const std::string token,
                             ReadToken(security.token_file));
    interceptors.push_back(
        std::make_unique<TokenSenderFactory>(security.token_file, seen, token));
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      address, credentials, arguments, std::move(interceptors));
}

}  // namespace vitrine
