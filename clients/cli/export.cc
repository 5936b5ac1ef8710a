#include "clients/cli/export.h"

#include <thread>

#include "clients/cli/filter_flag.h"
#include "clients/cli/output_json.h"
#include "clients/cli/output_table.h"
#include "clients/cli/patient_stream.h"
#include "clients/cli/text.h"

namespace vitrine::cli {
namespace {

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
    PatientStream<v1::ListProductsResponse> stream(
        std::chrono::milliseconds(connection.timeout_ms()),
        [&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
          return connection.stub().PrepareAsyncListProducts(context, request,
                                                            queue);
        });
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
