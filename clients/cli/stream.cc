#include "clients/cli/stream.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace vitrine::cli {
namespace {

// A picture takes the server milliseconds, a product or a vector a fraction of
// one: each batch is worth its message, and none is long in coming.
constexpr int kPicturesInBatch = 8;
constexpr int kOthersInBatch = 32;
constexpr size_t kBatches = 4;

// The server refuses more than 64 MB of answers to a batch. A thumbnail has
// some 10 KB, and a hit without it a few hundred bytes.
constexpr int64_t kAnswerBytes = 32 << 20;

int QueriesInBatch(const Flags& flags, bool pictures) {
  int64_t hit_bytes = 1 << 10;
  if (flags.thumbnails || !flags.sheet.empty()) hit_bytes += 24 << 10;
  if (flags.return_vectors) hit_bytes += 8 << 10;
  const int64_t hits = std::max(1, flags.k.value_or(10));
  return static_cast<int>(
      std::clamp<int64_t>(kAnswerBytes / (hits * hit_bytes), 1,
                          pictures ? kPicturesInBatch : kOthersInBatch));
}

using Clock = std::chrono::system_clock;  // gRPC's deadlines are of this clock.

struct Entry {
  Query query;
  std::optional<SearchOutcome> outcome;
};

struct Batch {
  uint64_t id = 0;
  std::vector<Entry> entries;
  bool answered = false;
};

// One thread reads queries and sends them; the caller's owns the completion
// queue and takes the answers.
class Stream {
 public:
  Stream(Connection& connection, const Flags& flags,
         const std::vector<v1::Example>& extra, QuerySource* source,
         const TakeOutcome& take)
      : connection_(connection),
        flags_(flags),
        extra_(extra),
        source_(source),
        take_(take) {}

  std::optional<v1::Error> Run();

 private:
  enum Tag : intptr_t { kStart = 1, kRead, kSent, kHalfClose, kFinish };
  static void* TagOf(Tag tag) { return reinterpret_cast<void*>(tag); }

  // The sending thread.
  void SendAll();
  void Send(std::vector<LoadedQuery> queries, uint64_t id);
  // The caller's thread.
  void Answer(v1::SearchStreamResponse* response);
  void TakeAnswered();
  void Stop();
  std::optional<v1::Error> Failure(bool timed_out);

  Connection& connection_;
  const Flags& flags_;
  const std::vector<v1::Example>& extra_;
  QuerySource* source_;
  const TakeOutcome& take_;

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  grpc::Alarm alarm_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::SearchStreamRequest,
                                                v1::SearchStreamResponse>>
      stream_;
  grpc::Status status_;
  v1::SearchStreamResponse response_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // The fields below are guarded by mutex_.
  std::deque<Batch> batches_;  // Sent or being sent, in order; not yet taken.
  bool sending_ = false;       // A kSent is to come.
  bool stopped_ = false;       // Nothing may be started on stream_ any more.
};

void Stream::SendAll() {
  int64_t extra_bytes = 0;
  for (const v1::Example& example : extra_) {
    extra_bytes += static_cast<int64_t>(example.ByteSizeLong());
  }
  bool pictures = !flags_.images.empty() || extra_bytes > (1 << 10);
  BatchReader reader(flags_, source_, QueriesInBatch(flags_, pictures),
                     extra_bytes);
  for (uint64_t id = 1;; ++id) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return stopped_ || (!sending_ && batches_.size() < kBatches);
      });
      if (stopped_) return;
    }
    std::vector<LoadedQuery> queries = reader.Next();
    if (queries.empty()) break;
    Send(std::move(queries), id);
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || !sending_; });
  if (!stopped_) stream_->WritesDone(TagOf(kHalfClose));
}

void Stream::Send(std::vector<LoadedQuery> queries, uint64_t id) {
  v1::SearchStreamRequest request;
  request.set_batch_id(id);
  Batch batch;
  batch.id = id;
  for (LoadedQuery& loaded : queries) {
    Entry& entry = batch.entries.emplace_back();
    entry.query = std::move(loaded.query);
    if (loaded.error) {
      entry.outcome = *std::move(loaded.error);
    } else {
      *request.add_queries() =
          MakeSearchRequest(flags_, std::move(loaded.example), extra_);
    }
  }
  batch.answered = request.queries().empty();
  bool answered = batch.answered;
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  batches_.push_back(std::move(batch));
  sending_ = true;
  if (answered) {
    alarm_.Set(&queue_, Clock::now(), TagOf(kSent));  // Wakes the receiver.
  } else {
    stream_->Write(request, TagOf(kSent));
  }
}

void Stream::Answer(v1::SearchStreamResponse* response) {
  std::lock_guard lock(mutex_);
  for (Batch& batch : batches_) {
    if (batch.id != response->batch_id() || batch.answered) continue;
    int next = 0;
    for (Entry& entry : batch.entries) {
      if (entry.outcome) continue;
      if (next >= response->items_size()) {
        v1::Error error = response->error();
        if (!response->has_error()) {
          error.set_reason(v1::ERROR_REASON_INTERNAL);
          error.set_code(grpc::StatusCode::INTERNAL);
          error.set_message("the server's answer lacks this query");
        }
        entry.outcome = std::move(error);
        continue;
      }
      auto* item = response->mutable_items(next++);
      if (item->has_error()) {
        entry.outcome = std::move(*item->mutable_error());
      } else {
        entry.outcome = std::move(*item->mutable_response());
      }
    }
    batch.answered = true;
  }
}

void Stream::TakeAnswered() {
  for (;;) {
    Batch batch;
    {
      std::lock_guard lock(mutex_);
      if (batches_.empty() || !batches_.front().answered) return;
      batch = std::move(batches_.front());
      batches_.pop_front();
      changed_.notify_all();
    }
    for (const Entry& entry : batch.entries) take_(entry.query, *entry.outcome);
  }
}

void Stream::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  source_->Interrupt();
}

// Why queries stay unanswered, if any do. Called when no thread sends any more.
std::optional<v1::Error> Stream::Failure(bool timed_out) {
  if (status_.ok() && batches_.empty()) return std::nullopt;
  grpc::Status status = status_;
  if (timed_out) status = {grpc::StatusCode::DEADLINE_EXCEEDED, ""};
  if (status.ok()) {
    status = {grpc::StatusCode::INTERNAL,
              "the server ended the stream before it had answered all queries"};
  }
  v1::Error error = connection_.ErrorOfCall(status);
  if (!batches_.empty()) {
    error.set_message(error.message() + " (stopped at " +
                      batches_.front().entries.front().query.label + ")");
  }
  return error;
}

std::optional<v1::Error> Stream::Run() {
  stream_ = connection_.stub().PrepareAsyncSearchStream(&context_, &queue_);
  stream_->StartCall(TagOf(kStart));
  std::thread sender;
  bool timed_out = false;
  const std::chrono::milliseconds timeout(connection_.timeout_ms());
  Clock::time_point heard = Clock::now();
  for (bool finished = false; !finished; heard = Clock::now()) {
    bool waiting = true;  // For the server, not for the queries.
    if (sender.joinable()) {
      std::lock_guard lock(mutex_);
      waiting = !batches_.empty() && !stopped_;
    }
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, heard + timeout) ==
        grpc::CompletionQueue::TIMEOUT) {
      if (waiting) {
        timed_out = true;
        context_.TryCancel();
      }
      continue;
    }
    switch (static_cast<Tag>(reinterpret_cast<intptr_t>(tag))) {
      case kStart:
        if (ok) {
          sender = std::thread([this] { SendAll(); });
          stream_->Read(&response_, TagOf(kRead));
        } else {
          stream_->Finish(&status_, TagOf(kFinish));
        }
        break;
      case kRead:
        if (ok) {
          Answer(&response_);
          TakeAnswered();
          stream_->Read(&response_, TagOf(kRead));
        } else {
          Stop();
          stream_->Finish(&status_, TagOf(kFinish));
        }
        break;
      case kSent: {
        {
          std::lock_guard lock(mutex_);
          sending_ = false;
          changed_.notify_all();
        }
        TakeAnswered();
        break;
      }
      case kHalfClose:
        break;
      case kFinish:
        finished = true;
        break;
    }
  }
  Stop();
  if (sender.joinable()) sender.join();
  // An alarm or a write may still be on its way.
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
  TakeAnswered();
  return Failure(timed_out);
}

}  // namespace

std::optional<v1::Error> SearchMany(Connection& connection, const Flags& flags,
                                    const std::vector<v1::Example>& extra,
                                    QuerySource* source,
                                    const TakeOutcome& take) {
  return Stream(connection, flags, extra, source, take).Run();
}

}  // namespace vitrine::cli
