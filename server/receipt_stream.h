// CatalogService.Receipts, and what wakes the calls that follow.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "common/base/file_watch.h"
#include "server/executor.h"
#include "server/snapshot_store.h"
#include "vitrine/v1/catalog.grpc.pb.h"

namespace vitrine {

// Tells its listeners that receipts.jsonl has changed; watches it from the
// first listener on. Thread-safe.
class ReceiptNews {
 public:
  ReceiptNews(std::filesystem::path path, int poll_ms)
      : path_(std::move(path)), poll_ms_(poll_ms) {}
  ~ReceiptNews() { Stop(); }

  // `listener` is called, from other threads, until Forget has returned; it
  // must be brief and not call this.
  uint64_t Listen(std::function<void()> listener);
  void Forget(uint64_t id);
  // Tells all listeners once more, who are to end then. No news come after.
  void Stop();
  bool stopped() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  void TellAll();

  const std::filesystem::path path_;
  const int poll_ms_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::map<uint64_t, std::function<void()>> listeners_;
  uint64_t next_id_ = 1;
  bool stopped_ = false;
  std::unique_ptr<FileWatch> watch_;
  std::thread thread_;
};

// All must outlive the call. `executor` is of such calls alone: they read the
// index's volume, which no query may wait for.
grpc::ServerWriteReactor<v1::ReceiptsResponse>* NewReceiptStream(
    const v1::ReceiptsRequest* request, const SnapshotStore* store,
    Executor* executor, ReceiptNews* news);

}  // namespace vitrine
