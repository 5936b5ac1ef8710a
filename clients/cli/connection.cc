#include "clients/cli/connection.h"

#include <chrono>

#include "clients/cli/text.h"
#include "common/base/status.h"
#include "common/rpc/rpc_error.h"

namespace vitrine::cli {

absl::StatusOr<Connection> Connection::Make(std::string server,
                                            const ChannelSecurity& security,
                                            int64_t timeout_ms) {
  grpc::ChannelArguments arguments;
  // A page of thumbnails may be large, and the server is trusted.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // gRPC would send even 127.0.0.1 through the http_proxy of the environment.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  VITRINE_ASSIGN_OR_RETURN(const auto channel,
                           NewChannel(server, security, arguments));
  return Connection(std::move(server), !security.ca.empty(), timeout_ms,
                    channel);
}

Connection::Connection(std::string server, bool is_encrypted,
                       int64_t timeout_ms,
                       const std::shared_ptr<grpc::Channel>& channel)
    : server_(std::move(server)),
      is_encrypted_(is_encrypted),
      timeout_ms_(timeout_ms),
      stub_(v1::SearchService::NewStub(channel)),
      catalog_stub_(v1::CatalogService::NewStub(channel)) {}

std::unique_ptr<grpc::ClientContext> Connection::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(timeout_ms_));
  return context;
}

v1::Error Connection::ErrorOfCall(const grpc::Status& status) const {
  if (auto error = DecodeErrorDetails(status.error_details())) {
    if (error->message().empty()) error->set_message(status.error_message());
    error->set_code(status.error_code());
    return *error;
  }
  v1::Error error;
  error.set_code(status.error_code());
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      error.set_message("no server at " + server_ +
                        ": start one with vitrine-server --index=DIR "
                        "--listen=" +
                        server_ + ", or name another with --server=HOST:PORT" +
                        (is_encrypted_
                             ? "; or its certificate is not one of "
                               "--tls-ca, or has another name, or it takes "
                               "none but those with --tls-cert"
                             : "; or it is encrypted, and wants --tls-ca"));
      break;
    // A server that ends cancels what it has not answered.
    case grpc::StatusCode::CANCELLED:
      error.set_message("the server at " + server_ +
                        " ended before it had answered; try again");
      break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      error.set_reason(v1::ERROR_REASON_DEADLINE_EXCEEDED);
      error.set_message("no answer from " + server_ + " within " +
                        FormatCount(timeout_ms_) +
                        " ms; --timeout-ms allows more");
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      error.set_reason(v1::ERROR_REASON_UNIMPLEMENTED);
      error.set_message("the server at " + server_ +
                        " does not know this call; it is no vitrine-server, or "
                        "one of another version");
      break;
    default:
      error.set_message(status.error_message().empty()
                            ? "the call failed without a message"
                            : status.error_message());
      break;
  }
  return error;
}

}  // namespace vitrine::cli
