#include "clients/cli/output_table.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <vector>

#include "clients/cli/output_json.h"
#include "clients/cli/text.h"

namespace vitrine::cli {
namespace {

std::string Milliseconds(double ms) {
  return ms < 9.95 ? FormatNumber(ms, 2) : FormatNumber(ms, ms < 1000 ? 3 : 9);
}

// "generation 42, model 1a2b3c4d, 12.3 ms (decode 3.1, embed 7, search 0.4)".
std::string Origin(uint64_t generation, const std::string& model,
                   const v1::Timings& timings, double total_ms) {
  // An answer of several partitions is of no one generation.
  std::string text =
      generation == 0
          ? "several partitions"
          : "generation " + FormatCount(static_cast<int64_t>(generation));
  if (!model.empty()) text += ", model " + Printable(model.substr(0, 8));
  if (total_ms > 0) text += ", " + Milliseconds(total_ms) + " ms";
  std::string parts;
  for (const auto& [name, ms] : {std::pair("queue", timings.queue_ms()),
                                 std::pair("decode", timings.decode_ms()),
                                 std::pair("embed", timings.embed_ms()),
                                 std::pair("search", timings.search_ms())}) {
    if (ms < 0.005) continue;
    parts += (parts.empty() ? "" : ", ") + std::string(name) + " " +
             Milliseconds(ms);
  }
  if (parts.empty()) return text;
  return text + (total_ms > 0 ? " (" + parts + ")" : ", " + parts + " ms");
}

template <typename Response>
std::string MissingLine(const Response& response, const std::string& indent) {
  if (!response.partial()) return "";
  std::string text = indent + "part of the index did not answer:";
  for (const std::string& part : response.missing()) {
    text += " " + Printable(part);
  }
  return text + "\n";
}

// "Green, complementary".
std::string HarmonyText(const v1::ColourHarmony& harmony) {
  if (harmony.colour().empty()) return "";
  return Shorten(harmony.colour(), 20) + ", " +
         RelationName(harmony.relation());
}

template <typename Hits>
std::string HitTable(const Hits& hits, int offset, std::string_view indent) {
  // What no hit has is left out.
  Table table({"#", "score", "boost", "product", "category", "colour", "title",
               "image"},
              {true, true, true, false, false, false, false, false});
  int rank = offset;
  for (const v1::Hit& hit : hits) {
    table.AddRow({std::to_string(++rank),
                  FormatScore(hit.score(), hit.same_content()),
                  hit.has_boost() ? "× " + FormatNumber(hit.boost(), 3) : "",
                  hit.product_id(), Shorten(hit.category(), 20),
                  HarmonyText(hit.colour_harmony()), Shorten(hit.title(), 40),
                  hit.image()});
  }
  return table.ToString(indent);
}

// The most frequent values, and the sum of the others.
std::string FacetTable(const v1::Facet& facet) {
  constexpr int kMaxValues = 10;
  Table table({Shorten(facet.attribute(), 40), "products"}, {false, true});
  int64_t others = facet.others();
  for (int i = 0; i < facet.counts_size(); ++i) {
    const v1::Facet::Count& count = facet.counts(i);
    if (i < kMaxValues) {
      table.AddRow({Shorten(count.value(), 40), FormatCount(count.count())});
    } else {
      others += count.count();
    }
  }
  if (others > 0) table.AddRow({"(others)", FormatCount(others)});
  if (facet.counts().empty()) {
    return "\n  no product that matches has the attribute " +
           Printable(facet.attribute()) + "\n";
  }
  return "\n" + table.ToString("  ");
}

const char* StateText(v1::VectorSetSummary::State state) {
  switch (state) {
    case v1::VectorSetSummary::STATE_BUILDING:
      return "being built";
    case v1::VectorSetSummary::STATE_WAITING:
      return "complete: `vitrine promote` lets it serve";
    case v1::VectorSetSummary::STATE_RETAINED:
      return "kept: `vitrine rollback` returns to it";
    default:
      return "serving";
  }
}

}  // namespace

std::string SearchTable(std::string_view query,
                        const v1::SearchResponse& response, int offset,
                        double total_ms) {
  std::string text = Printable(query) + ": " +
                     Origin(response.generation(), response.model(),
                            response.timings(), total_ms) +
                     "\n";
  text += MissingLine(response, "  ");
  text += response.hits().empty() ? "  no product matches\n"
                                  : HitTable(response.hits(), offset, "  ");
  for (const v1::Facet& facet : response.facets()) text += FacetTable(facet);
  return text;
}

std::string RecommendTable(std::string_view query,
                           const v1::RecommendResponse& response,
                           double total_ms) {
  std::string text = Printable(query) + ": ";
  if (response.category().empty()) {
    text += "of no known category";
  } else {
    text += Printable(response.category());
    if (response.category_confidence() < 1) {
      text += " (" + FormatNumber(response.category_confidence() * 100, 3) +
              " % sure)";
    }
    if (!response.slot().empty()) text += ", " + Printable(response.slot());
  }
  text += "; " +
          Origin(response.generation(), response.model(), response.timings(),
                 total_ms) +
          "\n";
  text += MissingLine(response, "");
  text += response.restricted_to_category() ? "similar, of the same category\n"
                                            : "similar, of any category\n";
  text += response.similar().empty() ? "  none\n"
                                     : HitTable(response.similar(), 0, "  ");
  for (const v1::SlotRecommendation& slot : response.complements()) {
    text += "to go with it: " + Printable(slot.slot()) + "\n";
    text += slot.hits().empty() ? "  none\n" : HitTable(slot.hits(), 0, "  ");
  }
  return text;
}

std::string DescribeTable(const v1::DescribeIndexResponse& response) {
  const v1::ModelCard& card = response.model();
  std::string text;
  if (response.degraded()) {
    text += (response.partitions().empty()
                 ? "DEGRADED: an older generation is served: "
                 : "DEGRADED: ") +
            Printable(response.degraded_reason()) + "\n\n";
  }
  std::string published;
  if (response.has_published_at()) {
    published = ", published " + google::protobuf::util::TimeUtil::ToString(
                                     response.published_at());
  }
  std::string blocks;
  for (const v1::Block& block : card.blocks()) {
    blocks += (blocks.empty() ? "" : ", ") + block.name() + " " +
              std::to_string(block.dim()) + " (weight " +
              FormatNumber(block.weight(), 3) + ")";
  }
  Table facts({"", ""}, {false, false});
  auto fact = [&facts](const char* name, const std::string& value) {
    if (!value.empty()) facts.AddRow({name, value});
  };
  fact("products", FormatCount(response.products()));
  fact("images", FormatCount(response.images()));
  fact("generation",
       (response.partitions().empty()
            ? FormatCount(static_cast<int64_t>(response.generation()))
            : FormatCount(response.partitions_size()) + " partitions") +
           published);
  fact("shards", FormatCount(response.flat_shards()) + " flat, " +
                     FormatCount(response.hnsw_shards()) + " HNSW");
  fact("metric", MetricName(response.metric()));
  fact("vectors", FormatCount(response.dim()) + " numbers: " + blocks);
  fact("model", card.name() + " " + card.version());
  fact("  id", card.id());
  fact("  input", std::to_string(card.input_size()) + " px, " + card.resize() +
                      ", " + card.precision());
  fact("  origin", card.origin());
  fact("  licence", card.licence());
  fact("  trained on", card.trained_on());
  for (const v1::VectorSetSummary& set : response.vector_sets()) {
    if (set.state() == v1::VectorSetSummary::STATE_SERVING) continue;
    fact("other model",
         (set.model().name().empty()
              ? ""
              : set.model().name() + " " + set.model().version() + ", ") +
             StateText(set.state()) + ", " + FormatCount(set.images()) +
             " images");
    fact("  id", set.model().id());
  }
  fact("server", response.server_version());
  for (const v1::RecallFound& found : response.recall_found()) {
    fact("recall found", FormatNumber(found.recall(), 4) + " of " +
                             FormatCount(found.queries()) +
                             (found.queries() == 1 ? " answer" : " answers") +
                             ", where up to " +
                             FormatNumber(100.0 * found.passing_to(), 2) +
                             " % of the pictures match");
  }
  text += facts.ToString();
  if (!response.partitions().empty()) {
    Table table({"partition", "generation", "products", "images", "trouble"},
                {false, true, true, true, false});
    for (const v1::PartitionSummary& partition : response.partitions()) {
      table.AddRow({Printable(partition.name()),
                    FormatCount(static_cast<int64_t>(partition.generation())),
                    FormatCount(partition.products()),
                    FormatCount(partition.images()),
                    Printable(partition.trouble())});
    }
    text += "\n" + table.ToString();
  }
  if (!response.categories().empty()) {
    Table table({"category", "products", "slot"}, {false, true, false});
    for (const v1::CategorySummary& category : response.categories()) {
      table.AddRow({Shorten(category.category(), 40),
                    FormatCount(category.products()), category.slot()});
    }
    text += "\n" + table.ToString();
  }
  if (!response.attributes().empty()) {
    Table table({"attribute", "products", "type"}, {false, true, false});
    for (const v1::AttributeSummary& attribute : response.attributes()) {
      table.AddRow({Shorten(attribute.name(), 40),
                    FormatCount(attribute.products()),
                    TypeName(attribute.type())});
    }
    text += "\n" + table.ToString();
  }
  return text;
}

std::string ErrorLine(std::string_view query, const v1::Error& error) {
  std::string line = "vitrine: ";
  // Messages about a file mostly name it already.
  if (!query.empty() &&
      error.message().find(std::string(query)) == std::string::npos) {
    line += Printable(query) + ": ";
  }
  line += Printable(error.message());
  return line + "\n";
}

}  // namespace vitrine::cli
