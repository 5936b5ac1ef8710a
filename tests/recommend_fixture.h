// An index of several products of each kind, of which others are recommended.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/recommend.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {

inline std::vector<std::string> Ids(
    const google::protobuf::RepeatedPtrField<v1::Hit>& hits) {
  std::vector<std::string> ids;
  for (const v1::Hit& hit : hits) ids.push_back(hit.product_id());
  return ids;
}

inline std::vector<std::string> Slots(const v1::RecommendResponse& response) {
  std::vector<std::string> slots;
  for (const auto& slot : response.complements()) slots.push_back(slot.slot());
  return slots;
}

inline std::vector<std::string> InSlot(const v1::RecommendResponse& response,
                                       const std::string& name) {
  for (const auto& slot : response.complements()) {
    if (slot.slot() == name) return Ids(slot.hits());
  }
  return {};
}

class RecommendTest : public ::testing::Test {
 protected:
  // A vector of one shape and one colour.
  std::vector<float> Look(int shape, int colour) {
    std::vector<float> vector(192);
    vector[static_cast<size_t>(shape)] = 1;
    vector[128 + static_cast<size_t>(colour)] = 1;
    // Apart from each other, but nearer to their own kind than to any other.
    for (float& x : vector) x += 0.02f * noise_(random_);
    NormaliseBlocks(TestBlocks(), vector.data());
    return vector;
  }
  TestProduct Product(const std::string& id, const std::string& category,
                      int shape, int colour,
                      std::map<std::string, std::string> attributes = {}) {
    return {id,
            category,
            {{id + ".jpg", Look(shape, colour)}},
            std::move(attributes)};
  }
  // Several products of each kind in three colours: "shoes0-red" and so on.
  void SetUp() override {
    const char* const kinds[] = {"Dress", "Shirt",    "Trousers", "Shoes",
                                 "Hat",   "Handbags", "Jackets",  "Perfume"};
    for (int kind = 0; kind < 8; ++kind) {
      for (int colour = 0; colour < 3; ++colour) {
        for (int i = 0; i < 4; ++i) {
          products_.push_back(Product(std::string(kinds[kind]) +
                                          std::to_string(i) + "-" +
                                          std::to_string(colour),
                                      kinds[kind], kind, colour));
        }
      }
    }
    ASSERT_OK(index_.Add(products_));
    serving_ = index_.Open();
  }
  absl::Status AddMore(const std::vector<TestProduct>& products) {
    VITRINE_RETURN_IF_ERROR(index_.Add(products));
    serving_ = index_.Open();
    return absl::OkStatus();
  }
  v1::RecommendResponse Recommend(const v1::RecommendRequest& request) {
    auto response = HandleRecommend(*serving_, request, Call());
    EXPECT_OK(response);
    return response.ok() ? *response : v1::RecommendResponse();
  }
  static v1::RecommendRequest For(const std::string& product_id) {
    v1::RecommendRequest request;
    request.set_product_id(product_id);
    return request;
  }

  std::mt19937 random_{5};
  std::normal_distribution<float> noise_;
  std::vector<TestProduct> products_;
  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

}  // namespace vitrine
