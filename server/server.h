// The whole server but for its flags: the index that it follows, or the
// partitions that it answers from, its threads and its gRPC services.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/catalog_service.h"
#include "server/executor.h"
#include "server/partitions.h"
#include "server/recall_monitor.h"
#include "server/search_service.h"
#include "server/snapshot_store.h"

namespace vitrine {

struct ServerOptions {
  // Its on_ready and recall_monitor are the server's own.
  SnapshotStoreOptions store;
  // Folders of partitions' indexes, which are opened as `store` says, and
  // servers of others as HOST:PORT. Where there are any, answers are of all of
  // them, and not of the store's own folder.
  std::vector<std::filesystem::path> indexes;
  std::vector<std::string> backends;
  PartitionsOptions partitions;  // Its on_ready is the server's own.
  std::string listen;            // "127.0.0.1:50051"; port 0 takes a free one.
  int threads = 0;               // For searches; 0 is one a core.
  // The share of answers that are compared with exact scans.
  double shadow_share = 0;
  std::string version;
};

// Thread-safe.
class Server {
 public:
  // Listens, then opens the index, if it can. UNAVAILABLE where the address is
  // taken or is none; FAILED_PRECONDITION where two indexes are of one
  // partition.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  // Ends as Shutdown with no grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:50051", with the port that was taken.
  const std::string& address() const { return address_; }
  // The first of the indexes; not to be called where there are backends alone.
  const SnapshotStore& store() const { return *stores_.front(); }
  // OK where all indexes are open; else why one is not.
  absl::Status CheckOpen() const;

  // Tells health checks that it is not ready, takes no more calls, and returns
  // when those in flight are done, or cancelled after `grace`.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Server() = default;
  void SetReady();

  std::string address_;
  void OpenStores(SnapshotStoreOptions options, double shadow_share,
                  std::vector<std::filesystem::path> indexes);
  absl::Status CheckPartitions() const;

  std::vector<std::unique_ptr<RecallMonitor>> recall_monitors_;  // One a store.
  std::vector<std::unique_ptr<SnapshotStore>> stores_;
  std::vector<std::filesystem::path> roots_;  // Of the stores.
  std::unique_ptr<Executor> picture_executor_;
  std::unique_ptr<Executor> other_executor_;
  std::unique_ptr<Partitions> partitions_;  // Null where there is one index.
  std::unique_ptr<Executor> waiting_executor_;
  std::unique_ptr<grpc::Service> search_service_;
  std::unique_ptr<grpc::Service> catalog_service_;
  CatalogServiceImpl* receipts_ = nullptr;  // The same; null of partitions.
  std::unique_ptr<grpc::Server> grpc_;

  std::mutex health_mutex_;
  grpc::HealthCheckServiceInterface* health_ = nullptr;
};

}  // namespace vitrine
