// What a server shows to its callers, and whom it lets connect.
#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"

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

}  // namespace vitrine
