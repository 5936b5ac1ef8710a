// Answers Search and Embed.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/snapshot.h"
#include "server/call.h"
#include "server/serving.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Whether a request holds pictures, whose decoding and embedding take far
// longer than a search.
bool HasPictures(const v1::SearchRequest& request);

// Whether the answer should take a fraction of a millisecond: graphs are walked
// once with a vector or a product, few rows are scanned, and nothing else is
// asked for. Where it takes more after all, a brief call is CANCELLED.
bool IsBrief(const Snapshot& snapshot, const v1::SearchRequest& request);

// Fills an empty response, which after an error is not to be read. Thread-safe,
// as are all handlers.
absl::Status HandleSearch(const Serving& serving,
                          const v1::SearchRequest& request, const Call& call,
                          v1::SearchResponse* response);

// Answers each request as HandleSearch does; those that scan the same rows
// share the reading of them. One that fails spoils no other.
std::vector<absl::Status> HandleSearches(
    const Serving& serving, std::span<const v1::SearchRequest* const> requests,
    const Call& call, std::span<v1::SearchResponse* const> responses);

absl::StatusOr<v1::EmbedResponse> HandleEmbed(const Serving& serving,
                                              const v1::EmbedRequest& request,
                                              const Call& call);

}  // namespace vitrine
