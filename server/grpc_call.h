// What a call over gRPC tells its handler.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/call.h"

namespace vitrine {

// The context must outlive the call's handler.
inline Call CallOf(const grpc::CallbackServerContext* context) {
  Call call;
  call.deadline = context->deadline();
  call.cancelled = [context] { return context->IsCancelled(); };
  return call;
}

}  // namespace vitrine
