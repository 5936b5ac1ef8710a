#include "server/request_log.h"

#include <grpcpp/server_context.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/utf8.h"
#include "common/rpc/rpc_error.h"
#include "server/answer_facts.h"
#include "server/status_code_name.h"
#include "server/trace_context.h"

namespace vitrine {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerInterceptorFactoryInterface;
using grpc::experimental::ServerRpcInfo;

// Callers may ask for methods of any name.
constexpr size_t kMostMethodBytes = 100;

double Rounded(double ms) { return std::round(ms * 1000) / 1000; }

// The server's fault, or its trouble.
bool IsOurs(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return true;
    default:
      return false;
  }
}

// Logs one call: as cancelled where it ends without a status.
class RequestLogger final : public Interceptor {
 public:
  RequestLogger(LoggedRequests which, Log* log, ServerRpcInfo* info)
      : which_(which),
        log_(log),
        context_(info->server_context()),
        method_(info->method()),
        facts_(method_) {}
  ~RequestLogger() override {
    if (which_ == LoggedRequests::kErrors && code_ == grpc::StatusCode::OK &&
        facts_.failed() == 0) {
      return;
    }
    const std::vector<LogField> fields = Fields();
    log_->Line(IsOurs(code_) ? LogLevel::kWarning : LogLevel::kInfo, "request",
               fields);
  }
  RequestLogger(const RequestLogger&) = delete;
  RequestLogger& operator=(const RequestLogger&) = delete;

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      peer_ = context_->peer();
      ReadTrace(methods->GetRecvInitialMetadata());
    }
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_MESSAGE)) {
      facts_.Add(methods->GetSendMessage());
    }
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      // A handler may not know yet that nobody waits for its answer.
      code_ = context_->IsCancelled() ? grpc::StatusCode::CANCELLED
                                      : status.error_code();
      if (!status.error_details().empty()) {
        error_ = DecodeErrorDetails(status.error_details());
      }
    }
    methods->Proceed();
  }

 private:
  void ReadTrace(
      const std::multimap<grpc::string_ref, grpc::string_ref>* metadata) {
    constexpr char kName[] = "traceparent";
    // Of two nobody knows which is right.
    if (metadata == nullptr || metadata->count(kName) != 1) return;
    const grpc::string_ref value = metadata->find(kName)->second;
    trace_ = ParseTraceparent({value.data(), value.size()});
  }

  std::vector<LogField> Fields() {
    std::vector<LogField> fields;
    const double ms = std::chrono::duration<double, std::milli>(
                          std::chrono::steady_clock::now() - begun_)
                          .count();
    absl::string_view method = method_;
    absl::ConsumePrefix(&method, "/");
    fields.push_back({"method", method.size() > kMostMethodBytes
                                    ? Excerpt({method.data(), method.size()},
                                              kMostMethodBytes)
                                    : std::string(method)});
    fields.push_back({"code", kStatusCodeNames[StatusCodeIndex(code_)]});
    // Its message is not there: it may repeat what the caller sent.
    if (error_) {
      fields.push_back({"reason", v1::ErrorReason_Name(error_->reason())});
      if (!error_->field().empty()) {
        fields.push_back({"field", error_->field()});
      }
    }
    fields.push_back({"ms", Rounded(ms)});
    if (facts_.is_timed()) {
      fields.push_back({"queue_ms", Rounded(facts_.queue_ms())});
      if (facts_.decode_ms() > 0) {
        fields.push_back({"decode_ms", Rounded(facts_.decode_ms())});
      }
      if (facts_.embed_ms() > 0) {
        fields.push_back({"embed_ms", Rounded(facts_.embed_ms())});
      }
      fields.push_back({"search_ms", Rounded(facts_.search_ms())});
    }
    if (facts_.is_stream_of_searches()) {
      fields.push_back({"batches", facts_.messages()});
    }
    if (facts_.is_stream_of_searches() || facts_.queries() > 0) {
      fields.push_back({"queries", facts_.queries()});
      fields.push_back({"failed", facts_.failed()});
    }
    if (facts_.has_results()) fields.push_back({"results", facts_.results()});
    if (facts_.generation() > 0) {
      fields.push_back(
          {"generation", static_cast<int64_t>(facts_.generation())});
    }
    fields.push_back({"peer", std::move(peer_)});
    if (trace_) {
      fields.push_back({"trace_id", trace_->trace_id});
      fields.push_back({"span_id", trace_->span_id});
    }
    return fields;
  }

  const LoggedRequests which_;
  Log* const log_;
  const grpc::ServerContextBase* const context_;
  const std::chrono::steady_clock::time_point begun_ =
      std::chrono::steady_clock::now();
  const std::string method_;
  AnswerFacts facts_;
  std::string peer_;
  std::optional<TraceContext> trace_;
  std::optional<v1::Error> error_;
  grpc::StatusCode code_ = grpc::StatusCode::CANCELLED;
};

class RequestLoggerFactory final : public ServerInterceptorFactoryInterface {
 public:
  RequestLoggerFactory(LoggedRequests which, Log* log)
      : which_(which), log_(log) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new RequestLogger(which_, log_, info);
  }

 private:
  const LoggedRequests which_;
  Log* const log_;
};

}  // namespace

absl::StatusOr<LoggedRequests> ParseLoggedRequests(std::string_view name) {
  if (name == "none") return LoggedRequests::kNone;
  if (name == "errors") return LoggedRequests::kErrors;
  if (name == "all") return LoggedRequests::kAll;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", std::string(name), "\" is not right; it is none, errors or all"));
}

std::unique_ptr<ServerInterceptorFactoryInterface> NewRequestLogger(
    LoggedRequests which, Log* log) {
  return std::make_unique<RequestLoggerFactory>(which, log);
}

}  // namespace vitrine
