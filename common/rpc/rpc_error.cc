#include "common/rpc/rpc_error.h"

#include "vitrine/rpc/rpc_status.pb.h"

namespace vitrine {

std::string EncodeErrorDetails(const v1::Error& error) {
  rpc::RpcStatus status;
  status.set_code(error.code());
  status.set_message(error.message());
  status.add_details()->PackFrom(error);
  return status.SerializeAsString();
}

std::optional<v1::Error> DecodeErrorDetails(std::string_view bytes) {
  rpc::RpcStatus status;
  if (!status.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  for (const auto& detail : status.details()) {
    v1::Error error;
    if (detail.UnpackTo(&error)) return error;
  }
  return std::nullopt;
}

}  // namespace vitrine
