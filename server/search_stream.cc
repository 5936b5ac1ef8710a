#include "server/search_stream.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "server/call.h"
#include "server/grpc_status.h"
#include "server/message_arena.h"
#include "server/refusing_reactor.h"
#include "server/search_handler.h"

namespace vitrine {
namespace {

// The limit that search.proto names.
constexpr int kMaxQueries = 256;
// A stream reads no further while this much is in flight, and answers no
// further while so many bytes of answers wait for the caller.
constexpr int kMaxBatchesInFlight = 16;
constexpr size_t kMaxBytesInFlight = 64 << 20;
// Also a limit that search.proto names: a batch is answered by one message, of
// which gRPC holds a copy until the caller has taken it.
constexpr size_t kMaxAnswerBytes = 64 << 20;
// Those that are left out stay in memory until their batch is written: past so
// much no further ones are looked for.
constexpr size_t kMaxArenaBytes = 2 * kMaxAnswerBytes;

absl::Status TooManyAnswers() {
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat("the answers of the batch before this one have ",
                   kMaxAnswerBytes >> 20,
                   " MB already; send fewer queries in a batch, or ask for "
                   "fewer hits, thumbnails or vectors"),
      "queries", kMaxAnswerBytes);
}

class AnsweringReactor final : public SearchStreamReactor {
 public:
  AnsweringReactor(grpc::CallbackServerContext* context, StreamOptions options)
      : context_(context),
        options_(std::move(options)),
        deadline_(context->deadline()),
        held_(options_.budget) {
    pictures_.executor = options_.executors.pictures;
    others_.executor = options_.executors.others;
    for (Lane* lane : {&pictures_, &others_}) {
      lane->threads =
          options_.threads > 0 ? options_.threads : lane->executor->threads();
    }
    reading_ = true;
    incoming_ = std::make_shared<Batch>();
    StartRead(&incoming_->request);
  }

  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    reading_ = false;
    if (ok) {
      Admit();
    } else {
      all_read_ = true;
    }
    GoOn(std::move(lock));
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    --batches_in_flight_;
    bytes_in_flight_ -= outgoing_.front()->request_bytes;
    answer_bytes_ -= outgoing_.front()->arena_bytes;
    held_.Set(bytes_in_flight_ + answer_bytes_);
    outgoing_.pop_front();
    if (!ok) broken_ = true;
    GoOn(std::move(lock));
  }

  void OnCancel() override {
    std::unique_lock lock(mutex_);
    broken_ = true;
    GoOn(std::move(lock));
  }

  void OnDone() override { delete this; }

 private:
  struct Batch {
    // Answers are thousands of small pieces.
    google::protobuf::Arena arena{MessageArenaOptions()};
    WireRequest<v1::SearchStreamRequest> request{&arena};
    size_t request_bytes = 0;  // In memory.
    const v1::SearchRequest& query(int i) const {
      return request.message().queries(i);
    }
    v1::SearchStreamResponse* const response =
        google::protobuf::Arena::CreateMessage<v1::SearchStreamResponse>(
            &arena);
    size_t answer_bytes = 0;
    size_t arena_bytes = 0;  // With those that were left out.
    AnswerSearches answer;
    Call call;
    int unanswered = 0;
  };
  struct Query {
    std::shared_ptr<Batch> batch;
    int index;
  };
  // Queries that wait for one kind of threads, and how many of those are busy
  // with this stream.
  struct Lane {
    Executor* executor = nullptr;
    int threads = 0;  // Of them that it may have.
    std::deque<Query> waiting;
    int workers = 0;
  };

  // Takes what was read. Holds the mutex.
  void Admit() {
    const std::shared_ptr<Batch> batch =
        std::exchange(incoming_, std::make_shared<Batch>());
    batch->request_bytes = batch->request.memory();
    batch->response->set_batch_id(batch->request.message().batch_id());
    batch->call.deadline = deadline_;
    batch->call.cancelled = [this] { return broken_.load(); };
    ++batches_in_flight_;
    bytes_in_flight_ += batch->request_bytes;
    if (!held_.Set(bytes_in_flight_ + answer_bytes_)) {
      EndAsFull();
      return;
    }

    const int queries = batch->request.message().queries_size();
    auto answer = options_.take();
    absl::Status status = batch->request.status();
    if (status.ok()) status = answer.status();
    if (queries > kMaxQueries) {
      status = MakeError(absl::StatusCode::kInvalidArgument,
                         v1::ERROR_REASON_INVALID_PARAMETER,
                         absl::StrCat("the batch has ", queries,
                                      " queries; right is 0 to ", kMaxQueries),
                         "queries", kMaxQueries);
    }
    if (!status.ok()) {
      *batch->response->mutable_error() = ErrorOf(status);
    }
    if (!status.ok() || queries == 0) {
      outgoing_.push_back(batch);
      return;
    }
    batch->answer = *std::move(answer);
    batch->unanswered = queries;
    for (int i = 0; i < queries; ++i) batch->response->add_items();
    for (int i = 0; i < queries; ++i) {
      Lane& lane = HasPictures(batch->query(i)) ? pictures_ : others_;
      lane.waiting.push_back({batch, i});
    }
  }

  // Answers some queries of a lane's first batch on one of its threads.
  void Work(Lane* lane) {
    std::unique_lock lock(mutex_);
    std::vector<Query> queries;
    if (MayAnswer(*lane)) {
      do {
        queries.push_back(std::move(lane->waiting.front()));
        lane->waiting.pop_front();
      } while (queries.size() < options_.queries_at_once &&
               !IsAlone(queries.back()) && !lane->waiting.empty() &&
               lane->waiting.front().batch == queries.front().batch &&
               !IsAlone(lane->waiting.front()));
    }
    if (!queries.empty()) {
      const std::shared_ptr<Batch> batch = queries.front().batch;
      std::vector<absl::Status> statuses(queries.size());
      std::vector<size_t> sizes(queries.size());
      if (batch->arena_bytes < kMaxArenaBytes) {
        std::vector<const v1::SearchRequest*> requests;
        std::vector<v1::SearchResponse*> responses;
        for (const Query& query : queries) {
          requests.push_back(&batch->query(query.index));
          responses.push_back(
              batch->response->mutable_items(query.index)->mutable_response());
        }
        lock.unlock();
        statuses = batch->answer(requests, batch->call, responses);
        for (size_t i = 0; i < queries.size(); ++i)
          sizes[i] = responses[i]->ByteSizeLong();
        lock.lock();
      } else {
        statuses.assign(queries.size(), TooManyAnswers());
      }
      for (size_t i = 0; i < queries.size(); ++i)
        Put(std::move(statuses[i]), sizes[i], queries[i].index, batch.get());
      batch->unanswered -= static_cast<int>(queries.size());
      if (batch->unanswered == 0) {
        batch->answer = nullptr;
        outgoing_.push_back(batch);
      }
    }
    --lane->workers;
    GoOn(std::move(lock));
  }

  // Whether a query is answered by itself: pictures are gathered by the model's
  // batcher, from several threads, and large answers fill the memory.
  static bool IsAlone(const Query& query) {
    const v1::SearchRequest& request = query.batch->query(query.index);
    return HasPictures(request) || request.fields().thumbnail() ||
           request.fields().vector();
  }

  // Counts an answer of so many bytes, or puts an error in its place, which
  // leaves them on the arena. Holds the mutex.
  void Put(absl::Status status, size_t bytes, int index, Batch* batch) {
    batch->arena_bytes += bytes;
    answer_bytes_ += bytes;
    if (!held_.Set(bytes_in_flight_ + answer_bytes_)) EndAsFull();
    if (status.ok() && batch->answer_bytes + bytes > kMaxAnswerBytes)
      status = TooManyAnswers();
    if (status.ok()) {
      batch->answer_bytes += bytes;
    } else {
      *batch->response->mutable_items(index)->mutable_error() = ErrorOf(status);
    }
  }

  // Ends the call, as all streams together hold too much. Holds the mutex.
  void EndAsFull() {
    if (broken_) return;
    end_ = ToGrpc(options_.budget->Full());
    broken_ = true;
    // Who does not read, or sends nothing, is not waited for.
    if (reading_ || writing_) context_->TryCancel();
  }

  // Whether a query of the lane may be answered now. Where too much waits for
  // the caller already, the end of the write goes on. Holds the mutex.
  bool MayAnswer(const Lane& lane) const {
    return !lane.waiting.empty() && !broken_ &&
           (answer_bytes_ < kMaxBytesInFlight || !writing_);
  }

  // Starts whatever can be started, or ends the call. Once the lock is given
  // back nothing here may be touched but what was just started, since the call
  // may be done.
  void GoOn(std::unique_lock<std::mutex> lock) {
    if (broken_) {
      pictures_.waiting.clear();
      others_.waiting.clear();
    }
    const bool write = !writing_ && !outgoing_.empty() && !broken_;
    const bool read = !reading_ && !all_read_ && !broken_ &&
                      batches_in_flight_ < kMaxBatchesInFlight &&
                      bytes_in_flight_ < kMaxBytesInFlight &&
                      (batches_in_flight_ == 0 || held_.MayHoldMore());
    writing_ = writing_ || write;
    reading_ = reading_ || read;
    for (Lane* lane : {&pictures_, &others_}) {
      while (lane->workers < lane->threads &&
             lane->workers < static_cast<int>(lane->waiting.size()) &&
             MayAnswer(*lane)) {
        ++lane->workers;
        lane->executor->Schedule([this, lane] { Work(lane); });
      }
    }
    const bool finish = !finished_ && !reading_ && !writing_ &&
                        pictures_.workers + others_.workers == 0 &&
                        (broken_ || (all_read_ && batches_in_flight_ == 0));
    finished_ = finished_ || finish;
    const v1::SearchStreamResponse* response =
        write ? outgoing_.front()->response : nullptr;
    lock.unlock();
    if (write) StartWrite(response);
    if (read) StartRead(&incoming_->request);
    if (finish) {
      Finish(broken_ ? end_ : grpc::Status::OK);
    }
  }

  grpc::CallbackServerContext* const context_;
  const StreamOptions options_;
  const std::chrono::system_clock::time_point deadline_;

  std::mutex mutex_;
  Lane pictures_;
  Lane others_;
  // Answered batches; the first is being written while `writing_`.
  std::deque<std::shared_ptr<Batch>> outgoing_;
  int batches_in_flight_ = 0;
  size_t bytes_in_flight_ = 0;       // Of their requests.
  size_t answer_bytes_ = 0;          // Of their answers, also those left out.
  std::shared_ptr<Batch> incoming_;  // The one that is read next.
  bool reading_ = false;
  bool writing_ = false;
  bool all_read_ = false;
  bool finished_ = false;
  // No more is answered: nobody waits for it, or it ends as the server is full.
  std::atomic<bool> broken_ = false;
  grpc::Status end_ = grpc::Status::CANCELLED;
  StreamBudget::Share held_;
};

}  // namespace

StreamOptions StreamOfStore(const SnapshotStore* store, Executors executors,
                            StreamBudget* budget) {
  StreamOptions options;
  options.take = [store]() -> absl::StatusOr<AnswerSearches> {
    VITRINE_ASSIGN_OR_RETURN(const std::shared_ptr<const Serving> serving,
                             store->Take());
    return [serving](std::span<const v1::SearchRequest* const> requests,
                     const Call& call,
                     std::span<v1::SearchResponse* const> responses) {
      auto statuses = HandleSearches(*serving, requests, call, responses);
      for (absl::Status& status : statuses) status = serving->Checked(status);
      return statuses;
    };
  };
  options.executors = executors;
  options.budget = budget;
  return options;
}

SearchStreamReactor* NewSearchStream(grpc::CallbackServerContext* context,
                                     StreamOptions options) {
  const absl::Status room = options.budget->CheckRoom();
  if (!room.ok()) return new RefusingReactor<SearchStreamReactor>(ToGrpc(room));
  return new AnsweringReactor(context, std::move(options));
}

}  // namespace vitrine
