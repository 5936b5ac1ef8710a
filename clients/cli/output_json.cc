#include "clients/cli/output_json.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace vitrine::cli {
namespace {

using google::protobuf::util::TimeUtil;

// A float's six significant digits, without the tail that a double would show.
double Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

// The shortest decimals that read back as the same float.
double Shortest(float value) {
  char text[32];
  auto [end, error] = std::to_chars(text, text + sizeof text, value);
  double number = value;
  std::from_chars(text, end, number);
  return number;
}

// The name of an enum's value without the prefix that all its values share.
std::string Stripped(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string Lowered(const std::string& name, std::string_view prefix) {
  return absl::AsciiStrToLower(Stripped(name, prefix));
}

Json VectorJson(const v1::Vector& vector) {
  Json values = Json::array();
  for (float value : vector.values()) values.push_back(Shortest(value));
  return values;
}

Json ValueJson(const v1::AttributeValue& value) {
  switch (value.kind_case()) {
    case v1::AttributeValue::kText:
      return value.text();
    case v1::AttributeValue::kNumber:
      return value.number();
    case v1::AttributeValue::kFlag:
      return value.flag();
    case v1::AttributeValue::kList: {
      Json list = Json::array();
      for (const std::string& text : value.list().values()) {
        list.push_back(text);
      }
      return list;
    }
    case v1::AttributeValue::KIND_NOT_SET:
      break;
  }
  return nullptr;
}

// Sorted by name: a protobuf map has no order of its own.
template <typename Map>
Json AttributesJson(const Map& attributes) {
  std::map<std::string, const v1::AttributeValue*> sorted;
  for (const auto& [name, value] : attributes) sorted[name] = &value;
  Json json = Json::object();
  for (const auto& [name, value] : sorted) json[name] = ValueJson(*value);
  return json;
}

Json HitJson(const v1::Hit& hit, bool thumbnails) {
  Json json = {{"product_id", hit.product_id()},
               {"score", Rounded(hit.score())},
               {"image", hit.image()},
               {"category", hit.category()},
               {"title", hit.title()},
               {"distance", Rounded(hit.distance())},
               {"same_content", hit.same_content()}};
  Json blocks = Json::object();
  for (const v1::BlockScore& block : hit.block_scores()) {
    blocks[block.block()] = Rounded(block.cosine());
  }
  json["block_scores"] = std::move(blocks);
  json["attributes"] = AttributesJson(hit.attributes());
  if (thumbnails && !hit.thumbnail().empty()) {
    json["thumbnail"] = absl::Base64Escape(hit.thumbnail());
  }
  if (hit.near_duplicates_size() > 0) {
    Json duplicates = Json::array();
    for (const v1::NearDuplicate& duplicate : hit.near_duplicates()) {
      duplicates.push_back({{"product_id", duplicate.product_id()},
                            {"image", duplicate.image()}});
    }
    json["near_duplicates"] = std::move(duplicates);
  }
  if (hit.has_boost()) json["boost"] = Rounded(hit.boost());
  if (hit.has_colour_harmony()) {
    const v1::ColourHarmony& harmony = hit.colour_harmony();
    json["colour_harmony"] = {{"relation", RelationName(harmony.relation())},
                              {"colour", harmony.colour()},
                              {"goes_with", harmony.goes_with()}};
  }
  if (hit.has_vector()) json["vector"] = VectorJson(hit.vector());
  return json;
}

template <typename Hits>
Json HitsJson(const Hits& hits, bool thumbnails) {
  Json json = Json::array();
  for (const v1::Hit& hit : hits) json.push_back(HitJson(hit, thumbnails));
  return json;
}

Json FacetsJson(const v1::SearchResponse& response) {
  Json facets = Json::array();
  for (const v1::Facet& facet : response.facets()) {
    Json counts = Json::array();
    for (const v1::Facet::Count& count : facet.counts()) {
      counts.push_back({{"value", count.value()}, {"count", count.count()}});
    }
    facets.push_back({{"attribute", facet.attribute()},
                      {"counts", std::move(counts)},
                      {"others", facet.others()}});
  }
  return facets;
}

Json TimingsJson(const v1::Timings& timings) {
  return {{"queue_ms", Rounded(timings.queue_ms())},
          {"decode_ms", Rounded(timings.decode_ms())},
          {"embed_ms", Rounded(timings.embed_ms())},
          {"search_ms", Rounded(timings.search_ms())}};
}

template <typename Response>
void AddMissing(const Response& response, Json* json) {
  if (!response.partial()) return;
  (*json)["missing"] = std::vector<std::string>(response.missing().begin(),
                                                response.missing().end());
}

}  // namespace

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json SearchJson(std::string_view query, const v1::SearchResponse& response,
                bool thumbnails) {
  Json json = {{"query", query},
               {"hits", HitsJson(response.hits(), thumbnails)},
               {"generation", response.generation()},
               {"model", response.model()},
               {"metric", MetricName(response.metric())},
               {"plan",
                {{"kind", PlanName(response.plan().kind())},
                 {"ef", response.plan().ef()},
                 {"rows_visited", response.plan().rows_visited()},
                 {"rows_matching", response.plan().rows_matching()},
                 {"shards", response.plan().shards()},
                 {"recall_basis", BasisName(response.plan().recall_basis())},
                 {"recall", Rounded(response.plan().recall())}}},
               {"timings", TimingsJson(response.timings())},
               {"partial", response.partial()}};
  if (!response.facets().empty()) json["facets"] = FacetsJson(response);
  AddMissing(response, &json);
  return json;
}

Json RecommendJson(std::string_view query,
                   const v1::RecommendResponse& response, bool thumbnails) {
  Json complements = Json::array();
  for (const v1::SlotRecommendation& slot : response.complements()) {
    complements.push_back(
        {{"slot", slot.slot()},
         {"basis",
          Lowered(v1::ComplementBasis_Name(slot.basis()), "COMPLEMENT_BASIS_")},
         {"hits", HitsJson(slot.hits(), thumbnails)}});
  }
  Json json = {{"query", query},
               {"category", response.category()},
               {"category_confidence", Rounded(response.category_confidence())},
               {"slot", response.slot()},
               {"restricted_to_category", response.restricted_to_category()},
               {"similar", HitsJson(response.similar(), thumbnails)},
               {"complements", std::move(complements)},
               {"generation", response.generation()},
               {"model", response.model()},
               {"timings", TimingsJson(response.timings())},
               {"partial", response.partial()}};
  AddMissing(response, &json);
  return json;
}

Json EmbedJson(std::string_view query, const v1::Vector& vector,
               std::string_view model) {
  return {{"query", query}, {"vector", VectorJson(vector)}, {"model", model}};
}

Json DescribeJson(const v1::DescribeIndexResponse& response) {
  const v1::ModelCard& card = response.model();
  Json blocks = Json::array();
  for (const v1::Block& block : card.blocks()) {
    blocks.push_back({{"name", block.name()},
                      {"dim", block.dim()},
                      {"weight", Rounded(block.weight())}});
  }
  Json categories = Json::array();
  for (const v1::CategorySummary& category : response.categories()) {
    categories.push_back({{"category", category.category()},
                          {"products", category.products()},
                          {"slot", category.slot()}});
  }
  Json attributes = Json::array();
  for (const v1::AttributeSummary& attribute : response.attributes()) {
    attributes.push_back({{"name", attribute.name()},
                          {"type", TypeName(attribute.type())},
                          {"products", attribute.products()}});
  }
  Json recall = Json::array();
  for (const v1::RecallFound& found : response.recall_found()) {
    recall.push_back({{"passing_from", Rounded(found.passing_from())},
                      {"passing_to", Rounded(found.passing_to())},
                      {"queries", found.queries()},
                      {"recall", Rounded(found.recall())}});
  }
  Json sets = Json::array();
  for (const v1::VectorSetSummary& set : response.vector_sets()) {
    // "STATE_SERVING" is "serving".
    std::string state = v1::VectorSetSummary::State_Name(set.state()).substr(6);
    std::transform(state.begin(), state.end(), state.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    sets.push_back({{"model", set.model().id()},
                    {"name", set.model().name()},
                    {"version", set.model().version()},
                    {"state", state},
                    {"metric", MetricName(set.metric())},
                    {"images", set.images()}});
  }
  Json partitions = Json::array();
  for (const v1::PartitionSummary& partition : response.partitions()) {
    partitions.push_back({{"name", partition.name()},
                          {"generation", partition.generation()},
                          {"images", partition.images()},
                          {"products", partition.products()},
                          {"trouble", partition.trouble()}});
  }
  return {
      {"vector_sets", std::move(sets)},
      {"partitions", std::move(partitions)},
      {"recall_found", std::move(recall)},
      {"images", response.images()},
      {"products", response.products()},
      {"generation", response.generation()},
      {"model", card.id()},
      {"metric", MetricName(response.metric())},
      {"dim", response.dim()},
      {"published_at", response.has_published_at()
                           ? Json(TimeUtil::ToString(response.published_at()))
                           : Json(nullptr)},
      {"model_card",
       {{"name", card.name()},
        {"version", card.version()},
        {"input_size", card.input_size()},
        {"resize", card.resize()},
        {"blocks", std::move(blocks)},
        {"precision", card.precision()},
        {"origin", card.origin()},
        {"licence", card.licence()},
        {"trained_on", card.trained_on()}}},
      {"categories", std::move(categories)},
      {"attributes", std::move(attributes)},
      {"flat_shards", response.flat_shards()},
      {"hnsw_shards", response.hnsw_shards()},
      {"degraded", response.degraded()},
      {"degraded_reason", response.degraded_reason()},
      {"server_version", response.server_version()}};
}

Json ProductJson(const v1::Product& product) {
  Json images = Json::array();
  for (const v1::ProductImage& image : product.images()) {
    Json json = {{"key", image.key()}, {"sha256", image.sha256()}};
    if (image.has_vector()) json["vector"] = VectorJson(image.vector());
    images.push_back(std::move(json));
  }
  Json json = {{"product_id", product.product_id()},
               {"title", product.title()},
               {"category", product.category()},
               {"attributes", AttributesJson(product.attributes())},
               {"images", std::move(images)}};
  if (product.has_visible_from()) {
    json["visible_from"] = TimeUtil::ToString(product.visible_from());
  }
  if (product.has_visible_until()) {
    json["visible_until"] = TimeUtil::ToString(product.visible_until());
  }
  return json;
}

Json ErrorJson(std::string_view query, const v1::Error& error) {
  Json detail = {{"reason", ReasonName(error.reason())},
                 {"message", error.message()},
                 {"field", error.field()},
                 {"code", CodeName(error.code())}};
  if (error.has_limit()) detail["limit"] = error.limit();
  return {{"query", query}, {"error", std::move(detail)}};
}

std::string ReasonName(v1::ErrorReason reason) {
  return Stripped(v1::ErrorReason_Name(reason), "ERROR_REASON_");
}

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

std::string MetricName(v1::Metric metric) {
  return Lowered(v1::Metric_Name(metric), "METRIC_");
}

std::string RelationName(v1::ColourHarmony::Relation relation) {
  return Lowered(v1::ColourHarmony::Relation_Name(relation), "RELATION_");
}

std::string PlanName(v1::QueryPlan::Kind kind) {
  return Lowered(v1::QueryPlan::Kind_Name(kind), "KIND_");
}

std::string BasisName(v1::QueryPlan::RecallBasis basis) {
  return Lowered(v1::QueryPlan::RecallBasis_Name(basis), "RECALL_BASIS_");
}

std::string TypeName(v1::AttributeType type) {
  return Lowered(v1::AttributeType_Name(type), "ATTRIBUTE_TYPE_");
}

}  // namespace vitrine::cli
