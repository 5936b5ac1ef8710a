// The services as gRPC knows them: requests are read within bounds, and callers
// are checked, before anything is answered.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/access.h"
#include "server/calls.h"
#include "vitrine/v1/catalog.grpc.pb.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// Answers as `calls` where the call's token allows it; anybody's, where
// `access` is null. Both must outlive it.
class GrpcSearchService final : public v1::SearchService::Service {
 public:
  GrpcSearchService(SearchCalls* calls, const Access* access);
};

// The same of the catalogue's.
class GrpcCatalogService final : public v1::CatalogService::Service {
 public:
  GrpcCatalogService(CatalogCalls* calls, const Access* access);
};

}  // namespace vitrine
