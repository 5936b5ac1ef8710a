// A watched catalogue, as its users have it: an indexer and a server, each as
// its program runs it, on one index.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/scratch_folder.h"
#include "common/index/index_paths.h"
#include "indexer/indexer.h"
#include "server/server.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// Where the time of one drop went, in milliseconds.
struct DropStages {
  double decode = 0;
  double embed = 0;
  double publish = 0;  // With noticing the file, and all waits.
  double take_up = 0;  // From the publication to an answer that has it.
  double all = 0;
};

// In a folder that goes with it. Used by one thread.
class WatchedCatalog {
 public:
  // An empty catalogue, and no index.
  static absl::StatusOr<std::unique_ptr<WatchedCatalog>> Make();
  ~WatchedCatalog();

  // Where an index may be put before Start.
  IndexPaths index() const { return {root_ / "index"}; }
  // Writes a picture beside the catalogue and moves it there.
  absl::Status Drop(const std::string& name, const std::string& bytes);
  // Starts the indexer, which begins with `model` where there is no index, and
  // the server.
  absl::Status Start(const std::filesystem::path& model);
  // After Start: until so many pictures are searchable.
  absl::Status WaitForImages(int64_t images);
  // After Start: drops a picture and searches with it until it comes first.
  absl::StatusOr<DropStages> Measure(const std::string& name,
                                     const std::string& bytes);

 private:
  // That of the times in a publication.
  using Clock = std::chrono::system_clock;

  explicit WatchedCatalog(ScratchFolder scratch);
  std::filesystem::path catalogue() const { return root_ / "catalogue"; }

  const ScratchFolder scratch_;  // Goes last.
  const std::filesystem::path root_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::vector<PublishedBatch> published_;
  std::unique_ptr<Indexer> indexer_;
  std::thread indexing_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

}  // namespace vitrine
