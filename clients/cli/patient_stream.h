// Streams of the server that may take long as a whole.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>

namespace vitrine::cli {

// Reads one stream to its end. DEADLINE_EXCEEDED where nothing comes for a
// while, however long the whole takes. Not thread-safe.
template <typename Response>
class PatientStream {
 public:
  // `prepare(context, queue)` prepares the call. Nothing may come for
  // `patience` at most.
  template <typename Prepare>
  PatientStream(std::chrono::milliseconds patience, const Prepare& prepare)
      : patience_(patience), reader_(prepare(&context_, &queue_)) {
    reader_->StartCall(this);
    started_ = Wait();
  }
  ~PatientStream() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  PatientStream(const PatientStream&) = delete;
  PatientStream& operator=(const PatientStream&) = delete;

  bool Read(Response* response) {
    if (!started_) return false;
    reader_->Read(response, this);
    return Wait();
  }
  grpc::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, this);
    Wait();
    if (timed_out_) return {grpc::StatusCode::DEADLINE_EXCEEDED, ""};
    return status;
  }

 private:
  // Waits for the operation under way.
  bool Wait() {
    void* tag;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok,
                         std::chrono::system_clock::now() + patience_) ==
        grpc::CompletionQueue::TIMEOUT) {
      timed_out_ = true;
      context_.TryCancel();
      queue_.Next(&tag, &ok);
    }
    return ok;
  }

  std::chrono::milliseconds patience_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<Response>> reader_;
  bool started_ = false;
  bool timed_out_ = false;
};

}  // namespace vitrine::cli
