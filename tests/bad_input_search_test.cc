// Every bad request is refused with a message that names the value and the
// remedy, a reason, the field and the limit.
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "server/recommend.h"
#include "server/search_handler.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

struct Expected {
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  v1::ErrorReason reason = v1::ERROR_REASON_INVALID_PARAMETER;
  std::string field = {};
  std::string message = {};  // A part of it.
  std::optional<double> limit = {};
};

void ExpectRefused(const absl::Status& status, const Expected& expected) {
  const v1::Error error = ErrorOf(status);
  EXPECT_EQ(status.code(), expected.code) << status;
  EXPECT_EQ(error.reason(), expected.reason) << status;
  EXPECT_EQ(error.field(), expected.field) << status;
  EXPECT_THAT(error.message(), ::testing::HasSubstr(expected.message));
  EXPECT_EQ(error.has_limit(), expected.limit.has_value()) << status;
  if (expected.limit) {
    EXPECT_DOUBLE_EQ(error.limit(), *expected.limit);
  }
}

class BadSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_OK(index_.Add(
        {{"a", "Dress", {{"a.jpg", DrawVector(0, &random)}}, {}},
         {"b", "Dresses", {{"b.jpg", DrawVector(1, &random)}}, {}},
         {"c", "Casual Shoes", {{"c.jpg", DrawVector(2, &random)}}, {}}}));
    serving_ = index_.Open();
  }

  // Changes a good request and expects it to be refused.
  void Refuses(const std::function<void(v1::SearchRequest*)>& spoil,
               const Expected& expected) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id("a");
    ASSERT_OK(AnswerOf(*serving_, request));
    spoil(&request);
    ExpectRefused(AnswerOf(*serving_, request).status(), expected);
  }
  void RefusesRecommend(const std::function<void(v1::RecommendRequest*)>& spoil,
                        const Expected& expected) {
    v1::RecommendRequest request;
    request.set_product_id("a");
    ASSERT_OK(HandleRecommend(*serving_, request, Call()));
    spoil(&request);
    ExpectRefused(HandleRecommend(*serving_, request, Call()).status(),
                  expected);
  }
  static void SetVector(const std::vector<float>& values,
                        v1::Example* example) {
    example->mutable_vector()->mutable_values()->Assign(values.begin(),
                                                        values.end());
  }

  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(BadSearchTest, NoExample) {
  Refuses([](auto* r) { r->clear_examples(); },
          {.reason = v1::ERROR_REASON_NO_EXAMPLE,
           .field = "examples",
           .message = "the search has no example; give at least one"});
  Refuses([](auto* r) { r->add_examples()->set_weight(1); },
          {.reason = v1::ERROR_REASON_NO_EXAMPLE,
           .field = "examples[1]",
           .message = "examples[1] is empty"});
}

TEST_F(BadSearchTest, TooManyExamples) {
  Refuses(
      [](auto* r) {
        while (r->examples_size() < 17) {
          r->add_examples()->set_product_id("a");
        }
      },
      {.field = "examples",
       .message = "examples has 17 entries; right is 1 to 16",
       .limit = 16});
}

TEST_F(BadSearchTest, KOutOfRange) {
  Refuses([](auto* r) { r->set_k(0); },
          {.field = "k", .message = "k is 0; right is 1 to 1000", .limit = 1});
  Refuses([](auto* r) { r->set_k(-5); },
          {.field = "k", .message = "k is -5", .limit = 1});
  Refuses([](auto* r) { r->set_k(100'000); },
          {.field = "k",
           .message = "k is 100000; right is 1 to 1000",
           .limit = 1000});
}

TEST_F(BadSearchTest, OtherNumbersOutOfRange) {
  Refuses([](auto* r) { r->set_offset(-1); },
          {.field = "offset", .message = "offset is -1", .limit = 0});
  Refuses([](auto* r) { r->set_offset(20'000'001); },
          {.field = "offset", .message = "offset is 20000001;", .limit = 990});
  Refuses([](auto* r) { r->set_offset(995); },
          {.field = "offset",
           .message = "offset is 995; right is 0 to 990",
           .limit = 990});
  Refuses([](auto* r) { r->set_min_score(1.5f); },
          {.field = "min_score", .message = "min_score is 1.5", .limit = 1});
  Refuses([](auto* r) { r->set_min_score(std::nanf("")); },
          {.field = "min_score", .message = "min_score is nan", .limit = 1});
  Refuses(
      [](auto* r) { r->set_ef(0); },
      {.field = "ef", .message = "ef is 0; right is 1 to 4096", .limit = 1});
  Refuses([](auto* r) { r->set_ef(5000); },
          {.field = "ef", .message = "ef is 5000", .limit = 4096});
  Refuses([](auto* r) { r->set_min_recall(0); },
          {.field = "min_recall", .message = "min_recall is 0; right is more"});
  Refuses([](auto* r) { r->set_min_recall(1.01); },
          {.field = "min_recall", .message = "min_recall is 1.01"});
  Refuses([](auto* r) { r->set_min_recall(std::nan("")); },
          {.field = "min_recall", .message = "min_recall is nan"});
  Refuses(
      [](auto* r) {
        r->set_min_recall(0.9);
        r->set_ef(64);
      },
      {.field = "min_recall", .message = "the request gives both"});
  Refuses([](auto* r) { r->set_metric(static_cast<v1::Metric>(77)); },
          {.field = "metric", .message = "metric 77 is not known"});
  Refuses(
      [](auto* r) {
        for (int i = 0; i < 10'001; ++i) r->add_exclude_product_ids("x");
      },
      {.field = "exclude_product_ids",
       .message = "has 10001 entries; right is 0 to 10000",
       .limit = 10'000});
}

TEST_F(BadSearchTest, UnknownProduct) {
  Refuses([](auto* r) { r->mutable_examples(0)->set_product_id("nobody"); },
          {.code = absl::StatusCode::kNotFound,
           .reason = v1::ERROR_REASON_UNKNOWN_PRODUCT,
           .field = "examples[0].product_id",
           .message = "nobody"});
}

TEST_F(BadSearchTest, BadVectors) {
  std::vector<float> vector(192, 0.5f);
  vector[7] = std::nanf("");
  Refuses([&](auto* r) { SetVector(vector, r->mutable_examples(0)); },
          {.reason = v1::ERROR_REASON_BAD_VECTOR,
           .field = "examples[0].vector.values",
           .message = "examples[0].vector.values[7] is nan"});
  vector[7] = std::numeric_limits<float>::infinity();
  Refuses([&](auto* r) { SetVector(vector, r->mutable_examples(0)); },
          {.reason = v1::ERROR_REASON_BAD_VECTOR,
           .field = "examples[0].vector.values",
           .message = "[7] is inf"});
  std::fill(vector.begin(), vector.begin() + 128, 0.0f);
  Refuses([&](auto* r) { SetVector(vector, r->mutable_examples(0)); },
          {.reason = v1::ERROR_REASON_BAD_VECTOR,
           .field = "examples[0].vector.values",
           .message = "\"shape\""});
  vector.resize(100);
  Refuses([&](auto* r) { SetVector(vector, r->mutable_examples(0)); },
          {.code = absl::StatusCode::kFailedPrecondition,
           .reason = v1::ERROR_REASON_WRONG_DIMENSION,
           .field = "examples[0].vector.values",
           .message = "has 100 numbers, but vectors of this index have 192; "
                      "embed with its model",
           .limit = 192});
}

TEST_F(BadSearchTest, ExamplesThatCancel) {
  Refuses(
      [](auto* r) {
        r->add_examples()->set_product_id("a");
        r->mutable_examples(1)->set_weight(-1);
      },
      {.reason = v1::ERROR_REASON_EXAMPLES_CANCEL,
       .field = "examples",
       .message = "the examples cancel",
       .limit = 1e-3});
  Refuses([](auto* r) { r->mutable_examples(0)->set_weight(-1); },
          {.reason = v1::ERROR_REASON_EXAMPLES_CANCEL,
           .field = "examples",
           .message = "no example has a positive weight"});
  Refuses([](auto* r) { r->mutable_examples(0)->set_weight(INFINITY); },
          {.field = "examples[0].weight", .message = "the weight inf"});
}

TEST_F(BadSearchTest, BadPictures) {
  auto with_picture = [](std::string bytes) {
    return [bytes = std::move(bytes)](v1::SearchRequest* r) {
      r->mutable_examples(0)->mutable_image()->set_content(bytes);
    };
  };
  Refuses(with_picture(""), {.reason = v1::ERROR_REASON_IMAGE_EMPTY,
                             .field = "examples[0].image.content"});
  Refuses(with_picture("hello"),
          {.reason = v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
           .field = "examples[0].image.content"});
  const std::string good = DrawPicture(1, 10, 20, 30);
  Refuses(with_picture(good.substr(0, good.size() / 2)),
          {.reason = v1::ERROR_REASON_IMAGE_TRUNCATED,
           .field = "examples[0].image.content"});
  Refuses(with_picture(std::string().append(33'000'000, '\xff')),
          {.reason = v1::ERROR_REASON_IMAGE_TOO_LARGE,
           .field = "examples[0].image.content",
           .limit = 32'000'000});
}

TEST_F(BadSearchTest, BadRegions) {
  const float bad[][4] = {{0.5f, 0, 0.5f, 1},       {-0.1f, 0, 1, 1},
                          {0, 0, 1, 1.1f},          {0.9f, 0, 0.1f, 1},
                          {0, std::nanf(""), 1, 1}, {0, 0, 0.001f, 1}};
  for (const float* region : bad) {
    Refuses(
        [&](auto* r) {
          v1::ImageInput* image = r->mutable_examples(0)->mutable_image();
          image->set_content(DrawPicture(1, 10, 20, 30));
          image->mutable_region()->set_x0(region[0]);
          image->mutable_region()->set_y0(region[1]);
          image->mutable_region()->set_x1(region[2]);
          image->mutable_region()->set_y1(region[3]);
        },
        {.field = "examples[0].image.region", .message = "region"});
  }
}

TEST_F(BadSearchTest, BadEmphasis) {
  auto with_emphasis = [](const char* block, float emphasis) {
    return [=](v1::SearchRequest* r) {
      v1::BlockEmphasis* added = r->add_emphasis();
      added->set_block(block);
      added->set_emphasis(emphasis);
    };
  };
  Refuses(with_emphasis("smell", 1),
          {.field = "emphasis[0].block",
           .message = "the model has no block 'smell'; its blocks are shape, "
                      "colour"});
  Refuses(with_emphasis("shape", -1),
          {.field = "emphasis[0].emphasis", .message = "is -1", .limit = 0});
  Refuses(
      [&](auto* r) {
        with_emphasis("shape", 0)(r);
        with_emphasis("colour", 0)(r);
      },
      {.field = "emphasis", .message = "every block has emphasis 0"});
}

TEST_F(BadSearchTest, OtherGenerationOrModel) {
  Refuses([](auto* r) { r->set_min_generation(2); },
          {.code = absl::StatusCode::kFailedPrecondition,
           .reason = v1::ERROR_REASON_GENERATION_NOT_SERVED,
           .field = "min_generation",
           .message = "generation 2 is not served yet; the newest here is 1",
           .limit = 1});
  Refuses([](auto* r) { r->set_required_model("00000000"); },
          {.code = absl::StatusCode::kFailedPrecondition,
           .reason = v1::ERROR_REASON_WRONG_MODEL,
           .field = "required_model",
           .message = "model 00000000 is required"});
  Refuses([&](auto* r) { r->set_required_model(index_.model().substr(0, 7)); },
          {.field = "required_model",
           .message = "at least its first 8 digits",
           .limit = 8});
}

TEST_F(BadSearchTest, DiversityWithoutMeaning) {
  Refuses([](auto* r) { r->add_diversity()->set_limit(1); },
          {.field = "diversity[0].attribute",
           .message = "diversity[0] names no attribute"});
  Refuses([](auto* r) { r->add_diversity()->set_attribute("brand"); },
          {.field = "diversity[0].limit",
           .message = "diversity[0].limit is 0; right is 1 to 1000",
           .limit = 1});
  Refuses(
      [](auto* r) {
        for (int i = 0; i < 9; ++i) r->add_diversity()->set_attribute("brand");
      },
      {.field = "diversity", .message = "diversity has 9", .limit = 8});
}

TEST_F(BadSearchTest, FiltersWithoutMeaning) {
  Refuses(
      [](auto* r) { r->mutable_filter(); },
      {.field = "filter",
       .message = "filter is empty; give it a condition, all, any or none"});
  RefusesRecommend([](auto* r) { r->mutable_filter(); }, {.field = "filter"});
  Refuses([](auto* r) { r->mutable_filter()->mutable_all(); },
          {.field = "filter.all.filters",
           .message = "has 0 entries; give at least one filter",
           .limit = 1});
  Refuses(
      [](auto* r) {
        r->mutable_filter()->mutable_any()->add_filters()->mutable_none();
      },
      {.field = "filter.any.filters[0].none.filters",
       .message = "has 0 entries",
       .limit = 1});
  Refuses(
      [](auto* r) {
        v1::Filter* filter = r->mutable_filter();
        for (int i = 0; i < 8; ++i) {
          filter = filter->mutable_none()->add_filters();
        }
        filter->mutable_condition()->set_attribute("colour");
        filter->mutable_condition()->set_flag(true);
      },
      {.field = "filter.none.filters[0].none.filters[0].none.filters[0]"
                ".none.filters[0].none.filters[0].none.filters[0]"
                ".none.filters[0].none.filters[0]",
       .message = "is nested 9 levels deep; right is at most 8",
       .limit = 8});
}

TEST_F(BadSearchTest, ConditionsWithoutMeaning) {
  auto with_condition =
      [](const std::function<void(v1::Filter::Condition*)>& make) {
        return [make](v1::SearchRequest* r) {
          v1::Filter::FilterList* all = r->mutable_filter()->mutable_all();
          for (int i = 0; i < 2; ++i) {
            v1::Filter::Condition* condition =
                all->add_filters()->mutable_condition();
            condition->set_attribute("price");
            condition->mutable_range();
          }
          make(all->mutable_filters(1)->mutable_condition());
        };
      };
  const std::string path = "filter.all.filters[1].condition";
  Refuses(with_condition([](auto* c) { c->clear_attribute(); }),
          {.field = path + ".attribute",
           .message = path + ".attribute is empty; give the name"});
  Refuses(with_condition([](auto* c) { c->clear_range(); }),
          {.field = path,
           .message = "does not say what must hold of \"price\"; give it "
                      "any_of, range, flag or exists"});
  Refuses(with_condition([](auto* c) { c->mutable_any_of(); }),
          {.field = path + ".any_of.values",
           .message = "has 0 entries, which nothing could match",
           .limit = 1});
  Refuses(with_condition(
              [](auto* c) { c->mutable_range()->set_min(std::nan("")); }),
          {.field = path + ".range.min", .message = "is nan; give a number"});
  Refuses(with_condition(
              [](auto* c) { c->mutable_range()->set_max(std::nan("")); }),
          {.field = path + ".range.max", .message = "is nan; give a number"});
  Refuses(with_condition([](auto* c) {
            c->mutable_range()->set_min(50);
            c->mutable_range()->set_max(19.5);
          }),
          {.field = path + ".range",
           .message = "is from 50 to 19.5, which holds no number"});
  Refuses(with_condition([](auto* c) {
            for (int i = 0; i < 10'001; ++i) {
              c->mutable_any_of()->add_values("red");
            }
          }),
          {.field = path + ".any_of.values",
           .message = "10001 values; right is at most 10000",
           .limit = 10'000});
}

TEST_F(BadSearchTest, FacetsThatCannotBeCounted) {
  Refuses(
      [](auto* r) { r->add_facets(""); },
      {.field = "facets[0]", .message = "facets[0] is \"\"; give the name"});
  Refuses(
      [](auto* r) {
        r->add_facets("category");
        r->add_facets("product_id");
      },
      {.field = "facets[1]", .message = "facets[1] is \"product_id\""});
  Refuses(
      [](auto* r) {
        while (r->facets_size() < 17) r->add_facets("colour");
      },
      {.field = "facets",
       .message = "facets has 17 entries; right is 0 to 16",
       .limit = 16});
}

TEST_F(BadSearchTest, Recommendations) {
  RefusesRecommend([](auto* r) { r->clear_product_id(); },
                   {.reason = v1::ERROR_REASON_NO_EXAMPLE,
                    .field = "image",
                    .message = "names nothing to recommend for"});
  RefusesRecommend([](auto* r) { r->set_product_id("nobody"); },
                   {.code = absl::StatusCode::kNotFound,
                    .reason = v1::ERROR_REASON_UNKNOWN_PRODUCT,
                    .field = "product_id",
                    .message = "nobody"});
  RefusesRecommend(
      [](auto* r) {
        r->set_category(
            "Casual Shoe"
            "z");
      },
      {.code = absl::StatusCode::kNotFound,
       .reason = v1::ERROR_REASON_UNKNOWN_CATEGORY,
       .field = "category",
       .message = "no product has the category 'Casual Shoez'; "
                  "close ones are Casual Shoes"});
  // Both "Dress" and "Dresses" are there.
  RefusesRecommend([](auto* r) { r->set_category("DRESS"); },
                   {.code = absl::StatusCode::kNotFound,
                    .reason = v1::ERROR_REASON_UNKNOWN_CATEGORY,
                    .field = "category",
                    .message = "close ones are Dress, Dresses"});
  RefusesRecommend([](auto* r) { r->add_slots("wings"); },
                   {.code = absl::StatusCode::kNotFound,
                    .reason = v1::ERROR_REASON_UNKNOWN_CATEGORY,
                    .field = "slots[0]",
                    .message = "there is no slot 'wings'; slots are top"});
  RefusesRecommend(
      [](auto* r) { r->set_k_similar(101); },
      {.field = "k_similar", .message = "right is 0 to 100", .limit = 100});
  RefusesRecommend([](auto* r) { r->set_k_per_slot(-1); },
                   {.field = "k_per_slot", .message = "is -1", .limit = 0});
  RefusesRecommend([](auto* r) { r->set_min_confidence(2); },
                   {.field = "min_confidence", .message = "is 2", .limit = 1});
}

TEST_F(BadSearchTest, EmbedWithoutOrWithTooManyPictures) {
  v1::EmbedRequest request;
  ExpectRefused(HandleEmbed(*serving_, request, Call()).status(),
                {.field = "images",
                 .message = "images has 0 entries; right is 1 to 64",
                 .limit = 1});
  while (request.images_size() < 65) request.add_images();
  ExpectRefused(HandleEmbed(*serving_, request, Call()).status(),
                {.field = "images", .message = "has 65", .limit = 64});
}

}  // namespace
}  // namespace vitrine
