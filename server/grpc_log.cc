#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

Log* taker = nullptr;

void Take(gpr_log_func_args* args) {
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR
                             ? LogLevel::kWarning
                             : LogLevel::kInfo;
  taker->Line(level, absl::StrCat("gRPC: ", args->message));
}

}  // namespace

void TakeGrpcLog(Log* log) {
  taker = log;
  gpr_set_log_function(Take);
}

}  // namespace vitrine
