#include "clients/cli/push_outcome.h"

#include <google/protobuf/util/time_util.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/patient_stream.h"
#include "common/base/status.h"
#include "common/queue/redis_stream.h"

namespace vitrine::cli {
namespace {

constexpr int64_t kTimeoutMs = 30'000;
// The indexer's clock may be so far behind that of the queue.
constexpr int64_t kClocksDifferMs = 10 * 60 * 1000;
constexpr std::chrono::seconds kPatience(10);

// When the queue was given what a receipt is of, by its own clock; by that of
// the indexer where a crash has kept that from being written.
int64_t CameAt(const v1::Receipt& receipt) {
  using google::protobuf::util::TimeUtil;
  if (receipt.has_arrived_at()) {
    return TimeUtil::TimestampToMilliseconds(receipt.arrived_at());
  }
  // Of an entry that was refused as a whole, the path is its id.
  const int64_t entry_unix_ms = UnixMsOfEntry(receipt.path());
  return entry_unix_ms != 0 ? entry_unix_ms
                            : TimeUtil::TimestampToMilliseconds(receipt.time());
}

}  // namespace

absl::Status PushOutcome::ErrorOf(const grpc::Status& status) const {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      connection_.ErrorOfCall(status).message());
}

absl::StatusOr<uint64_t> PushOutcome::Generation() {
  v1::DescribeIndexResponse described;
  const grpc::Status status = connection_.stub().DescribeIndex(
      connection_.NewContext().get(), {}, &described);
  if (status.ok() && described.generation() == 0) {
    return absl::InvalidArgumentError(
        "the server joins several partitions, each of which has receipts of "
        "its own; leave --server out, and ask each partition for them with "
        "`vitrine receipts --refused`");
  }
  if (status.ok()) return described.generation();
  if (connection_.ErrorOfCall(status).reason() ==
      v1::ERROR_REASON_INDEX_NOT_READY) {
    return 0;
  }
  return ErrorOf(status);
}

absl::StatusOr<PushOutcome> PushOutcome::Begin(
    const std::string& server, const ChannelSecurity& security) {
  VITRINE_ASSIGN_OR_RETURN(Connection connection,
                           Connection::Make(server, security, kTimeoutMs));
  PushOutcome outcome(std::move(connection));
  VITRINE_RETURN_IF_ERROR(outcome.Generation().status());
  return outcome;
}

absl::StatusOr<std::vector<v1::Receipt>> PushOutcome::Await(
    const std::set<std::string>& products, const std::string& first_entry,
    uint64_t noted, std::chrono::milliseconds look,
    const std::function<void()>& on_wait) {
  const int64_t first_unix_ms = UnixMsOfEntry(first_entry);
  const auto start = std::chrono::steady_clock::now();
  for (bool told = false;;) {
    VITRINE_ASSIGN_OR_RETURN(const uint64_t generation, Generation());
    if (generation >= noted) break;
    if (!told && std::chrono::steady_clock::now() - start > kPatience) {
      told = true;
      on_wait();
    }
    std::this_thread::sleep_for(look);
  }
  v1::ReceiptsRequest request;
  request.set_refused_only(true);
  *request.mutable_since() =
      google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
          first_unix_ms - kClocksDifferMs);
  PatientStream<v1::ReceiptsResponse> stream(
      std::chrono::milliseconds(kTimeoutMs),
      [&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
        return connection_.catalog_stub().PrepareAsyncReceipts(context, request,
                                                               queue);
      });
  std::vector<v1::Receipt> refused;
  v1::ReceiptsResponse response;
  while (stream.Read(&response)) {
    for (v1::Receipt& receipt : *response.mutable_receipts()) {
      if (CameAt(receipt) >= first_unix_ms &&
          products.contains(receipt.product_id())) {
        refused.push_back(std::move(receipt));
      }
    }
  }
  if (const grpc::Status status = stream.Finish(); !status.ok()) {
    return ErrorOf(status);
  }
  return refused;
}

}  // namespace vitrine::cli
