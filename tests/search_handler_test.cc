#include "server/search_handler.h"

#include <cmath>
#include <functional>
#include <initializer_list>

#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A unit vector that is `angle` away from the first axis of each block.
std::vector<float> At(double angle) {
  std::vector<float> vector(192);
  vector[0] = vector[128] = static_cast<float>(std::cos(angle));
  vector[1] = vector[129] = static_cast<float>(std::sin(angle));
  NormaliseBlocks(TestBlocks(), vector.data());
  return vector;
}

std::vector<std::string> Ids(const v1::SearchResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Hit& hit : response.hits()) ids.push_back(hit.product_id());
  return ids;
}

class SearchHandlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Products a to e, each a little further from the first axis; m has two
    // pictures on both sides of b.
    ASSERT_OK(index_.Add({{"a", "Dress", {{"a.jpg", At(0)}}, {}},
                          {"b", "Dress", {{"b.jpg", At(0.1)}}, {}},
                          {"c", "Shoes", {{"c.jpg", At(0.3)}}, {}},
                          {"d", "Shoes", {{"d.jpg", At(0.6)}}, {}},
                          {"e", "Hat", {{"e.jpg", At(1.0)}}, {}},
                          {"m",
                           "Hat",
                           {{"m1.jpg", At(-0.15)}, {"m2.jpg", At(0.35)}},
                           {{"baseColour", "Red"}}}}));
    serving_ = index_.Open();
  }
  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request) {
    return AnswerOf(*serving_, request);
  }
  static v1::Example* AddVector(const std::vector<float>& vector,
                                v1::SearchRequest* request) {
    v1::Example* example = request->add_examples();
    example->mutable_vector()->mutable_values()->Assign(vector.begin(),
                                                        vector.end());
    return example;
  }
  static v1::SearchRequest ByProduct(const std::string& id) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id(id);
    return request;
  }

  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(SearchHandlerTest, AnswersWithGenerationModelAndPlan) {
  v1::SearchRequest request;
  AddVector(At(0), &request);
  request.set_k(3);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("a", "b", "m"));
  EXPECT_EQ(response.generation(), 1u);
  EXPECT_EQ(response.model(), index_.model());
  EXPECT_EQ(response.metric(), v1::METRIC_COSINE);
  EXPECT_EQ(response.plan().kind(), v1::QueryPlan::KIND_EXACT_SCAN);
  EXPECT_EQ(response.plan().rows_matching(), 7);
  EXPECT_EQ(response.plan().shards(), 1);
  EXPECT_GT(response.timings().search_ms(), 0);
  const v1::Hit& hit = response.hits(1);
  EXPECT_EQ(hit.title(), "Title of b");
  EXPECT_EQ(hit.category(), "Dress");
  EXPECT_EQ(hit.image(), "b.jpg");
  EXPECT_NEAR(hit.score(), std::cos(0.1), 1e-3);
  EXPECT_NEAR(hit.distance(), 1 - std::cos(0.1), 1e-3);
  ASSERT_EQ(hit.block_scores_size(), 2);
  EXPECT_EQ(hit.block_scores(1).block(), "colour");
  EXPECT_NEAR(hit.block_scores(1).cosine(), std::cos(0.1), 1e-3);
  EXPECT_FALSE(hit.same_content());
  EXPECT_TRUE(hit.thumbnail().empty());
  EXPECT_FALSE(hit.has_vector());
}

TEST_F(SearchHandlerTest, TellsWhatItsRecallIsKnownBy) {
  v1::SearchRequest request = ByProduct("a");
  request.set_min_recall(0.99);
  ASSERT_OK_AND_ASSIGN(const v1::SearchResponse answer, Search(request));
  EXPECT_EQ(answer.plan().recall_basis(), v1::QueryPlan::RECALL_BASIS_SCANNED);
  EXPECT_EQ(answer.plan().recall(), 1);
}

TEST_F(SearchHandlerTest, DefaultsToTenHits) {
  v1::SearchRequest request;
  AddVector(At(0), &request);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_EQ(response.hits_size(), 6);
}

TEST_F(SearchHandlerTest, PutsTheProductThatIsAskedForFirst) {
  // By its mean, b is nearer to m than either of m's own pictures.
  v1::SearchRequest request = ByProduct("m");
  request.set_k(3);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("m", "b", "a"));
  EXPECT_EQ(response.hits(0).score(), 1);
  EXPECT_EQ(response.hits(0).distance(), 0);
  EXPECT_TRUE(response.hits(0).same_content());
  EXPECT_FALSE(response.hits(1).same_content());
}

TEST_F(SearchHandlerTest, CountsTheProductThatIsAskedForInPages) {
  v1::SearchRequest request = ByProduct("m");
  request.set_k(2);
  request.set_offset(1);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("b", "a"));
  request.set_offset(5);
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_EQ(response.hits_size(), 1);
  request.set_offset(6);
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_EQ(response.hits_size(), 0);
}

TEST_F(SearchHandlerTest, LeavesOutProductsOnRequest) {
  v1::SearchRequest request = ByProduct("a");
  request.set_k(2);
  request.set_exclude_query_products(true);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("b", "m"));
  request.set_exclude_query_products(false);
  request.add_exclude_product_ids("a");
  request.add_exclude_product_ids("m");
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("b", "c"));
}

TEST_F(SearchHandlerTest, AnswersPicturesWhereProductsAreNotGrouped) {
  v1::SearchRequest request = ByProduct("m");
  request.set_group_by_product(false);
  request.set_k(7);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("m", "b", "a", "c", "m", "d", "e"));
}

TEST_F(SearchHandlerTest, LooksAwayFromNegativeExamples) {
  v1::SearchRequest request;
  AddVector(At(0.3), &request);
  AddVector(At(1.0), &request)->set_weight(-0.5f);
  request.set_k(1);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("m"));
  EXPECT_EQ(response.hits(0).image(), "m1.jpg");
}

TEST_F(SearchHandlerTest, ComparesByTheMetricThatIsAskedFor) {
  v1::SearchRequest request;
  AddVector(At(0), &request);
  request.set_metric(v1::METRIC_EUCLIDEAN);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_EQ(response.metric(), v1::METRIC_EUCLIDEAN);
  const double distance = std::sqrt(2 - 2 * std::cos(0.1));
  // The root enlarges the rounding of the stored float16 numbers.
  EXPECT_NEAR(response.hits(1).distance(), distance, 5e-3);
  EXPECT_NEAR(response.hits(1).score(), 1 / (1 + distance), 5e-3);
}

TEST_F(SearchHandlerTest, LeavesOutWhatScoresTooLittle) {
  v1::SearchRequest request;
  AddVector(At(0), &request);
  request.set_min_score(0.99f);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("a", "b"));
}

TEST_F(SearchHandlerTest, WeighsBlocksByEmphasis) {
  std::vector<float> mixed = At(0);
  const std::vector<float> far = At(1.0);
  std::copy(far.begin() + 128, far.end(), mixed.begin() + 128);
  v1::SearchRequest request;
  AddVector(mixed, &request);
  request.set_k(1);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("b"));
  v1::BlockEmphasis* emphasis = request.add_emphasis();
  emphasis->set_block("shape");
  emphasis->set_emphasis(0);
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("e"));
  EXPECT_NEAR(response.hits(0).score(), 1, 1e-3);
}

TEST_F(SearchHandlerTest, ReturnsTheFieldsThatAreAskedFor) {
  v1::SearchRequest request = ByProduct("m");
  request.set_k(1);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_EQ(response.hits(0).attributes().at("baseColour").text(), "Red");
  request.mutable_fields()->set_omit_title(true);
  request.mutable_fields()->set_omit_attributes(true);
  request.mutable_fields()->set_vector(true);
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_EQ(response.hits(0).title(), "");
  EXPECT_TRUE(response.hits(0).attributes().empty());
  EXPECT_EQ(response.hits(0).category(), "Hat");
  ASSERT_EQ(response.hits(0).vector().values_size(), 192);
  // A vector from the API may be sent back.
  v1::SearchRequest back;
  *back.add_examples()->mutable_vector() = response.hits(0).vector();
  ASSERT_OK_AND_ASSIGN(response, Search(back));
  EXPECT_NEAR(response.hits(0).score(), 1, 1e-3);
}

TEST_F(SearchHandlerTest, FindsAPictureByItsBytes) {
  const std::string red = DrawPicture(1, 200, 20, 20);
  const std::string blue = DrawPicture(2, 20, 20, 200);
  ASSERT_OK(index_.Add({{"red", "Dress", {{"red.jpg", {}, red}}, {}},
                        {"blue", "Dress", {{"blue.jpg", {}, blue}}, {}}}));
  serving_ = index_.Open();
  v1::SearchRequest request;
  v1::ImageInput* image = request.add_examples()->mutable_image();
  image->set_content(red);
  request.set_k(2);
  request.mutable_fields()->set_thumbnail(true);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_THAT(Ids(response), ElementsAre("red", "blue"));
  EXPECT_GE(response.hits(0).score(), 0.998);
  EXPECT_LE(response.hits(0).score(), 1);
  EXPECT_TRUE(response.hits(0).same_content());
  EXPECT_FALSE(response.hits(1).same_content());
  EXPECT_EQ(response.hits(0).thumbnail(), red);
  EXPECT_GT(response.timings().decode_ms(), 0);
  EXPECT_GT(response.timings().embed_ms(), 0);
  // A part of a picture is other content.
  v1::Region* region = image->mutable_region();
  region->set_x1(1);
  region->set_y1(0.9f);
  ASSERT_OK_AND_ASSIGN(response, Search(request));
  EXPECT_EQ(response.hits(0).product_id(), "red");
  EXPECT_LT(response.hits(0).score(), 0.998);
  EXPECT_FALSE(response.hits(0).same_content());
}

TEST_F(SearchHandlerTest, AnswersNothingFromAnEmptyIndex) {
  ServingIndex empty;
  ASSERT_OK(empty.Add({}));
  serving_ = empty.Open();
  v1::SearchRequest request;
  AddVector(At(0), &request);
  ASSERT_OK_AND_ASSIGN(v1::SearchResponse response, Search(request));
  EXPECT_EQ(response.hits_size(), 0);
  EXPECT_EQ(response.generation(), 1u);
}

TEST_F(SearchHandlerTest, HonoursGenerationAndModel) {
  v1::SearchRequest request = ByProduct("a");
  request.set_min_generation(1);
  request.set_required_model(index_.model().substr(0, 8));
  EXPECT_OK(Search(request));
  request.set_required_model(index_.model());
  EXPECT_OK(Search(request));
}

TEST_F(SearchHandlerTest, EmbedsPicturesAndTellsWhichFailed) {
  v1::EmbedRequest request;
  const std::string red = DrawPicture(1, 200, 20, 20);
  request.add_images()->set_content(red);
  request.add_images()->set_content("no picture");
  for (int i = 0; i < 30; ++i) request.add_images()->set_content(red);
  ASSERT_OK_AND_ASSIGN(v1::EmbedResponse response,
                       HandleEmbed(*serving_, request, Call()));
  ASSERT_EQ(response.items_size(), 32);
  const std::vector<float> expected = VectorOfPicture(red);
  for (int i : {0, 2, 31}) {
    ASSERT_EQ(response.items(i).vector().values_size(), 192) << i;
    EXPECT_NEAR(response.items(i).vector().values(5), expected[5], 1e-6);
  }
  EXPECT_EQ(response.items(1).error().reason(),
            v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
  EXPECT_EQ(response.items(1).error().field(), "images[1].content");
  EXPECT_EQ(response.model(), index_.model());
}

TEST_F(SearchHandlerTest, TakesPlainSearchesAloneForBrief) {
  const v1::SearchRequest plain = ByProduct("a");
  EXPECT_TRUE(IsBrief(serving_->snapshot(), plain));
  using Change = std::function<void(v1::SearchRequest*)>;
  for (const Change& change : std::initializer_list<Change>{
           [](auto* r) { r->set_k(100); }, [](auto* r) { r->set_ef(128); },
           [](auto* r) { AddVector(At(1), r); },
           [](auto* r) { r->add_emphasis()->set_block("colour"); }}) {
    v1::SearchRequest request = plain;
    change(&request);
    EXPECT_TRUE(IsBrief(serving_->snapshot(), request))
        << request.ShortDebugString();
  }
  for (const Change& change : std::initializer_list<Change>{
           [](auto* r) { r->set_k(101); },
           [](auto* r) { r->set_k(100), r->set_offset(1); },
           [](auto* r) { r->set_ef(129); }, [](auto* r) { r->set_exact(true); },
           [](auto* r) { r->set_min_recall(0.9); },
           [](auto* r) { r->set_metric(v1::METRIC_MANHATTAN); },
           [](auto* r) { r->mutable_filter(); },
           [](auto* r) { r->add_facets("category"); },
           [](auto* r) { r->add_diversity(); },
           [](auto* r) { r->set_collapse_near_duplicates(true); },
           [](auto* r) { r->add_exclude_product_ids("b"); },
           [](auto* r) { r->mutable_fields()->set_thumbnail(true); },
           [](auto* r) { r->mutable_fields()->set_vector(true); },
           [](auto* r) { r->add_examples()->mutable_image(); },
           [](auto* r) {
             for (int i = 0; i < 4; ++i) AddVector(At(1), r);
           }}) {
    v1::SearchRequest request = plain;
    change(&request);
    EXPECT_FALSE(IsBrief(serving_->snapshot(), request))
        << request.ShortDebugString();
  }
}

TEST_F(SearchHandlerTest, DropsACallThatIsLateOrGone) {
  Call late;
  late.deadline = std::chrono::system_clock::now() - std::chrono::seconds(1);
  EXPECT_STATUS(AnswerOf(*serving_, ByProduct("a"), late),
                absl::StatusCode::kDeadlineExceeded, "the deadline passed");
  Call gone;
  gone.cancelled = [] { return true; };
  EXPECT_STATUS(AnswerOf(*serving_, ByProduct("a"), gone),
                absl::StatusCode::kCancelled, "cancelled");
}

}  // namespace
}  // namespace vitrine
