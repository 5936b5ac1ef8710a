#include "clients/cli/export.h"

#include <thread>

#include "clients/cli/filter_flag.h"
#include "clients/cli/output_json.h"
#include "clients/cli/output_table.h"
#include "clients/cli/text.h"

namespace vitrine::cli {
namespace {

// Reads one stream of products to its end. DEADLINE_EXCEEDED where nothing
// comes for the connection's timeout, however long the whole takes.
class ProductStream {
 public:
  ProductStream(Connection& connection, const v1::ListProductsRequest& request)
      : timeout_(connection.timeout_ms()),
        reader_(connection.stub().PrepareAsyncListProducts(&context_, request,
                                                           &queue_)) {
    reader_->StartCall(this);
    started_ = Wait();
  }
  ~ProductStream() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  bool Read(v1::ListProductsResponse* response) {
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
                         std::chrono::system_clock::now() + timeout_) ==
        grpc::CompletionQueue::TIMEOUT) {
      timed_out_ = true;
      context_.TryCancel();
      queue_.Next(&tag, &ok);
    }
    return ok;
  }

  std::chrono::milliseconds timeout_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::ListProductsResponse>> reader_;
  bool started_ = false;
  bool timed_out_ = false;
};

bool IsTransient(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE ||
         code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         code == grpc::StatusCode::ABORTED ||
         code == grpc::StatusCode::DEADLINE_EXCEEDED;
}

// How many products there are, for the time left.
std::optional<int64_t> CountProducts(Connection& connection,
                                     const Flags& flags) {
  v1::DescribeIndexResponse response;
  if (!flags.after_product_id.empty() ||
      !connection.stub()
           .DescribeIndex(connection.NewContext().get(), {}, &response)
           .ok()) {
    return std::nullopt;
  }
  return response.products();
}

}  // namespace

int Export(Connection& connection, const Flags& flags,
           const Environment& environment, const RetryPolicy& retry) {
  std::optional<int64_t> total;
  // How many match a filter nobody knows before the end.
  if (environment.progress != Progress::Mode::kOff && flags.filters.empty()) {
    total = CountProducts(connection, flags);
  }
  Progress progress(environment.err, environment.progress, total, "products");
  v1::ListProductsRequest request;
  request.set_vectors(flags.return_vectors);
  if (!flags.filters.empty()) *request.mutable_filter() = AllOf(flags.filters);
  request.set_after_product_id(flags.after_product_id);
  int64_t done = 0;
  uint64_t generation = 0;
  for (int failures = 0;;) {
    ProductStream stream(connection, request);
    v1::ListProductsResponse response;
    while (stream.Read(&response)) {
      failures = 0;
      if (generation != 0 && response.generation() != generation) {
        progress.Clear();
        environment.err << "vitrine: after " << request.after_product_id()
                        << " the products are of generation "
                        << response.generation() << ", before of generation "
                        << generation << "\n";
      }
      generation = response.generation();
      for (const v1::Product& product : response.products()) {
        environment.out << ToLine(ProductJson(product));
        request.set_after_product_id(product.product_id());
      }
      if (!environment.out.flush()) return kFailed;
      done += response.products_size();
      progress.Update(done, 0);
    }
    grpc::Status status = stream.Finish();
    if (status.ok()) return kOk;
    // Where nothing has ever come, the address is more likely wrong.
    if (done > 0 && IsTransient(status.error_code()) &&
        failures < retry.attempts) {
      std::this_thread::sleep_for(retry.first_pause * (1 << failures));
      ++failures;
      continue;
    }
    progress.Clear();
    v1::Error error = connection.ErrorOfCall(status);
    if (done > 0) {
      error.set_message(error.message() + " (" + FormatCount(done) +
                        " products are written; --after=" +
                        request.after_product_id() + " goes on)");
    }
    environment.err << ErrorLine("", error);
    return kFailed;
  }
}

}  // namespace vitrine::cli
