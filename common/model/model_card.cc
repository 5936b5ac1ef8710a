#include "common/model/model_card.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/vector/blocks.h"

namespace vitrine {
namespace {

using Json = nlohmann::json;

constexpr int kMinInputSize = 16;
constexpr int kMaxInputSize = 1024;
constexpr double kWeightTolerance = 1e-3;

template <typename... Parts>
absl::Status BadCard(const Parts&... parts) {
  return absl::InvalidArgumentError(
      absl::StrCat("the model card (card.json) ", parts...));
}

absl::StatusOr<std::string> String(const Json& object, const char* name,
                                   bool may_be_empty) {
  auto field = object.find(name);
  if (field == object.end() || !field->is_string()) {
    return BadCard("has no text `", name, "`");
  }
  auto value = field->get<std::string>();
  if (value.empty() && !may_be_empty)
    return BadCard("has an empty `", name, "`");
  return value;
}

std::optional<int> Integer(const Json& object, const char* name) {
  auto field = object.find(name);
  if (field == object.end() || !field->is_number_integer()) return std::nullopt;
  int64_t value = field->get<int64_t>();
  if (value < INT32_MIN || value > INT32_MAX) return std::nullopt;
  return int(value);
}

absl::StatusOr<Block> ParseBlock(const Json& json, size_t index) {
  if (!json.is_object()) {
    return BadCard("has a blocks[", index, "] that is no object");
  }
  Block block;
  VITRINE_ASSIGN_OR_RETURN(block.name, String(json, "name", false));
  std::optional<int> dim = Integer(json, "dim");
  if (!dim || *dim <= 0 || *dim > kMaxDim || *dim % kBlockMultiple != 0) {
    return BadCard("gives block `", block.name, "` the dim ",
                   json.contains("dim") ? json["dim"].dump() : "(none)",
                   "; a multiple of ", kBlockMultiple, " of at most ", kMaxDim,
                   " is right");
  }
  block.dim = *dim;
  auto weight = json.find("weight");
  if (weight == json.end() || !weight->is_number() ||
      !(weight->get<double>() > 0) || !(weight->get<double>() <= 1)) {
    return BadCard("gives block `", block.name, "` the weight ",
                   weight == json.end() ? "(none)" : weight->dump(),
                   "; more than 0 and at most 1 is right");
  }
  block.weight = weight->get<float>();
  return block;
}

absl::StatusOr<ResizeMode> ParseResize(const std::string& name) {
  if (name == "squash") return ResizeMode::kSquash;
  if (name == "letterbox") return ResizeMode::kLetterbox;
  if (name == "crop") return ResizeMode::kCrop;
  return BadCard("has the resize `", name,
                 "`; squash, letterbox or crop is right");
}

}  // namespace

int ModelCard::dim() const { return TotalDim(blocks); }

absl::StatusOr<ModelCard> ParseModelCard(const std::string& json) {
  Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object()) {
    return BadCard("is no JSON object");
  }
  ModelCard card;
  VITRINE_ASSIGN_OR_RETURN(card.name, String(root, "name", false));
  VITRINE_ASSIGN_OR_RETURN(card.version, String(root, "version", false));
  VITRINE_ASSIGN_OR_RETURN(card.origin, String(root, "origin", true));
  VITRINE_ASSIGN_OR_RETURN(card.licence, String(root, "licence", true));
  VITRINE_ASSIGN_OR_RETURN(card.trained_on, String(root, "trained_on", true));

  std::optional<int> input_size = Integer(root, "input_size");
  if (!input_size || *input_size < kMinInputSize ||
      *input_size > kMaxInputSize) {
    return BadCard(
        "has the input_size ",
        root.contains("input_size") ? root["input_size"].dump() : "(none)",
        "; ", kMinInputSize, " to ", kMaxInputSize, " is right");
  }
  card.input_size = *input_size;

  VITRINE_ASSIGN_OR_RETURN(std::string resize, String(root, "resize", false));
  VITRINE_ASSIGN_OR_RETURN(card.resize, ParseResize(resize));

  VITRINE_ASSIGN_OR_RETURN(card.precision, String(root, "precision", false));
  if (card.precision != "float32" && card.precision != "bfloat16") {
    return BadCard("has the precision `", card.precision,
                   "`; float32 or bfloat16 is right");
  }

  auto blocks = root.find("blocks");
  if (blocks == root.end() || !blocks->is_array() || blocks->empty()) {
    return BadCard("has no list `blocks`; one of name, dim, weight is right");
  }
  std::set<std::string> names;
  double sum = 0;
  for (size_t i = 0; i < blocks->size(); ++i) {
    VITRINE_ASSIGN_OR_RETURN(Block block, ParseBlock((*blocks)[i], i));
    if (!names.insert(block.name).second) {
      return BadCard("has two blocks named `", block.name, "`");
    }
    sum += block.weight;
    card.blocks.push_back(std::move(block));
    if (card.dim() > kMaxDim) {
      return BadCard("has blocks of more than ", kMaxDim, " numbers in all");
    }
  }
  if (std::abs(sum - 1) > kWeightTolerance) {
    return BadCard("has weights that add up to ", sum, "; 1 is right");
  }
  return card;
}

}  // namespace vitrine
