// The whole server but for its flags: the index that it follows, its threads
// and its gRPC services.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "server/catalog_service.h"
#include "server/executor.h"
#include "server/recall_monitor.h"
#include "server/search_service.h"
#include "server/snapshot_store.h"

namespace vitrine {

struct ServerOptions {
  // Its on_ready and recall_monitor are the server's own.
  SnapshotStoreOptions store;
  std::string listen;  // "127.0.0.1:50051"; port 0 takes a free one.
  int threads = 0;     // For searches; 0 is one a core.
  // The share of answers that are compared with exact scans.
  double shadow_share = 0;
  std::string version;
};

// Thread-safe.
class Server {
 public:
  // Listens, then opens the index, if it can. UNAVAILABLE where the address is
  // taken or is none.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  // Ends as Shutdown with no grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:50051", with the port that was taken.
  const std::string& address() const { return address_; }
  const SnapshotStore& store() const { return *store_; }

  // Tells health checks that it is not ready, takes no more calls, and returns
  // when those in flight are done, or cancelled after `grace`.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Server() = default;
  void SetReady();

  std::string address_;
  std::unique_ptr<RecallMonitor> recall_monitor_;
  std::unique_ptr<SnapshotStore> store_;
  std::unique_ptr<Executor> picture_executor_;
  std::unique_ptr<Executor> other_executor_;
  std::unique_ptr<SearchServiceImpl> search_service_;
  std::unique_ptr<CatalogServiceImpl> catalog_service_;
  std::unique_ptr<grpc::Server> grpc_;

  std::mutex health_mutex_;
  grpc::HealthCheckServiceInterface* health_ = nullptr;
};

}  // namespace vitrine
