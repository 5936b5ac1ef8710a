// Exact answers over partitions are those of one index of the same rows.
#include "server/fan_out_search.h"

#include <gmock/gmock.h>

#include <iostream>

#include "tests/test_util/environment.h"
#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

// An answer as text, but for what differs between one index and several.
std::string Comparable(v1::SearchResponse response) {
  response.clear_generation();
  response.clear_timings();
  response.clear_plan();
  RoundHits(response.mutable_hits());
  return response.DebugString();
}

class FanOutSearchTest : public ::testing::Test {
 protected:
  int Draw(int n) { return served_.Draw(n); }
  const std::string& DrawId() { return served_.DrawProduct().id; }
  v1::SearchRequest DrawRequest() {
    v1::SearchRequest request;
    request.set_exact(Draw(2) == 0);
    for (int i = Draw(3) == 0 ? 3 : 1; i > 0; --i) {
      v1::Example* example = request.add_examples();
      switch (Draw(3)) {
        case 0:
          example->set_product_id(DrawId());
          break;
        case 1:
          example->mutable_image()->set_content(
              DrawPicture(Draw(5), Draw(256), Draw(256), Draw(256)));
          break;
        default: {
          const auto vector = DrawVector(Draw(8), &served_.index.random());
          example->mutable_vector()->mutable_values()->Assign(vector.begin(),
                                                              vector.end());
        }
      }
      if (request.examples_size() > 1)
        example->set_weight(Draw(3) == 0 ? -0.3f : 0.5f);
    }
    request.set_k(1 + Draw(30));
    if (Draw(3) == 0) request.set_offset(Draw(20));
    if (Draw(4) == 0)
      request.set_min_score(0.3f + 0.1f * static_cast<float>(Draw(5)));
    if (Draw(4) == 0) request.set_group_by_product(false);
    request.set_exclude_query_products(Draw(4) == 0);
    if (Draw(4) == 0) {
      request.add_exclude_product_ids(DrawId());
      request.add_exclude_product_ids(DrawId());
    }
    request.set_metric(static_cast<v1::Metric>(Draw(4)));
    if (Draw(5) == 0) {
      request.add_emphasis()->set_block("colour");
      request.mutable_emphasis(0)->set_emphasis(2);
    }
    if (Draw(3) == 0)
      *request.mutable_filter() = served_.index.drawer().DrawFilter(3);
    if (Draw(3) == 0) {
      request.add_facets("colour");
      request.add_facets("tags");
      request.add_facets("category");
      if (Draw(2) == 0) request.set_facet_values(2);
    }
    request.set_collapse_near_duplicates(Draw(3) == 0);
    if (Draw(3) == 0) {
      request.add_diversity()->set_attribute("category");
      request.mutable_diversity(0)->set_limit(1 + Draw(3));
    }
    if (Draw(4) == 0) {
      v1::Diversity* diversity = request.add_diversity();
      diversity->set_attribute(Draw(2) == 0 ? "tags" : "price");
      diversity->set_limit(1 + Draw(3));
    }
    if (Draw(4) == 0) {
      for (int i = 1 + Draw(2); i > 0; --i) {
        v1::Boost* boost = request.add_boosts();
        *boost->mutable_filter() = served_.index.drawer().DrawFilter(2);
        boost->set_factor(0.25f * static_cast<float>(1 + Draw(12)));
      }
    }
    request.mutable_fields()->set_omit_attributes(Draw(2) == 0);
    request.mutable_fields()->set_vector(Draw(5) == 0);
    return request;
  }

  const uint32_t seed_ =
      static_cast<uint32_t>(testing::NumberFromEnvironment("VITRINE_SEED", 11));
  ServedPartitions served_{240, seed_};
};

TEST_F(FanOutSearchTest, AnswersAsOneIndexOfTheSameRows) {
  std::cout << "seed " << seed_ << " (VITRINE_SEED)\n";
  int hits = 0, refused = 0;
  for (int i = 0; i < 400; ++i) {
    const v1::SearchRequest request = DrawRequest();
    v1::SearchResponse right, answer;
    const grpc::Status expected = served_.one.Search(request, &right);
    for (const TestServer* server :
         {&served_.by_folders, &served_.by_backends}) {
      const grpc::Status status = server->Search(request, &answer);
      ASSERT_EQ(status.error_code(), expected.error_code())
          << "partitions: " << status.error_message()
          << "\none index: " << expected.error_message() << "\nfor request "
          << i << ": " << request.ShortDebugString();
      ASSERT_EQ(status.error_message(), expected.error_message());
      ASSERT_EQ(status.error_details(), expected.error_details());
      if (!status.ok()) continue;
      ASSERT_EQ(Comparable(answer), Comparable(right))
          << "request " << i << ": " << request.ShortDebugString();
      ASSERT_EQ(answer.plan().rows_matching(), right.plan().rows_matching());
      ASSERT_EQ(answer.plan().recall(), 1);
    }
    hits += right.hits_size();
    refused += expected.ok() ? 0 : 1;
  }
  EXPECT_GT(hits, 2000);
  EXPECT_LT(refused, 100);
}

TEST_F(FanOutSearchTest, RefusesWhatOneIndexRefuses) {
  std::vector<v1::SearchRequest> requests(10);
  requests[1].add_examples()->set_product_id("nobody's");
  requests[2].add_examples()->set_product_id("p00001");
  requests[2].set_k(1001);
  requests[3].add_examples()->mutable_vector()->add_values(1);
  requests[4].add_examples()->mutable_image()->set_content("no picture");
  requests[5].add_examples()->set_product_id("p00001");
  requests[5].set_facet_values(0);
  requests[6].add_examples()->set_product_id("p00001");
  requests[6].set_required_model(std::string(64, 'a'));
  requests[7].add_examples()->set_product_id("p00001");
  requests[7].add_content_sha256s("short");
  requests[8].add_examples()->set_product_id("p00001");
  requests[8].add_boosts();
  requests[9].add_examples()->set_product_id("p00001");
  auto* condition =
      requests[9].add_boosts()->mutable_filter()->mutable_condition();
  requests[9].mutable_boosts(0)->set_factor(2);
  condition->set_attribute("nobody's");
  condition->set_exists(true);
  for (const v1::SearchRequest& request : requests) {
    v1::SearchResponse answer;
    const grpc::Status expected = served_.one.Search(request, &answer);
    EXPECT_FALSE(expected.ok());
    const grpc::Status status = served_.by_backends.Search(request, &answer);
    EXPECT_EQ(status.error_code(), expected.error_code());
    EXPECT_EQ(status.error_message(), expected.error_message());
    EXPECT_EQ(status.error_details(), expected.error_details());
  }
}

TEST_F(FanOutSearchTest, RefusesAGenerationSinceEachPartitionHasItsOwn) {
  v1::SearchRequest request;
  request.add_examples()->set_product_id("p00001");
  request.set_min_generation(1);
  v1::SearchResponse answer;
  const grpc::Status status = served_.by_folders.Search(request, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("generations of their own"));
}

TEST_F(FanOutSearchTest, AnswersBatchesWithAnErrorAnItem) {
  v1::SearchStreamRequest batch;
  batch.set_batch_id(7);
  for (int i = 0; i < 40; ++i) *batch.add_queries() = DrawRequest();
  batch.add_queries()->add_examples()->set_product_id("nobody's");
  grpc::ClientContext context;
  const auto stream = served_.by_backends.stub->SearchStream(&context);
  stream->Write(batch);
  stream->WritesDone();
  v1::SearchStreamResponse answers;
  ASSERT_TRUE(stream->Read(&answers));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers.batch_id(), 7u);
  ASSERT_EQ(answers.items_size(), 41);
  for (int i = 0; i < 40; ++i) {
    v1::SearchResponse right;
    const grpc::Status expected = served_.one.Search(batch.queries(i), &right);
    const v1::SearchStreamResponse::Item& item = answers.items(i);
    ASSERT_EQ(item.has_response(), expected.ok());
    if (!expected.ok()) continue;
    EXPECT_EQ(Comparable(item.response()), Comparable(right));
  }
  EXPECT_EQ(answers.items(40).error().reason(),
            v1::ERROR_REASON_UNKNOWN_PRODUCT);
}

}  // namespace
}  // namespace vitrine
