// Requests to the indexer of an index: small files in control/, which whoever
// may write to the index puts there and the indexer answers. They work where
// the index is shared and its indexer runs elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/index/index_paths.h"

namespace vitrine {

// A request names a vector set, so that it may be carried out twice.
struct ControlRequest {
  enum Kind {
    kServe,   // The set is to serve as soon as it has every picture.
    kGiveUp,  // The set, which does not serve, is to go.
  };
  Kind kind = kServe;
  uint64_t set = 0;
  std::string name;  // Of its file, without the ending.
};

// An answer; OK with the generation from which on it holds.
struct ControlAnswer {
  absl::Status status;
  uint64_t generation = 0;
};

// Puts a request; returns its name.
absl::StatusOr<std::string> PostRequest(const IndexPaths& paths,
                                        ControlRequest::Kind kind,
                                        uint64_t set);
// Takes it back.
absl::Status WithdrawRequest(const IndexPaths& paths, std::string_view name);
// Whether an indexer has seen it.
bool IsTaken(const IndexPaths& paths, std::string_view name);
// The answer, which is removed with that; nothing before there is one.
std::optional<ControlAnswer> TakeAnswer(const IndexPaths& paths,
                                        std::string_view name);

// A model that somebody has rolled back or given up is not built again because
// a command line still names it.
absl::Status DeclineModel(const IndexPaths& paths, std::string_view model);
absl::Status AcceptModel(const IndexPaths& paths, std::string_view model);
bool IsModelDeclined(const IndexPaths& paths, std::string_view model);

// For the indexer: the requests that await an answer, by name; marks each as
// seen. No folder is no request.
std::vector<ControlRequest> TakeRequests(const IndexPaths& paths);
absl::Status AnswerRequest(const IndexPaths& paths,
                           const ControlRequest& request,
                           const ControlAnswer& answer);

}  // namespace vitrine
