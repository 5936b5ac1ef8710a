#include "server/grpc_service.h"

#include "absl/status/status.h"
#include "server/grpc_status.h"
#include "server/message_arena.h"
#include "server/refusing_reactor.h"

namespace vitrine {
namespace {

using Context = grpc::CallbackServerContext;

absl::Status Check(const Access* access, const Context& context, Role needed) {
  if (access == nullptr) return absl::OkStatus();
  const auto header = context.client_metadata().find("authorization");
  if (header == context.client_metadata().end())
    return access->Check("", needed);
  return access->Check({header->second.data(), header->second.size()}, needed);
}

template <typename Request>
absl::Status Check(const Access* access, const Context& context, Role needed,
                   const WireRequest<Request>& request) {
  absl::Status status = Check(access, context, needed);
  return status.ok() ? request.status() : status;
}

// What generated services do in their constructors, with our type of request.
template <typename Request, typename Response>
auto* Unary(SearchCalls* calls, const Access* access, Role needed,
            grpc::ServerUnaryReactor* (SearchCalls::*answer)(Context*,
                                                             const Request*,
                                                             Response*)) {
  return new grpc::internal::CallbackUnaryHandler<WireRequest<Request>,
                                                  Response>(
      [=](Context* context, const WireRequest<Request>* request,
          Response* response) {
        const absl::Status status = Check(access, *context, needed, *request);
        if (status.ok()) {
          return (calls->*answer)(context, &request->message(), response);
        }
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        reactor->Finish(ToGrpc(status));
        return reactor;
      });
}

template <typename Calls, typename Request, typename Response>
auto* ServerStream(Calls* calls, const Access* access, Role needed,
                   grpc::ServerWriteReactor<Response>* (Calls::*answer)(
                       Context*, const Request*)) {
  using Reactor = grpc::ServerWriteReactor<Response>;
  return new grpc::internal::CallbackServerStreamingHandler<
      WireRequest<Request>, Response>(
      [=](Context* context, const WireRequest<Request>* request) -> Reactor* {
        const absl::Status status = Check(access, *context, needed, *request);
        if (status.ok()) return (calls->*answer)(context, &request->message());
        return new RefusingReactor<Reactor>(ToGrpc(status));
      });
}

}  // namespace

GrpcSearchService::GrpcSearchService(SearchCalls* calls, const Access* access) {
  // By the methods' places in search.proto.
  auto* const search = Unary(calls, access, Role::kQuery, &SearchCalls::Search);
  search->SetMessageAllocator(SearchMessageAllocator());
  MarkMethodCallback(0, search);
  MarkMethodCallback(
      1, new grpc::internal::CallbackBidiHandler<
             WireRequest<v1::SearchStreamRequest>, v1::SearchStreamResponse>(
             [=](Context* context) -> SearchStreamReactor* {
               const absl::Status status =
                   Check(access, *context, Role::kQuery);
               if (status.ok()) return calls->SearchStream(context);
               return new RefusingReactor<SearchStreamReactor>(ToGrpc(status));
             }));
  MarkMethodCallback(
      2, Unary(calls, access, Role::kQuery, &SearchCalls::Recommend));
  MarkMethodCallback(3,
                     Unary(calls, access, Role::kQuery, &SearchCalls::Embed));
  MarkMethodCallback(
      4, Unary(calls, access, Role::kQuery, &SearchCalls::GetProduct));
  MarkMethodCallback(
      5, Unary(calls, access, Role::kQuery, &SearchCalls::GetImage));
  MarkMethodCallback(6, ServerStream(calls, access, Role::kCatalogue,
                                     &SearchCalls::ListProducts));
  MarkMethodCallback(
      7, Unary(calls, access, Role::kQuery, &SearchCalls::DescribeIndex));
}

GrpcCatalogService::GrpcCatalogService(CatalogCalls* calls,
                                       const Access* access) {
  MarkMethodCallback(0, ServerStream(calls, access, Role::kCatalogue,
                                     &CatalogCalls::Receipts));
}

}  // namespace vitrine
