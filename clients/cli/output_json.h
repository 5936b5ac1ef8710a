// Answers as JSON, one object a line. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "clients/cli/flags.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine::cli {

using Json = nlohmann::ordered_json;

// One line with its end; bytes that are no UTF-8 become U+FFFD.
std::string ToLine(const Json& json);

// `query` is the path, id or label that was asked for. The answer may hold
// thumbnails that are for a sheet only.
Json SearchJson(std::string_view query, const v1::SearchResponse& response,
                bool thumbnails);
Json RecommendJson(std::string_view query,
                   const v1::RecommendResponse& response, bool thumbnails);
Json EmbedJson(std::string_view query, const v1::Vector& vector,
               std::string_view model);
Json DescribeJson(const v1::DescribeIndexResponse& response);
Json ProductJson(const v1::Product& product);
Json ErrorJson(std::string_view query, const v1::Error& error);

// "UNKNOWN_PRODUCT"; "NOT_FOUND"; "cosine"; "graph_walk"; "measured".
std::string ReasonName(v1::ErrorReason reason);
std::string CodeName(int code);
std::string MetricName(v1::Metric metric);
std::string RelationName(v1::ColourHarmony::Relation relation);
std::string PlanName(v1::QueryPlan::Kind kind);
std::string BasisName(v1::QueryPlan::RecallBasis basis);
std::string TypeName(v1::AttributeType type);

}  // namespace vitrine::cli
