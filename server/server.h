// The whole server but for its flags: the index that it follows, or the
// partitions that it answers from, its threads and its gRPC services.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http/status_port.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "server/access.h"
#include "server/catalog_service.h"
#include "server/executor.h"
#include "server/grpc_service.h"
#include "server/partitions.h"
#include "server/recall_monitor.h"
#include "server/request_log.h"
#include "server/search_service.h"
#include "server/server_credentials.h"
#include "server/server_metrics.h"
#include "server/snapshot_store.h"

namespace vitrine {

struct ServerOptions {
  // Its on_ready, on_reload, on_batch and recall_monitor are the server's own.
  SnapshotStoreOptions store;
  // Folders of partitions' indexes, which are opened as `store` says, and
  // servers of others as HOST:PORT. Where there are any, answers are of all of
  // them, and not of the store's own folder.
  std::vector<std::filesystem::path> indexes;
  std::vector<std::string> backends;
  ChannelSecurity backend_security;  // How all of them are reached.
  // Where indexes are copied to before they are served, each to a folder of its
  // own where there are several; empty for nowhere.
  std::filesystem::path cache;
  PartitionsOptions partitions;  // Its on_ready is the server's own.
  std::string listen;            // "127.0.0.1:50051"; port 0 takes a free one.
  TlsFiles tls;
  // Whose calls are answered; empty for anybody's.
  std::filesystem::path tokens;
  // Where to tell over HTTP how it is; as `listen`, and empty for nowhere.
  std::string status_listen;
  // Connections end after so long, once no call is on them; 0 is never.
  int max_connection_age_ms = 0;
  int threads = 0;  // For searches; 0 is one a core.
  // A request that might have to wait longer is refused at once, unless few do.
  int max_wait_ms = 200;
  // The share of answers that are compared with exact scans.
  double shadow_share = 0;
  // Where calls are told, and of which; must outlive the server. Null where
  // there is none.
  Log* log = nullptr;
  LoggedRequests log_requests = LoggedRequests::kNone;
  std::string version;
};

// Thread-safe.
class Server {
 public:
  // Listens, then opens the index, if it can. UNAVAILABLE where the address is
  // taken or is none of this machine; INVALID_ARGUMENT where it is no HOST:PORT
  // or a file of certificates or tokens is not right; FAILED_PRECONDITION where
  // two indexes are of one partition, or the cache is another's.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  // Ends as Shutdown with no grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:50051", with the port that was taken.
  const std::string& address() const { return address_; }
  // Where it tells how it is; empty where it does not.
  std::string status_address() const;
  // The first of the indexes; not to be called where there are backends alone.
  const SnapshotStore& store() const { return *stores_.front(); }
  // OK where all indexes are open; else why one is not.
  absl::Status CheckOpen() const;

  // Tells health and readiness checks that it is not ready, and goes on
  // answering.
  void TellNotReady();
  // Tells the same, takes no more calls, and returns when those in flight are
  // done, or cancelled after `grace`.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Server() = default;
  void SetReady();
  // Listens with the services that there are.
  absl::Status Listen(const ServerOptions& options);
  // OK while searches are answered; else why they are not.
  absl::Status Readiness();
  absl::Status StartStatusPort(std::string listen, const Log* log);
  absl::Status OpenStores(SnapshotStoreOptions options, double shadow_share,
                          bool is_watched,
                          std::vector<std::filesystem::path> indexes,
                          const std::filesystem::path& cache);
  absl::Status CheckPartitions() const;

  std::string address_;
  ServerMetrics metrics_;  // Outlives all that counts.
  std::vector<std::unique_ptr<RecallMonitor>> recall_monitors_;  // One a store.
  std::vector<std::unique_ptr<IndexCache>> caches_;  // One a store, or none.
  std::vector<std::unique_ptr<SnapshotStore>> stores_;
  std::vector<std::filesystem::path> roots_;  // Of the stores.
  std::unique_ptr<Executor> picture_executor_;
  std::unique_ptr<Executor> other_executor_;
  std::unique_ptr<Executor> receipt_executor_;  // Null of partitions.
  std::unique_ptr<Partitions> partitions_;  // Null where there is one index.
  std::unique_ptr<Executor> waiting_executor_;
  std::unique_ptr<SearchCalls> search_calls_;
  std::unique_ptr<CatalogCalls> catalog_calls_;
  CatalogServiceImpl* receipts_ = nullptr;  // The same; null of partitions.
  std::unique_ptr<TlsWatch> tls_watch_;     // Null of one in the clear.
  // These three are null where anybody may call.
  std::unique_ptr<Access> access_;
  std::unique_ptr<GrpcSearchService> search_service_;
  std::unique_ptr<GrpcCatalogService> catalog_service_;
  std::unique_ptr<grpc::Server> grpc_;

  std::mutex health_mutex_;  // Guards these two.
  grpc::HealthCheckServiceInterface* health_ = nullptr;
  bool is_ready_ = false;
  std::atomic<bool> is_shut_ = false;

  std::unique_ptr<StatusPort> status_port_;  // Null where it has none.
};

}  // namespace vitrine
