#include "common/model/embedder.h"

namespace vitrine {

std::string_view EmbedVariantName(EmbedVariant variant) {
  switch (variant) {
    case EmbedVariant::kFrozen:
      return "frozen";
    case EmbedVariant::kOptimized:
      return "optimize_for_inference";
    case EmbedVariant::kChannelsLast:
      return "channels-last";
    case EmbedVariant::kFastest:
      break;
  }
  return "fastest";
}

EmbedVariant EmbedVariantOf(std::string_view name) {
  for (const EmbedVariant variant :
       {EmbedVariant::kFrozen, EmbedVariant::kOptimized,
        EmbedVariant::kChannelsLast}) {
    if (name == EmbedVariantName(variant)) return variant;
  }
  return EmbedVariant::kFastest;
}

}  // namespace vitrine
