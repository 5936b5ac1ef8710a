// From files to vectors: reading, hashing, decoding and thumbnails on a pool of
// threads, embedding in batches on one thread that owns the model.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/hash.h"
#include "common/image/image.h"
#include "common/model/embedder.h"

namespace vitrine {

// A picture that is to be read.
struct PictureTask {
  std::string path;          // As its source names it.
  uint64_t ticket = 0;       // The caller's own.
  std::string known_sha256;  // 32 bytes where this content is indexed under the
                             // path already; otherwise empty.
  // The file's bytes, where they need not be read.
  std::shared_ptr<const std::string> content = nullptr;
  // Which picture of an event it is; nothing where it is a catalogue's file.
  std::optional<size_t> event_picture = std::nullopt;
};

struct PictureResult {
  PictureTask task;
  // Not OK where the picture is refused, with a v1::ErrorReason; NOT_FOUND
  // without a payload where the file is not there any more.
  absl::Status status;
  Sha256Digest sha256{};   // Zero where it could not be read.
  bool unchanged = false;  // It has known_sha256; what follows is empty.
  bool reused = false;     // The vector comes from a row of the same content.
  std::vector<uint16_t> vector;  // dim float16 numbers, normalised by blocks.
  std::string thumbnail;         // JPEG.
  // What is poor about a picture that was decoded; see QualityWarnings.
  std::vector<std::string> warnings;
};

// A vector and a thumbnail that are at hand.
struct KnownContent {
  std::vector<uint16_t> vector;
  std::string thumbnail;
};

struct IngestOptions {
  // Reads the file of a task without content. Called from several threads.
  std::function<absl::StatusOr<std::string>(const PictureTask& task,
                                            uint64_t max_bytes)>
      read;
  // What is known of a content by the 32 bytes of its SHA-256; may be empty.
  // Called from several threads.
  std::function<std::optional<KnownContent>(std::string_view sha256)>
      find_known;
  int decode_threads = 2;
  int batch = 8;
  ImageLimits limits;
  int priority = 0;        // See LowerThreadPriority.
  bool thumbnails = true;  // Whether they are made.
};

struct IngestStats {
  double decode_busy_s = 0;  // Summed over threads: read, hash, decode, resize
                             // and thumbnail.
  double embed_busy_s = 0;
  int64_t embedded = 0;
  int64_t batches = 0;
};

// What is in memory at a time is bounded by a few batches of pictures and
// kMaxWaitingResults results.
class Ingest {
 public:
  static constexpr size_t kMaxWaitingResults = 1024;

  // Owns the embedder and calls it from one thread.
  Ingest(std::unique_ptr<Embedder> embedder, IngestOptions options);
  ~Ingest();
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  // Draws tasks from `next` (called from several threads, one at a time) until
  // it gives none, and hands each result to `sink` in this thread, in any
  // order. Returns when all that was drawn is handed over. One call at a time.
  void Process(const std::function<std::optional<PictureTask>()>& next,
               const std::function<void(PictureResult)>& sink);

  IngestStats stats() const;

 private:
  struct Decoded {
    PictureResult result;
    std::vector<uint8_t> pixels;  // input_size × input_size × 3.
  };

  void DecodeLoop();
  void EmbedLoop();
  // Everything but embedding. Empty pixels where there is nothing to embed.
  Decoded Decode(PictureTask task) const;
  void EmbedBatch(std::vector<Decoded>* batch);
  absl::Status EmbedInto(std::span<Decoded> batch);
  bool BatchReady() const;

  const std::unique_ptr<Embedder> embedder_;
  const IngestOptions options_;
  const ModelCard card_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  const std::function<std::optional<PictureTask>()>* next_ = nullptr;
  int decoding_ = 0;   // Tasks that are being decoded.
  int embedding_ = 0;  // Pictures that are being embedded.
  std::deque<Decoded> decoded_;
  std::deque<PictureResult> results_;
  IngestStats stats_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace vitrine
