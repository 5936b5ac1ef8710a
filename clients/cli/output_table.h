// Answers as text for people. Pure.
#pragma once

#include <string>
#include <string_view>

#include "vitrine/v1/search.pb.h"

namespace vitrine::cli {

// A line that names the query, the generation, the model and the time, then the
// hits. `total_ms` is the time the caller waited; 0 where that is not known.
std::string SearchTable(std::string_view query,
                        const v1::SearchResponse& response, int offset,
                        double total_ms);
std::string RecommendTable(std::string_view query,
                           const v1::RecommendResponse& response,
                           double total_ms);
std::string DescribeTable(const v1::DescribeIndexResponse& response);

// "vitrine: dress.jpg: the message", with a line end.
std::string ErrorLine(std::string_view query, const v1::Error& error);

}  // namespace vitrine::cli
