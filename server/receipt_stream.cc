#include "server/receipt_stream.h"

#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/catalog/receipt_reader.h"
#include "server/grpc_status.h"

namespace vitrine {
namespace {

// One task or one write of a call is under way at a time, so that a reader that
// stops reading costs no more than a batch.
class ReceiptReactor final
    : public grpc::ServerWriteReactor<v1::ReceiptsResponse> {
 public:
  ReceiptReactor(const v1::ReceiptsRequest& request, const SnapshotStore* store,
                 Executor* executor, ReceiptNews* news)
      : store_(store),
        executor_(executor),
        news_(news),
        refused_only_(request.refused_only()),
        follow_(request.follow()),
        reader_(news->path(), request.has_since()
                                  ? std::optional(TimeOf(request.since()))
                                  : std::nullopt) {
    const absl::Status status =
        executor_->TrySchedule([this](Executor::Place&) { Begin(); });
    if (!status.ok()) End(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) Poke(/*broken=*/true);
    executor_->Schedule([this] { GoOn(); });
  }
  void OnCancel() override { Poke(/*broken=*/true); }
  void OnDone() override { delete this; }

 private:
  // Something has changed; from any thread.
  void Poke(bool broken) {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    broken_ = broken_ || broken;
    again_ = true;
    if (std::exchange(busy_, true)) return;
    executor_->Schedule([this] { GoOn(); });
  }

  // As all that looks at the index's volume, which may hang, on a thread of the
  // executor.
  void Begin() {
    // Before anything is read, so that nothing is missed in between.
    if (follow_) listener_ = news_->Listen([this] { Poke(/*broken=*/false); });
    std::error_code error;
    if (!std::filesystem::exists(news_->path(), error)) {
      const auto serving = store_->Take();
      if (!serving.ok()) return End(ToGrpc(serving.status()));
    }
    GoOn();
  }

  // While `busy_`, by one thread at a time.
  void GoOn() {
    bool broken = false;
    {
      std::lock_guard lock(mutex_);
      again_ = false;
      broken = broken_;
    }
    if (broken) return End(grpc::Status::CANCELLED);
    if (follow_ && news_->stopped()) {
      return End(ToGrpc(absl::UnavailableError(
          "the server is ending; follow another, or this one again, with "
          "`since` the time of the last receipt")));
    }
    auto batch = reader_.Next();
    if (!batch.ok()) return End(ToGrpc(batch.status()));
    response_.Clear();
    response_.set_unreadable_lines(batch->unreadable_lines);
    for (v1::Receipt& receipt : batch->receipts) {
      if (refused_only_ && receipt.outcome() != v1::Receipt::OUTCOME_REFUSED) {
        continue;
      }
      *response_.add_receipts() = std::move(receipt);
    }
    if (response_.receipts_size() > 0 || response_.unreadable_lines() > 0) {
      return StartWrite(&response_);
    }
    if (batch->at_end) {
      if (!follow_) return End(grpc::Status::OK);
      std::lock_guard lock(mutex_);
      if (!again_) {
        busy_ = false;
        return;
      }
    }
    executor_->Schedule([this] { GoOn(); });
  }

  // Nothing of this may be touched after.
  void End(const grpc::Status& status) {
    {
      std::lock_guard lock(mutex_);
      finished_ = true;
    }
    // Not where it was refused: who listens meanwhile may wait for the volume.
    if (listener_ != 0) news_->Forget(listener_);
    Finish(status);
  }

  const SnapshotStore* const store_;
  Executor* const executor_;
  ReceiptNews* const news_;
  const bool refused_only_;
  const bool follow_;
  ReceiptReader reader_;
  v1::ReceiptsResponse response_;
  uint64_t listener_ = 0;  // 0 before it listens.

  std::mutex mutex_;     // Guards what follows.
  bool busy_ = true;     // A task waits or runs, or a write is under way.
  bool again_ = false;   // News have come since the task began.
  bool broken_ = false;  // Nobody reads any more.
  bool finished_ = false;
};

}  // namespace

uint64_t ReceiptNews::Listen(std::function<void()> listener) {
  std::lock_guard lock(mutex_);
  if (watch_ == nullptr && !stopped_) {
    watch_ = std::make_unique<FileWatch>(path_, poll_ms_);
    thread_ = std::thread([this] {
      while (watch_->Wait()) TellAll();
    });
  }
  listeners_[next_id_] = std::move(listener);
  return next_id_++;
}

void ReceiptNews::Forget(uint64_t id) {
  std::lock_guard lock(mutex_);
  listeners_.erase(id);
}

void ReceiptNews::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  TellAll();
  if (watch_ != nullptr) watch_->Stop();
  if (thread_.joinable()) thread_.join();
}

bool ReceiptNews::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

void ReceiptNews::TellAll() {
  std::lock_guard lock(mutex_);
  for (const auto& [id, listener] : listeners_) listener();
}

grpc::ServerWriteReactor<v1::ReceiptsResponse>* NewReceiptStream(
    const v1::ReceiptsRequest* request, const SnapshotStore* store,
    Executor* executor, ReceiptNews* news) {
  return new ReceiptReactor(*request, store, executor, news);
}

}  // namespace vitrine
