#include "server/list_products.h"

#include <utility>

#include "server/grpc_status.h"

namespace vitrine {
namespace {

class ListProductsReactor final
    : public grpc::ServerWriteReactor<v1::ListProductsResponse> {
 public:
  ListProductsReactor(std::function<std::unique_ptr<ProductStream>()> open,
                      Executor* executor)
      : executor_(executor) {
    const absl::Status status = executor_->TrySchedule(
        [this, open = std::move(open)](Executor::Place&) {
          products_ = open();
          WriteNext(/*first=*/true);
        });
    if (!status.ok()) Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    executor_->Schedule([this] { WriteNext(/*first=*/false); });
  }

  void OnDone() override { delete this; }

 private:
  void WriteNext(bool first) {
    auto next = products_->Next();
    if (!next.ok()) return Finish(ToGrpc(next.status()));
    // An empty catalogue tells its generation too.
    if (next->products().empty() && !first) {
      return Finish(grpc::Status::OK);
    }
    response_ = *std::move(next);
    StartWrite(&response_);
  }

  Executor* const executor_;
  std::unique_ptr<ProductStream> products_;
  v1::ListProductsResponse response_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ListProductsResponse>* NewListProducts(
    std::function<std::unique_ptr<ProductStream>()> open, Executor* executor) {
  return new ListProductsReactor(std::move(open), executor);
}

}  // namespace vitrine
