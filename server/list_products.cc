#include "server/list_products.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/index/filter.h"
#include "server/grpc_status.h"
#include "server/products.h"
#include "server/selection.h"

namespace vitrine {
namespace {

class ListProductsReactor final
    : public grpc::ServerWriteReactor<v1::ListProductsResponse> {
 public:
  ListProductsReactor(const v1::ListProductsRequest& request,
                      const SnapshotStore* store, Executor* executor)
      : store_(store),
        executor_(executor),
        vectors_(request.vectors()),
        after_(request.after_product_id()) {
    const v1::Filter* filter = FilterOf(request);
    absl::Status status =
        filter != nullptr ? CheckFilter(*filter, "filter") : absl::OkStatus();
    if (status.ok()) {
      // gRPC keeps the request until the reactor is done.
      status = executor_->TrySchedule([this, filter] {
        auto serving = store_->Take();
        if (!serving.ok()) return Finish(ToGrpc(serving.status()));
        serving_ = *std::move(serving);
        if (filter != nullptr) {
          records_ = serving_->snapshot().selector().MatchingRecords(*filter);
        }
        WriteNext(/*first=*/true);
      });
    }
    if (!status.ok()) Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    executor_->Schedule([this] { WriteNext(/*first=*/false); });
  }

  void OnDone() override { delete this; }

 private:
  void WriteNext(bool first) {
    auto next = serving_->Checked(NextProducts(serving_->snapshot(), after_,
                                               records_ ? &*records_ : nullptr,
                                               vectors_));
    if (!next.ok()) return Finish(ToGrpc(next.status()));
    // An empty catalogue tells its generation too.
    if (next->products().empty() && !first) {
      return Finish(grpc::Status::OK);
    }
    response_ = *std::move(next);
    if (!response_.products().empty()) {
      after_ = response_.products(response_.products_size() - 1).product_id();
    }
    StartWrite(&response_);
  }

  const SnapshotStore* const store_;
  Executor* const executor_;
  const bool vectors_;
  std::shared_ptr<const Serving> serving_;
  std::optional<RecordSet> records_;  // Those that match the filter.
  std::string after_;                 // The last product that was written.
  v1::ListProductsResponse response_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ListProductsResponse>* NewListProducts(
    const v1::ListProductsRequest* request, const SnapshotStore* store,
    Executor* executor) {
  return new ListProductsReactor(*request, store, executor);
}

}  // namespace vitrine
