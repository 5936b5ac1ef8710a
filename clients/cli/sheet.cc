#include "clients/cli/sheet.h"

#include <filesystem>

#include "absl/strings/escaping.h"
#include "clients/cli/helper_program.h"
#include "clients/cli/text.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;

template <typename Hits>
Json RowJson(const std::string& title, const Hits& hits) {
  Json row = {{"title", title}, {"hits", Json::array()}};
  for (const v1::Hit& hit : hits) {
    row["hits"].push_back({{"jpeg_base64", absl::Base64Escape(hit.thumbnail())},
                           {"score", hit.score()},
                           {"same_content", hit.same_content()},
                           {"product_id", hit.product_id()},
                           {"category", hit.category()},
                           {"title", hit.title()}});
  }
  return row;
}

// "query: dress.jpg + 1163 - 1164".
std::string Label(const Flags& flags, const Query& query) {
  std::string label = query.label;
  if (query.kind == Query::Kind::kImage) {
    label = fs::path(label).filename().string();
  }
  if (query.kind != Query::Kind::kCombined) {
    for (const ExtraExample& extra : flags.extra_examples) {
      label += extra.weight < 0 ? " - " : " + ";
      label += extra.is_image ? fs::path(extra.value).filename().string()
                              : extra.value;
    }
  }
  return "query: " + label;
}

Json NewSheet(const Flags& flags, const Query& query, uint64_t generation,
              const std::string& model) {
  return {
      {"title", "generation " + FormatCount(static_cast<int64_t>(generation)) +
                    ", model " + model.substr(0, 8)},
      {"query", {{"images", Json::array()}, {"label", Label(flags, query)}}},
      {"rows", Json::array()}};
}

void AddProduct(Connection& connection, const std::string& product_id,
                Json* images) {
  v1::GetImageRequest request;
  request.set_product_id(product_id);
  v1::GetImageResponse response;
  grpc::Status status = connection.stub().GetImage(
      connection.NewContext().get(), request, &response);
  if (!status.ok()) return;
  images->push_back({{"jpeg_base64", absl::Base64Escape(response.content())}});
}

}  // namespace

std::string SheetPath(const std::string& path, int64_t number, bool only_one) {
  if (only_one) return path;
  fs::path file(path);
  std::string name = file.stem().string() + "-" + std::to_string(number) +
                     file.extension().string();
  return (file.parent_path() / name).string();
}

Json SearchSheet(const Flags& flags, const Query& query,
                 const v1::SearchResponse& response) {
  Json sheet = NewSheet(flags, query, response.generation(), response.model());
  sheet["rows"].push_back(RowJson("similar", response.hits()));
  return sheet;
}

Json RecommendSheet(const Flags& flags, const Query& query,
                    const v1::RecommendResponse& response) {
  Json sheet = NewSheet(flags, query, response.generation(), response.model());
  sheet["rows"].push_back(RowJson("similar", response.similar()));
  for (const v1::SlotRecommendation& slot : response.complements()) {
    sheet["rows"].push_back(RowJson(slot.slot(), slot.hits()));
  }
  return sheet;
}

void AddQueryPictures(Connection& connection, const Flags& flags,
                      const Query& query, Json* sheet) {
  Json& images = (*sheet)["query"]["images"];
  if (query.kind == Query::Kind::kImage) {
    images.push_back({{"path", query.label}});
  } else if (query.kind == Query::Kind::kProduct) {
    AddProduct(connection, query.label, &images);
  }
  for (const ExtraExample& extra : flags.extra_examples) {
    if (extra.is_image) {
      images.push_back({{"path", extra.value}});
    } else {
      AddProduct(connection, extra.value, &images);
    }
  }
}

absl::Status DrawSheet(const std::string& program, const std::string& path,
                       const Json& sheet) {
  return RunProgram(program, {"sheet", "--out=" + path}, ToLine(sheet));
}

}  // namespace vitrine::cli
