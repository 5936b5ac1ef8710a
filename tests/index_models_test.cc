#include "clients/eval/index_models.h"

#include <gmock/gmock.h>

#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;

TEST(TakeFromIndex, TakesBothModelsAndTheCatalogue) {
  TempDir dir;
  IndexBuilder builder(dir.path(), TestBlocks(), std::string(64, 'a'));
  storage::SourcePosition& source = *builder.manifest().add_sources();
  source.set_source("directory");
  (*source.mutable_settings())["root"] = "/srv/photos";
  ASSERT_OK(builder.Publish());
  EvalOptions options;
  ASSERT_OK(TakeFromIndex(dir.path(), &options));
  EXPECT_THAT(options.models,
              ElementsAre(builder.paths().model(std::string(64, 'a'))));
  EXPECT_EQ(options.catalog.root, "/srv/photos");

  storage::VectorSet other = builder.set();
  other.set_id(2);
  other.set_state(storage::VectorSet::STATE_BUILDING);
  other.set_model(std::string(64, 'b'));
  *builder.manifest().add_vector_sets() = other;
  ASSERT_OK(builder.Publish());
  options = {};
  options.catalog.root = "/elsewhere";
  ASSERT_OK(TakeFromIndex(dir.path(), &options));
  EXPECT_THAT(options.models,
              ElementsAre(builder.paths().model(std::string(64, 'a')),
                          builder.paths().model(std::string(64, 'b'))));
  EXPECT_EQ(options.catalog.root, "/elsewhere");
}

TEST(TakeFromIndex, SaysWhereThereIsNone) {
  TempDir dir;
  EvalOptions options;
  EXPECT_STATUS(TakeFromIndex(dir.path() / "none", &options),
                absl::StatusCode::kNotFound, "there is no index in");
}

}  // namespace
}  // namespace vitrine::eval
