#include "server/products.h"

#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

class ProductsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(index_.Add(
        {{"coat",
          "Jackets",
          {{"2.jpg", {}, back_}, {"1.jpg", {}, front_}},
          {{"baseColour", "Red"}, {"season", "Winter"}}},
         {"hat", "Hat", {{"hat.jpg", Draw()}}, {{"baseColour", "Blue"}}}}));
    serving_ = index_.Open();
  }
  std::vector<float> Draw() { return DrawVector(0, &random_); }

  std::mt19937 random_{3};
  const std::string front_ = DrawPicture(1, 200, 10, 10);
  const std::string back_ = DrawPicture(2, 200, 10, 10);
  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(ProductsTest, ShowsAProductWithItsPicturesByKey) {
  v1::GetProductRequest request;
  request.set_product_id("coat");
  ASSERT_OK_AND_ASSIGN(v1::GetProductResponse response,
                       HandleGetProduct(*serving_, request));
  const v1::Product& product = response.product();
  EXPECT_EQ(product.title(), "Title of coat");
  EXPECT_EQ(product.category(), "Jackets");
  EXPECT_EQ(product.attributes().at("season").text(), "Winter");
  ASSERT_EQ(product.images_size(), 2);
  EXPECT_EQ(product.images(0).key(), "1.jpg");
  EXPECT_EQ(product.images(0).sha256(), ToHex(Sha256(front_)));
  EXPECT_FALSE(product.images(0).has_vector());
  EXPECT_EQ(response.generation(), 1u);
  request.set_vectors(true);
  ASSERT_OK_AND_ASSIGN(response, HandleGetProduct(*serving_, request));
  EXPECT_EQ(response.product().images(1).vector().values_size(), 192);
}

TEST_F(ProductsTest, TellsNoTimeThatNoMessageMayHold) {
  storage::ProductRecord record;
  record.set_visible_from_unix_ms(1'000);
  // As a file may have it that was not verified.
  record.set_visible_until_unix_ms(int64_t{1} << 50);
  ASSERT_OK(index_.builder().PutProducts({{"coat", record}}));
  ASSERT_OK(index_.builder().Publish());
  serving_ = index_.Open();
  v1::GetProductRequest request;
  request.set_product_id("coat");
  ASSERT_OK_AND_ASSIGN(const v1::GetProductResponse response,
                       HandleGetProduct(*serving_, request));
  EXPECT_EQ(response.product().visible_from().seconds(), 1);
  EXPECT_FALSE(response.product().has_visible_until());
}

TEST_F(ProductsTest, RefusesUnknownAndEmptyIds) {
  v1::GetProductRequest request;
  EXPECT_STATUS(HandleGetProduct(*serving_, request),
                absl::StatusCode::kInvalidArgument, "product_id is empty");
  request.set_product_id("nobody");
  EXPECT_STATUS(HandleGetProduct(*serving_, request),
                absl::StatusCode::kNotFound, "nobody");
  request.set_product_id("coat");
  request.set_min_generation(9);
  EXPECT_STATUS(HandleGetProduct(*serving_, request),
                absl::StatusCode::kFailedPrecondition, "generation 9");
}

TEST_F(ProductsTest, ShowsThumbnails) {
  v1::GetImageRequest request;
  request.set_product_id("coat");
  ASSERT_OK_AND_ASSIGN(v1::GetImageResponse response,
                       HandleGetImage(*serving_, request));
  EXPECT_EQ(response.content(), front_);
  EXPECT_EQ(response.image(), "1.jpg");
  EXPECT_EQ(response.media_type(), "image/jpeg");
  request.set_image("2.jpg");
  ASSERT_OK_AND_ASSIGN(response, HandleGetImage(*serving_, request));
  EXPECT_EQ(response.content(), back_);
}

TEST_F(ProductsTest, SaysWhichPicturesThereAre) {
  v1::GetImageRequest request;
  request.set_product_id("coat");
  request.set_image("3.jpg");
  const auto unknown = HandleGetImage(*serving_, request);
  EXPECT_STATUS(unknown, absl::StatusCode::kNotFound,
                "has no picture '3.jpg'; it has 1.jpg, 2.jpg");
  EXPECT_EQ(ErrorOf(unknown.status()).reason(), v1::ERROR_REASON_UNKNOWN_IMAGE);
  request.set_product_id("hat");
  request.clear_image();
  EXPECT_STATUS(HandleGetImage(*serving_, request), absl::StatusCode::kNotFound,
                "has no thumbnail of its picture 'hat.jpg'");
}

TEST_F(ProductsTest, ListsEveryProductOnceInOrder) {
  std::vector<TestProduct> many;
  for (int i = 0; i < 150; ++i) {
    const std::string id = "p" + std::to_string(1000 + i);
    many.push_back({id, "Shirt", {{id + ".jpg", Draw()}}, {}});
  }
  ASSERT_OK(index_.Add(many));
  serving_ = index_.Open();
  std::vector<std::string> ids;
  int messages = 0;
  for (std::string after;; ++messages) {
    ASSERT_OK_AND_ASSIGN(
        v1::ListProductsResponse next,
        NextProducts(serving_->snapshot(), after, /*records=*/nullptr,
                     /*vectors=*/true));
    EXPECT_EQ(next.generation(), 2u);
    EXPECT_EQ(next.model(), index_.model());
    EXPECT_LT(next.ByteSizeLong(), 4u << 20);
    if (next.products().empty()) break;
    for (const v1::Product& product : next.products()) {
      ids.push_back(product.product_id());
      EXPECT_EQ(product.images(0).vector().values_size(), 192);
    }
    after = ids.back();
  }
  EXPECT_EQ(messages, 3);
  ASSERT_EQ(ids.size(), 152u);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(ids.front(), "coat");
}

TEST_F(ProductsTest, DescribesTheIndex) {
  ASSERT_OK(index_.Add({{"cap", "Caps", {{"cap.jpg", Draw()}}, {}},
                        {"cap2", "Caps", {{"cap2.jpg", Draw()}}, {}}}));
  storage::ProductRecord numbered;
  (*numbered.mutable_attributes())["baseColour"].set_number(7);
  (*numbered.mutable_attributes())["price"].set_number(9.5);
  ASSERT_OK(index_.builder().PutProducts({{"hat", numbered}}));
  index_.builder().manifest().set_published_unix_ms(1'700'000'000'250);
  ASSERT_OK(index_.builder().Publish());
  serving_ = index_.Open();
  const v1::DescribeIndexResponse response =
      HandleDescribeIndex(*serving_, "generation 9 is damaged", "1.2.3");
  EXPECT_EQ(response.generation(), 3u);
  EXPECT_EQ(response.published_at().seconds(), 1'700'000'000);
  EXPECT_EQ(response.published_at().nanos(), 250'000'000);
  EXPECT_EQ(response.images(), 5);
  EXPECT_EQ(response.products(), 4);
  EXPECT_EQ(response.dim(), 192);
  EXPECT_EQ(response.metric(), v1::METRIC_COSINE);
  EXPECT_EQ(response.flat_shards(), 2);
  EXPECT_EQ(response.hnsw_shards(), 0);
  EXPECT_EQ(response.model().id(), index_.model());
  EXPECT_EQ(response.model().name(), "plain");
  EXPECT_EQ(response.model().resize(), "squash");
  ASSERT_EQ(response.model().blocks_size(), 2);
  EXPECT_EQ(response.model().blocks(0).name(), "shape");
  ASSERT_EQ(response.categories_size(), 2);  // The hat has lost its own.
  EXPECT_EQ(response.categories(0).category(), "Caps");
  EXPECT_EQ(response.categories(0).products(), 2);
  EXPECT_EQ(response.categories(0).slot(), "headwear");
  ASSERT_EQ(response.attributes_size(), 3);
  EXPECT_EQ(response.attributes(0).name(), "baseColour");
  EXPECT_EQ(response.attributes(0).products(), 2);
  EXPECT_EQ(response.attributes(0).type(), v1::ATTRIBUTE_TYPE_MIXED);
  EXPECT_EQ(response.attributes(1).name(), "price");
  EXPECT_EQ(response.attributes(1).type(), v1::ATTRIBUTE_TYPE_NUMBER);
  EXPECT_TRUE(response.degraded());
  EXPECT_THAT(response.degraded_reason(), HasSubstr("generation 9"));
  EXPECT_EQ(response.server_version(), "1.2.3");
}

}  // namespace
}  // namespace vitrine
