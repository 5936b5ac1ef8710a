#include "server/preconditions.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

constexpr int kMinModelPrefix = 8;

// In lower case. INVALID_ARGUMENT where it is too short to name a model.
absl::StatusOr<std::string> ModelPrefix(std::string_view model,
                                        std::string_view field) {
  if (model.size() < kMinModelPrefix) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        absl::StrCat(std::string(field), " is '", std::string(model),
                     "'; right is the SHA-256 of a bundle, or at least its "
                     "first ",
                     kMinModelPrefix, " digits"),
        field, kMinModelPrefix);
  }
  return absl::AsciiStrToLower(absl::string_view(model.data(), model.size()));
}

}  // namespace

absl::StatusOr<const Serving*> ServingOf(const Serving& serving,
                                         std::string_view model) {
  if (model.empty()) return &serving;
  VITRINE_ASSIGN_OR_RETURN(const std::string wanted,
                           ModelPrefix(model, "model"));
  const storage::VectorSet& served = serving.snapshot().set();
  if (std::string_view(served.model()).starts_with(wanted)) return &serving;
  const storage::VectorSet* const other =
      OtherSet(serving.snapshot().manifest());
  if (other != nullptr &&
      std::string_view(other->model()).starts_with(wanted)) {
    if (serving.other() != nullptr) return serving.other().get();
    return MakeError(
        absl::StatusCode::kUnavailable, v1::ERROR_REASON_INDEX_NOT_READY,
        absl::StrCat("model ", other->model(),
                     " is not loaded yet; where that lasts, the server's log "
                     "says why"),
        "model", std::nullopt, /*retry_after_ms=*/1000);
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_MODEL,
      absl::StrCat(
          "generation ", serving.snapshot().generation(),
          " has no vectors of model ", wanted, "; it has those of ",
          served.model(),
          other == nullptr ? "" : absl::StrCat(" and of ", other->model())),
      "model");
}

absl::Status CheckPreconditions(const Snapshot& snapshot,
                                uint64_t min_generation,
                                std::string_view required_model) {
  if (min_generation > snapshot.generation()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        v1::ERROR_REASON_GENERATION_NOT_SERVED,
        absl::StrCat("generation ", min_generation,
                     " is not served yet; the newest here is ",
                     snapshot.generation(), "; try again in a moment"),
        "min_generation", static_cast<double>(snapshot.generation()),
        /*retry_after_ms=*/100);
  }
  return CheckModel(snapshot.set().model(), required_model);
}

absl::Status CheckModel(std::string_view served,
                        std::string_view required_model) {
  if (required_model.empty()) return absl::OkStatus();
  VITRINE_ASSIGN_OR_RETURN(const std::string wanted,
                           ModelPrefix(required_model, "required_model"));
  if (!served.starts_with(wanted)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     v1::ERROR_REASON_WRONG_MODEL,
                     absl::StrCat("model ", wanted,
                                  " is required, but the index serves model ",
                                  std::string(served)),
                     "required_model");
  }
  return absl::OkStatus();
}

}  // namespace vitrine
