// What a server counts, for Prometheus. docs/care.md lists the names.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/recall_monitor.h"
#include "server/server_credentials.h"
#include "server/snapshot_store.h"

namespace vitrine {

// Thread-safe.
class ServerMetrics {
 public:
  // One of the indexes that are served from here.
  struct Index {
    std::string name;
    const SnapshotStore* store = nullptr;
    const RecallMonitor* recall = nullptr;
  };

  ServerMetrics();
  ~ServerMetrics();
  ServerMetrics(const ServerMetrics&) = delete;
  ServerMetrics& operator=(const ServerMetrics&) = delete;

  // What counts the calls of a gRPC server that is built with it, and the times
  // that their answers tell. This must outlive that.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
  NewCallCounter();
  // A try to take up a generation.
  void CountReload(const std::string& index, const ReloadOutcome& reload);
  // So many pictures went through a model at once.
  void CountBatch(size_t pictures);
  // Until when the server's certificate, and its callers' CA, hold.
  void SetTlsEnds(const TlsEnds& ends);
  // In Prometheus's text format: what was counted, and how the indexes are now.
  // `lost_lines`: so far, of the log.
  std::string Text(const std::vector<Index>& indexes, bool is_ready,
                   uint64_t lost_lines = 0);

 private:
  class Families;
  class CallCounter;
  class CallCounterFactory;
  std::unique_ptr<Families> families_;
};

}  // namespace vitrine
