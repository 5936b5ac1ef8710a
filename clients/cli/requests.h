// From flags and queries to the messages of the API.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/flags.h"
#include "clients/cli/query.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine::cli {

// What a server takes in one message, less some room for the other fields.
inline constexpr int64_t kMaxRequestBytes = (40 << 20) - (64 << 10);

// The query's own example; without a source for a combined query. Reads the
// file of a picture; one that no message could hold is refused unread.
absl::StatusOr<v1::Example> LoadExample(const Flags& flags, const Query& query);

// The extra examples of every query.
absl::StatusOr<std::vector<v1::Example>> LoadExtraExamples(const Flags& flags);

// `own` without a source is left out. The thumbnails are asked for where they
// are shown.
v1::SearchRequest MakeSearchRequest(const Flags& flags, v1::Example own,
                                    const std::vector<v1::Example>& extra);
v1::RecommendRequest MakeRecommendRequest(const Flags& flags, v1::Example own);

// A query that is ready to be sent, or why it is not.
struct LoadedQuery {
  Query query;
  v1::Example example;
  std::optional<v1::Error> error;
};

// Cuts the queries into batches that fit into a message, reading the pictures
// as they are needed. Not thread-safe.
class BatchReader {
 public:
  // `extra_bytes` are those of the extra examples, which go with each query.
  // `flags` and `source` must outlive it.
  BatchReader(const Flags& flags, QuerySource* source, int max_queries,
              int64_t extra_bytes)
      : flags_(flags),
        source_(source),
        max_queries_(max_queries),
        extra_bytes_(extra_bytes) {}

  // Empty after the last one. Where the next query would have to be waited for,
  // a batch is cut short.
  std::vector<LoadedQuery> Next();

 private:
  LoadedQuery Load(Query query) const;

  const Flags& flags_;
  QuerySource* source_;
  int max_queries_;
  int64_t extra_bytes_;
  std::optional<LoadedQuery> carried_;
};

}  // namespace vitrine::cli
