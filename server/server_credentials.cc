#include "server/server_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr uint64_t kMostBytes = 4 << 20;
constexpr unsigned kRefreshSeconds = 10;
// Whoever renews by hand has some time left then; programs have renewed by
// then, as they do with a third of a certificate's life to go.
constexpr int64_t kMostSoonSeconds = 14 * 24 * 3600;
constexpr int64_t kSoonShare = 4;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

absl::StatusOr<Bio> OpenPem(const char* flag,
                            const std::filesystem::path& path) {
  auto bytes = ReadFile(path, kMostBytes);
  if (!bytes.ok()) return Annotate(bytes.status(), flag);
  Bio bio(BIO_new(BIO_s_mem()));
  BIO_write(bio.get(), bytes->data(), static_cast<int>(bytes->size()));
  return bio;
}

absl::Status Wrong(const char* flag, const std::filesystem::path& path,
                   absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, "=", path.string(), ": ", what));
}

std::string Printed(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* text = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio.get(), &text));
  return {text, length};
}

int64_t UnixSeconds(const ASN1_TIME* of) {
  std::tm time = {};
  ASN1_TIME_to_tm(of, &time);
  return timegm(&time);
}

CertificateEnd EndOf(const X509* certificate) {
  const ASN1_TIME* const until = X509_get0_notAfter(certificate);
  CertificateEnd end;
  end.unix_s = UnixSeconds(until);
  const int64_t life =
      end.unix_s - UnixSeconds(X509_get0_notBefore(certificate));
  end.soon_s = end.unix_s - std::min(kMostSoonSeconds, life / kSoonShare);
  end.text = Printed(until);
  return end;
}

// At least one.
absl::StatusOr<std::vector<Certificate>> ReadCertificates(
    const char* flag, const std::filesystem::path& path) {
  VITRINE_ASSIGN_OR_RETURN(const Bio bio, OpenPem(flag, path));
  std::vector<Certificate> certificates;
  while (X509* const one =
             PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(one);
  }
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  if (certificates.empty()) {
    return Wrong(flag, path,
                 "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  // gRPC would leave out what follows, and say nothing.
  if (reason != PEM_R_NO_START_LINE) {
    return Wrong(flag, path,
                 absl::StrCat("what follows its first ", certificates.size(),
                              " certificates is damaged; write it anew, each "
                              "-----BEGIN CERTIFICATE----- on a line of its "
                              "own"));
  }
  return certificates;
}

// The key must have no password, since nobody is there to give it.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<TlsEnds> ReadFiles(const TlsFiles& files) {
  VITRINE_ASSIGN_OR_RETURN(const std::vector<Certificate> chain,
                           ReadCertificates("--tls-cert", files.certificate));
  X509* const certificate = chain.front().get();
  TlsEnds ends = {EndOf(certificate), std::nullopt};
  VITRINE_ASSIGN_OR_RETURN(const Bio bio, OpenPem("--tls-key", files.key));
  const Key key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) {
    return Wrong("--tls-key", files.key,
                 "holds no private key in PEM that has no password");
  }
  if (X509_check_private_key(certificate, key.get()) != 1) {
    return Wrong(
        "--tls-key", files.key,
        absl::StrCat("is not the key of ", files.certificate.string()));
  }
  if (files.client_ca.empty()) return ends;
  VITRINE_ASSIGN_OR_RETURN(
      const std::vector<Certificate> cas,
      ReadCertificates("--tls-client-ca", files.client_ca));
  for (const Certificate& ca : cas) {
    CertificateEnd end = EndOf(ca.get());
    if (!ends.client_ca || end.unix_s > ends.client_ca->unix_s) {
      ends.client_ca = std::move(end);
    }
  }
  return ends;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const TlsFiles& files) {
  if (files.certificate.empty() && files.key.empty() &&
      files.client_ca.empty()) {
    return grpc::InsecureServerCredentials();
  }
  if (files.certificate.empty() || files.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        files.certificate.empty() ? "--tls-cert" : "--tls-key",
        " is missing; TLS takes a certificate and its key, --tls-cert=FILE "
        "--tls-key=FILE"));
  }
  VITRINE_ASSIGN_OR_RETURN(const TlsEnds ends, ReadFiles(files));
  if (ends.certificate.unix_s < std::time(nullptr)) {
    return Wrong("--tls-cert", files.certificate,
                 absl::StrCat("has expired, ", ends.certificate.text,
                              "; no caller would take it"));
  }
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key.string(), files.certificate.string(),
          files.client_ca.string(), kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  if (!files.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

TlsWatch::TlsWatch(TlsWatchOptions options) : options_(std::move(options)) {
  Look();
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, options_.poll, [this] { return stopping_; })) {
      lock.unlock();
      Look();
      lock.lock();
    }
  });
}

TlsWatch::~TlsWatch() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void TlsWatch::Look() {
  const TlsFiles& files = options_.files;
  const std::array states = {FileStateOf(files.certificate),
                             FileStateOf(files.key),
                             FileStateOf(files.client_ca)};
  if (std::exchange(states_, states) != states) {
    absl::StatusOr<TlsEnds> ends = ReadFiles(files);
    if (!ends.ok()) {
      options_.warn(
          absl::StrCat("connections may not begin until it is right: ",
                       ends.status().message()));
      return;
    }
    ends_ = *std::move(ends);
    told_certificate_.reset();
    told_client_ca_.reset();
    options_.on_read(*ends_);
  }
  if (!ends_) return;
  Tell("--tls-cert", files.certificate, ends_->certificate, &told_certificate_);
  if (ends_->client_ca) {
    Tell("--tls-client-ca", files.client_ca, *ends_->client_ca,
         &told_client_ca_);
  }
}

void TlsWatch::Tell(const char* flag, const std::filesystem::path& path,
                    const CertificateEnd& end,
                    std::optional<Told>* told) const {
  const int64_t time = options_.now();
  const Told now = time >= end.unix_s  ? Told::kHasEnded
                   : time > end.soon_s ? Told::kEndsSoon
                                       : Told::kHolds;
  if (std::exchange(*told, now) == now) return;
  const std::string what = absl::StrCat(flag, "=", path.string());
  if (now == Told::kHolds) {
    options_.log(absl::StrCat(what, " holds until ", end.text));
  } else if (now == Told::kEndsSoon) {
    options_.warn(absl::StrCat(what, " holds until ", end.text,
                               " and no longer; replace it before"));
  } else {
    options_.warn(absl::StrCat(what, " has expired, ", end.text,
                               "; no connection begins until it is replaced"));
  }
}

}  // namespace vitrine
