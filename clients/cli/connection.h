// The connection to a server, and what its failures mean to a person.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/channel.h"
#include "vitrine/v1/catalog.grpc.pb.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine::cli {

// Thread-safe, but for a move.
class Connection {
 public:
  // Connects with the first call. A deadline of `timeout_ms` holds for each. An
  // error names the file that is not right.
  static absl::StatusOr<Connection> Make(std::string server,
                                         const ChannelSecurity& security,
                                         int64_t timeout_ms);

  v1::SearchService::Stub& stub() { return *stub_; }
  v1::CatalogService::Stub& catalog_stub() { return *catalog_stub_; }
  int64_t timeout_ms() const { return timeout_ms_; }

  // A context whose deadline begins now.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  // The server's own error where `status` carries one; else what its code most
  // likely means, with a remedy.
  v1::Error ErrorOfCall(const grpc::Status& status) const;

 private:
  Connection(std::string server, bool is_encrypted, int64_t timeout_ms,
             const std::shared_ptr<grpc::Channel>& channel);

  std::string server_;
  bool is_encrypted_;
  int64_t timeout_ms_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
  std::unique_ptr<v1::CatalogService::Stub> catalog_stub_;
};

}  // namespace vitrine::cli
