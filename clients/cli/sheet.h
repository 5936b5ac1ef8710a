// Contact sheets: what goes to the program that draws them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/connection.h"
#include "clients/cli/output_json.h"
#include "clients/cli/query.h"

namespace vitrine::cli {

// The file of the `number`th sheet, from 1: "a/out.png" itself where there is
// one query, else "a/out-7.png".
std::string SheetPath(const std::string& path, int64_t number, bool only_one);

// The description of a sheet, without the query's picture: that of `query` is
// added by AddQueryPicture. `label` stands under the pictures of the query.
Json SearchSheet(const Flags& flags, const Query& query,
                 const v1::SearchResponse& response);
Json RecommendSheet(const Flags& flags, const Query& query,
                    const v1::RecommendResponse& response);

// The query's own pictures and those of the flags' extra examples: files by
// path, products by their thumbnail from the server. One that cannot be had is
// left out.
void AddQueryPictures(Connection& connection, const Flags& flags,
                      const Query& query, Json* sheet);

// Draws `sheet` into a PNG by `program`.
absl::Status DrawSheet(const std::string& program, const std::string& path,
                       const Json& sheet);

}  // namespace vitrine::cli
