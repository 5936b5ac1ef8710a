// Fills the vector set of a second model beside the serving one: embeds what
// the serving set has and it lacks, first what is fresh.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
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
  // Loads the set's model, in the filler's own thread and when it is first
  // needed: what threads the model has are of low priority, too.
  std::function<absl::StatusOr<std::unique_ptr<Embedder>>()> load;
  // What catalogue files, and files that events name, lie below; may be empty.
  std::filesystem::path catalog_root;
  std::filesystem::path queue_files;
  // The catalogue's root as it was when it was well, see Walk::root_identity;
  // empty where that is not known.
  std::string catalog_identity;
  int decode_threads = 2;
  int batch = 0;  // Pictures at a time through the model; 0: what it prefers.
  // So many rows are published at a time.
  size_t rows = 256;
  // Lines for people, that something was published, and that the set has every
  // picture; from its own thread.
  std::function<void(const std::string& line)> report;
  std::function<void()> on_published;
  std::function<void()> on_complete;
  StopRequested stop;  // Asked between pictures; may be empty.
};

// Works in a thread of low priority until it is destroyed. What a stop or a
// crash leaves undone is found again, as it is the difference of two sets. A
// picture whose file is gone or has changed is embedded from its thumbnail: its
// file may come back, and be indexed, as another. Where the folder itself is
// away, or a file cannot be read, it is tried again later. Thread-safe.
class SetFiller {
 public:
  // Of the publisher's other set.
  SetFiller(Publisher* publisher, SetFillerOptions options);
  // Publishes what has been embedded.
  ~SetFiller();
  SetFiller(const SetFiller&) = delete;
  SetFiller& operator=(const SetFiller&) = delete;

  // After each publication: something may be missing.
  void Wake();
  // Returns when the set has every picture of the newest generation. CANCELLED
  // where it had to stop; another error where some cannot be embedded now.
  absl::Status Finish(const StopRequested& stop);

 private:
  // A picture that the set lacks.
  struct Missing {
    std::string product_id;
    std::string image_key;
    std::string sha256;  // 32 bytes.
    bool by_thumbnail;   // What its source has was refused.
  };

  void Stop();
  void Run();
  absl::Status FillAll();
  absl::Status Load();
  bool MustStop() const;
  // Some pictures that lack, `options_.rows` of them or a few more.
  std::vector<Missing> FindMissing(const IndexView& view);
  using AddFn =
      std::function<void(const Missing& of, std::vector<uint16_t> vector)>;
  absl::Status Embed(const IndexView& view,
                     const std::vector<const Missing*>& pictures,
                     const AddFn& add);
  // Embeds what is not known already, and publishes them.
  absl::Status Fill(const IndexView& view, const std::vector<Missing>& missing);
  // The picture's bytes from where it came from, or its thumbnail.
  absl::StatusOr<std::string> Read(const Missing& missing, uint64_t max_bytes);
  absl::StatusOr<std::string> ReadSource(const Missing& missing,
                                         uint64_t max_bytes);
  // That a folder is the one that it was: that of a volume which is away is
  // another one, or empty where nothing is known of it.
  static absl::Status CheckFolder(const std::filesystem::path& folder,
                                  const std::string& identity);
  // Of the folders in which a file was not found since the last call.
  absl::Status CheckFolders();
  void TellProgress(const IndexView& view);

  Publisher* const publisher_;
  const SetFillerOptions options_;
  const uint64_t set_;

  // Of its thread.
  std::string model_;               // For people.
  std::unique_ptr<Ingest> ingest_;  // Null until the model is loaded.
  // What is being read, and of which generation: Read, which other threads call
  // meanwhile, goes by it.
  const IndexView* view_ = nullptr;
  const std::vector<const Missing*>* reading_ = nullptr;
  std::string cursor_;            // The last product that was looked at.
  std::set<std::string> failed_;  // Pictures that the model fails on.
  // Those that were refused, and why; their thumbnails are tried.
  std::map<std::string, std::string> refused_;
  std::string failure_;
  std::string reported_;
  std::atomic<int64_t> from_thumbnails_ = 0;  // In the batch in hand, …
  int64_t thumbnails_ = 0;                    // … and in all.
  std::atomic<bool> not_found_in_catalog_ = false;
  std::atomic<bool> not_found_in_queue_files_ = false;
  std::chrono::steady_clock::time_point begun_, told_;
  int64_t done_ = 0;  // Since it began.

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  bool due_ = true;
  bool urgent_ = false;  // Finish waits.
  bool running_ = false;
  absl::Status status_;  // Of the last run.
  std::atomic<bool> stopping_ = false;

  std::thread thread_;
};

}  // namespace vitrine
