// The form of the inputs of request_fuzz: a byte that says which call, and the
// bytes of its request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "vitrine/v1/search.pb.h"

namespace vitrine {

enum class FuzzedCall : uint8_t {
  kSearch,
  kSearches,  // A batch of SearchStream.
  kRecommend,
  kEmbed,
  kGetProduct,
  kGetImage,
  kListProducts,
};
inline constexpr uint8_t kFuzzedCalls = 7;

inline FuzzedCall FuzzedCallOf(uint8_t byte) {
  return static_cast<FuzzedCall>(byte % kFuzzedCalls);
}

inline std::unique_ptr<google::protobuf::Message> NewRequestOf(
    FuzzedCall call) {
  switch (call) {
    case FuzzedCall::kSearch:
      return std::make_unique<v1::SearchRequest>();
    case FuzzedCall::kSearches:
      return std::make_unique<v1::SearchStreamRequest>();
    case FuzzedCall::kRecommend:
      return std::make_unique<v1::RecommendRequest>();
    case FuzzedCall::kEmbed:
      return std::make_unique<v1::EmbedRequest>();
    case FuzzedCall::kGetProduct:
      return std::make_unique<v1::GetProductRequest>();
    case FuzzedCall::kGetImage:
      return std::make_unique<v1::GetImageRequest>();
    case FuzzedCall::kListProducts:
      return std::make_unique<v1::ListProductsRequest>();
  }
  return nullptr;
}

inline std::string FuzzedBytesOf(FuzzedCall call,
                                 const google::protobuf::Message& request) {
  return static_cast<char>(call) + request.SerializeAsString();
}

}  // namespace vitrine
