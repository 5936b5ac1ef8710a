// The connection to a server, and what its failures mean to a person.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "vitrine/v1/catalog.grpc.pb.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine::cli {

// Thread-safe.
class Connection {
 public:
  // Connects with the first call. A deadline of `timeout_ms` holds for each.
  Connection(std::string server, int64_t timeout_ms);

  v1::SearchService::Stub& stub() { return *stub_; }
  v1::CatalogService::Stub& catalog_stub() { return *catalog_stub_; }
  int64_t timeout_ms() const { return timeout_ms_; }

  // A context whose deadline begins now.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  // The server's own error where `status` carries one; else what its code most
  // likely means, with a remedy.
  v1::Error ErrorOfCall(const grpc::Status& status) const;

 private:
  std::string server_;
  int64_t timeout_ms_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
  std::unique_ptr<v1::CatalogService::Stub> catalog_stub_;
};

}  // namespace vitrine::cli
