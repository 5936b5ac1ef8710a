// The products of an index, in the order of their ids.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "server/call.h"
#include "server/snapshot_store.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// One thread at a time.
class ProductStream {
 public:
  virtual ~ProductStream() = default;
  // The next message, without products after the last. Waits for it.
  virtual absl::StatusOr<v1::ListProductsResponse> Next() = 0;
};

// Those of the generation that is served now.
std::unique_ptr<ProductStream> ListStore(const v1::ListProductsRequest& request,
                                         const SnapshotStore* store,
                                         const Call& call);

}  // namespace vitrine
