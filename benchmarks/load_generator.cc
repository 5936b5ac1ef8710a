#include "benchmarks/load_generator.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the server answers: ", status.error_message()));
}

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One unary search under way; its address is the tag of its end.
struct UnaryCall {
  Clock::time_point due;
  grpc::ClientContext context;
  v1::SearchResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SearchResponse>> reader;
};

// Unary searches of one queue.
class UnaryCalls {
 public:
  explicit UnaryCalls(v1::SearchService::Stub* stub) : stub_(stub) {}
  ~UnaryCalls() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) delete static_cast<UnaryCall*>(tag);
  }

  void Begin(const v1::SearchRequest& request, Clock::time_point due) {
    auto* call = new UnaryCall();
    call->due = due;
    call->reader = stub_->AsyncSearch(&call->context, request, &queue_);
    call->reader->Finish(&call->response, &call->status, call);
  }
  // The next that has ended; null where none has until `deadline`.
  std::unique_ptr<UnaryCall> Next(
      std::chrono::system_clock::time_point deadline) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, deadline) !=
        grpc::CompletionQueue::GOT_EVENT) {
      return nullptr;
    }
    return std::unique_ptr<UnaryCall>(static_cast<UnaryCall*>(tag));
  }

 private:
  v1::SearchService::Stub* const stub_;
  grpc::CompletionQueue queue_;
};

constexpr auto kForever = std::chrono::system_clock::time_point::max();

}  // namespace

absl::StatusOr<double> UnaryRate(v1::SearchService::Stub* stub,
                                 const std::vector<v1::SearchRequest>& requests,
                                 size_t calls, size_t in_flight) {
  UnaryCalls unary(stub);
  const auto begin = Clock::now();
  size_t begun = 0;
  const auto begin_next = [&] {
    if (begun < calls) {
      unary.Begin(requests[begun % requests.size()], Clock::now());
      ++begun;
    }
  };
  for (size_t i = 0; i < in_flight; ++i) begin_next();
  for (size_t ended = 0; ended < calls; ++ended) {
    const auto call = unary.Next(kForever);
    if (!call->status.ok()) return ToStatus(call->status);
    begin_next();
  }
  return static_cast<double>(calls) / SecondsSince(begin);
}

absl::StatusOr<double> StreamRate(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, size_t batches,
    size_t batch_size, size_t in_flight) {
  grpc::ClientContext context;
  const auto begin = Clock::now();
  const auto stream = stub->SearchStream(&context);
  std::mutex mutex;
  std::condition_variable answered_one;
  size_t answered = 0;
  bool broken = false;
  std::thread writer([&] {
    size_t next = 0;
    for (size_t batch = 0; batch < batches; ++batch) {
      v1::SearchStreamRequest request;
      request.set_batch_id(batch);
      for (size_t i = 0; i < batch_size; ++i) {
        *request.add_queries() = requests[next++ % requests.size()];
      }
      {
        std::unique_lock lock(mutex);
        answered_one.wait(
            lock, [&] { return broken || batch < answered + in_flight; });
        if (broken) break;
      }
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
  });
  v1::SearchStreamResponse response;
  std::string error;
  while (stream->Read(&response)) {
    for (const auto& item : response.items()) {
      if (item.has_error()) error = item.error().message();
    }
    std::lock_guard lock(mutex);
    ++answered;
    answered_one.notify_one();
  }
  const double seconds = SecondsSince(begin);
  {
    std::lock_guard lock(mutex);
    broken = answered < batches;
    answered_one.notify_one();
  }
  writer.join();
  if (const grpc::Status status = stream->Finish(); !status.ok()) {
    return ToStatus(status);
  }
  if (!error.empty()) return absl::InternalError(error);
  return static_cast<double>(batches * batch_size) / seconds;
}

namespace {

// `ended` is called with each call, its time from the begin on at which it was
// due, and its milliseconds; the loop ends where it returns false.
template <typename Ended>
void RunOpenLoop(v1::SearchService::Stub* stub,
                 const std::vector<v1::SearchRequest>& requests, double rate,
                 double seconds, Ended ended) {
  UnaryCalls unary(stub);
  std::vector<Clock::duration> dues;
  std::mt19937_64 random(1);
  std::exponential_distribution<double> pause_s(rate);
  for (double at = pause_s(random); at < seconds; at += pause_s(random)) {
    dues.push_back(std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(at)));
  }
  const size_t total = dues.size();
  const auto begin = Clock::now();
  const auto due = [&](size_t i) { return begin + dues[i]; };
  size_t begun = 0;
  for (size_t done = 0; done < total;) {
    while (begun < total && due(begun) <= Clock::now()) {
      unary.Begin(requests[begun % requests.size()], due(begun));
      ++begun;
    }
    const auto deadline = begun < total
                              ? std::chrono::system_clock::now() +
                                    std::chrono::duration_cast<
                                        std::chrono::system_clock::duration>(
                                        due(begun) - Clock::now())
                              : kForever;
    if (const auto call = unary.Next(deadline)) {
      const double ms = 1000 * SecondsSince(call->due);
      if (!ended(*call,
                 std::chrono::duration<double>(call->due - begin).count(),
                 ms)) {
        return;
      }
      ++done;
    }
  }
}

}  // namespace

std::vector<OpenLoopCall> OpenLoop(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, double rate,
    double seconds) {
  std::vector<OpenLoopCall> calls;
  RunOpenLoop(stub, requests, rate, seconds,
              [&](const UnaryCall& call, double due_s, double ms) {
                calls.push_back({due_s, ms, call.status.error_code()});
                return true;
              });
  return calls;
}

absl::StatusOr<std::vector<double>> OpenLoopLatencies(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, double rate,
    double seconds) {
  std::vector<double> latencies;
  absl::Status status;
  RunOpenLoop(stub, requests, rate, seconds,
              [&](const UnaryCall& call, double, double ms) {
                status = ToStatus(call.status);
                latencies.push_back(ms);
                return status.ok();
              });
  if (!status.ok()) return status;
  return latencies;
}

double Quantile(std::vector<double> values, double share) {
  const auto rank = static_cast<size_t>(
      std::ceil(share * static_cast<double>(values.size())));
  const size_t at = std::clamp<size_t>(rank, 1, values.size()) - 1;
  std::nth_element(values.begin(),
                   values.begin() + static_cast<std::ptrdiff_t>(at),
                   values.end());
  return values[at];
}

}  // namespace vitrine
