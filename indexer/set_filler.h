// Fills the vector set of a second model beside the serving one: embeds what
// the serving set has and it lacks, first what is fresh.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/base/stop_requested.h"
#include "common/model/embedder.h"
#include "indexer/ingest.h"
#include "indexer/publisher.h"

namespace vitrine {

struct SetFillerOptions {
  // What catalogue files, and files that events name, lie below; may be empty.
  std::filesystem::path catalog_root;
  std::filesystem::path queue_files;
  int decode_threads = 2;
  int batch = 0;  // Pictures at a time through the model; 0: what it prefers.
  // So many rows are published at a time.
  size_t rows = 256;
  // Lines for people, and that the set has every picture; from its own thread.
  std::function<void(const std::string& line)> report;
  std::function<void()> on_complete;
};

// Works in a thread of low priority until it is destroyed. What a stop or a
// crash leaves undone is found again, as it is the difference of two sets. A
// picture whose file is gone or has changed is embedded from its thumbnail: its
// file may come back, and be indexed, as another. Thread-safe.
class SetFiller {
 public:
  // Of the publisher's other set, whose model `embedder` is.
  SetFiller(Publisher* publisher, std::unique_ptr<Embedder> embedder,
            SetFillerOptions options);
  // Publishes what has been embedded.
  ~SetFiller();
  SetFiller(const SetFiller&) = delete;
  SetFiller& operator=(const SetFiller&) = delete;

  // After each publication: something may be missing.
  void Wake();
  // Returns when the set has every picture of the newest generation. CANCELLED
  // where it had to stop; another error where some cannot be embedded now.
  absl::Status Finish(const StopRequested& stop);
  // Stops, and gives the model back.
  std::unique_ptr<Embedder> TakeEmbedder() &&;

 private:
  // A picture that the set lacks.
  struct Missing {
    std::string product_id;
    std::string image_key;
    std::string sha256;  // 32 bytes.
  };

  void Stop();
  void Run();
  absl::Status FillAll();
  // Some pictures that lack, at most `options_.rows`.
  std::vector<Missing> FindMissing(const IndexView& view);
  // Embeds and publishes them.
  absl::Status Fill(const IndexView& view, const std::vector<Missing>& missing);
  // The picture's bytes from where it came from, or its thumbnail.
  absl::StatusOr<std::string> Read(const IndexView& view,
                                   const Missing& missing, uint64_t max_bytes);
  absl::StatusOr<std::string> ReadSource(const IndexView& view,
                                         const Missing& missing,
                                         uint64_t max_bytes) const;
  // That the folders of the sources are there, and not empty: those of a volume
  // that is away are.
  absl::Status CheckSources() const;
  void TellProgress(const IndexView& view);

  Publisher* const publisher_;
  const SetFillerOptions options_;
  const uint64_t set_;
  const std::string model_;  // For people.
  std::unique_ptr<Ingest> ingest_;

  // Of its thread.
  std::string cursor_;            // The last product that was looked at.
  std::set<std::string> failed_;  // Pictures that the model fails on.
  std::string failure_;
  std::atomic<int64_t> from_thumbnails_ = 0;
  std::chrono::steady_clock::time_point begun_, told_;
  int64_t done_ = 0;  // Since it began.

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  bool due_ = true;
  bool running_ = false;
  absl::Status status_;  // Of the last run.
  std::atomic<bool> stopping_ = false;

  std::thread thread_;
};

}  // namespace vitrine
