// Many searches over one stream, answered in the order in which they were
// asked.
#pragma once

#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "clients/cli/connection.h"
#include "clients/cli/requests.h"

namespace vitrine::cli {

using SearchOutcome = std::variant<v1::SearchResponse, v1::Error>;
// Takes each query with its outcome, on the caller's thread.
using TakeOutcome = std::function<void(const Query&, const SearchOutcome&)>;

// Sends the queries of `source` in batches of up to 8 pictures or 32 others,
// with at most 4 batches unanswered or untaken, so that memory stays bounded
// whatever the number. A query that fails gives its own error and the others go
// on. Nothing where all were answered; else the error that broke the stream,
// which names the first query that was not. A stream on which nothing comes for
// the connection's timeout is broken.
std::optional<v1::Error> SearchMany(Connection& connection, const Flags& flags,
                                    const std::vector<v1::Example>& extra,
                                    QuerySource* source,
                                    const TakeOutcome& take);

}  // namespace vitrine::cli
