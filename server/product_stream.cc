#include "server/product_stream.h"

#include <optional>

#include "common/base/status.h"
#include "common/index/filter.h"
#include "server/products.h"
#include "server/selection.h"

namespace vitrine {
namespace {

class StoreProducts final : public ProductStream {
 public:
  StoreProducts(const v1::ListProductsRequest& request,
                const SnapshotStore* store, const Call& call)
      : request_(request), call_(call), serving_(store->Take()) {}

  absl::StatusOr<v1::ListProductsResponse> Next() override {
    VITRINE_RETURN_IF_ERROR(serving_.status());
    VITRINE_RETURN_IF_ERROR(call_.Check());
    const Serving& serving = **serving_;
    if (const v1::Filter* filter = FilterOf(request_); filter && !records_) {
      VITRINE_RETURN_IF_ERROR(CheckFilter(*filter, "filter"));
      records_ = serving.snapshot().selector().MatchingRecords(*filter);
    }
    auto next = serving.Checked(
        NextProducts(serving.snapshot(), request_.after_product_id(),
                     records_ ? &*records_ : nullptr, request_.vectors()));
    if (next.ok() && !next->products().empty()) {
      request_.set_after_product_id(
          next->products(next->products_size() - 1).product_id());
    }
    return next;
  }

 private:
  v1::ListProductsRequest request_;  // What is left of it.
  const Call call_;
  const absl::StatusOr<std::shared_ptr<const Serving>> serving_;
  std::optional<RecordSet> records_;  // Those that match the filter.
};

}  // namespace

std::unique_ptr<ProductStream> ListStore(const v1::ListProductsRequest& request,
                                         const SnapshotStore* store,
                                         const Call& call) {
  return std::make_unique<StoreProducts>(request, store, call);
}

}  // namespace vitrine
