// Products, lists and descriptions of several partitions are those of one
// index.
#include "server/fan_out_products.h"

#include <gmock/gmock.h>

#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

std::vector<std::string> List(const TestServer& server,
                              const v1::ListProductsRequest& request) {
  grpc::ClientContext context;
  const auto reader = server.stub->ListProducts(&context, request);
  std::vector<std::string> products;
  v1::ListProductsResponse response;
  while (reader->Read(&response)) {
    for (const v1::Product& product : response.products())
      products.push_back(product.DebugString());
  }
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return products;
}

class FanOutProductsTest : public ::testing::Test {
 protected:
  const ServedPartitions served_;
};

TEST_F(FanOutProductsTest, ListsAllInTheOrderOfTheirIds) {
  v1::ListProductsRequest request;
  EXPECT_EQ(List(served_.one, request).size(), 240u);
  for (int i = 0; i < 4; ++i) {
    request.set_vectors(i == 1);
    if (i >= 2) request.set_after_product_id("p00100");
    if (i == 3) {
      request.mutable_filter()->mutable_condition()->set_attribute("category");
      request.mutable_filter()
          ->mutable_condition()
          ->mutable_any_of()
          ->add_values("Dress");
    }
    const auto right = List(served_.one, request);
    EXPECT_FALSE(right.empty());
    EXPECT_EQ(List(served_.by_folders, request), right);
    EXPECT_EQ(List(served_.by_backends, request), right);
  }
}

TEST_F(FanOutProductsTest, FindsAProductWhereverItIs) {
  for (const char* id :
       {"p00000", "p00001", "p00002", "p00239", "nobody's", ""}) {
    v1::GetProductRequest request;
    request.set_product_id(id);
    request.set_vectors(true);
    v1::GetProductResponse right, answer;
    grpc::ClientContext a, b;
    const grpc::Status expected =
        served_.one.stub->GetProduct(&a, request, &right);
    const grpc::Status status =
        served_.by_backends.stub->GetProduct(&b, request, &answer);
    EXPECT_EQ(status.error_code(), expected.error_code());
    EXPECT_EQ(status.error_message(), expected.error_message());
    EXPECT_EQ(answer.product().DebugString(), right.product().DebugString());
  }
}

TEST_F(FanOutProductsTest, TellsOfAPictureThatItsProductHasNot) {
  v1::GetImageRequest request;
  request.set_product_id("p00005");
  for (const char* image : {"", "no.jpg"}) {
    request.set_image(image);
    v1::GetImageResponse answer;
    grpc::ClientContext a, b;
    const grpc::Status expected =
        served_.one.stub->GetImage(&a, request, &answer);
    const grpc::Status status =
        served_.by_folders.stub->GetImage(&b, request, &answer);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(status.error_message(), expected.error_message());
  }
}

TEST_F(FanOutProductsTest, DescribesTheSum) {
  v1::DescribeIndexResponse right = served_.one.Describe();
  for (const TestServer* server : {&served_.by_folders, &served_.by_backends}) {
    v1::DescribeIndexResponse sum = server->Describe();
    EXPECT_EQ(sum.images(), right.images());
    EXPECT_EQ(sum.products(), right.products());
    EXPECT_EQ(sum.dim(), right.dim());
    EXPECT_EQ(sum.model().DebugString(), right.model().DebugString());
    EXPECT_FALSE(sum.degraded()) << sum.degraded_reason();
    EXPECT_EQ(sum.server_version(), "1.2.3");
    ASSERT_EQ(sum.categories_size(), right.categories_size());
    for (int i = 0; i < sum.categories_size(); ++i) {
      EXPECT_EQ(sum.categories(i).DebugString(),
                right.categories(i).DebugString());
    }
    ASSERT_EQ(sum.attributes_size(), right.attributes_size());
    for (int i = 0; i < sum.attributes_size(); ++i) {
      EXPECT_EQ(sum.attributes(i).DebugString(),
                right.attributes(i).DebugString());
    }
    ASSERT_EQ(sum.partitions_size(), 3);
    int64_t images = 0;
    for (const v1::PartitionSummary& partition : sum.partitions()) {
      EXPECT_EQ(partition.generation(), 1u);
      EXPECT_EQ(partition.trouble(), "");
      images += partition.images();
    }
    EXPECT_EQ(images, right.images());
  }
}

}  // namespace
}  // namespace vitrine
