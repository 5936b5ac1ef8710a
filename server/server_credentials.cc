#include "server/server_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr uint64_t kMostBytes = 4 << 20;
constexpr unsigned kRefreshSeconds = 10;

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

absl::StatusOr<Certificate> ReadCertificate(const char* flag,
                                            const std::filesystem::path& path) {
  VITRINE_ASSIGN_OR_RETURN(const Bio bio, OpenPem(flag, path));
  Certificate certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return Wrong(flag, path,
                 "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  return certificate;
}

// The key must have no password, since nobody is there to give it.
int NoPassword(char*, int, int, void*) { return -1; }

absl::Status CheckFiles(const TlsFiles& files) {
  VITRINE_ASSIGN_OR_RETURN(const Certificate certificate,
                           ReadCertificate("--tls-cert", files.certificate));
  const ASN1_TIME* const until = X509_get0_notAfter(certificate.get());
  if (X509_cmp_current_time(until) < 0) {
    return Wrong("--tls-cert", files.certificate,
                 absl::StrCat("has expired, ", Printed(until),
                              "; no caller would take it"));
  }
  VITRINE_ASSIGN_OR_RETURN(const Bio bio, OpenPem("--tls-key", files.key));
  const Key key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) {
    return Wrong("--tls-key", files.key,
                 "holds no private key in PEM that has no password");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Wrong(
        "--tls-key", files.key,
        absl::StrCat("is not the key of ", files.certificate.string()));
  }
  if (files.client_ca.empty()) return absl::OkStatus();
  return ReadCertificate("--tls-client-ca", files.client_ca).status();
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
  VITRINE_RETURN_IF_ERROR(CheckFiles(files));
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

}  // namespace vitrine
