// The real vitrine-indexer: how it is asked to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::Process;

constexpr std::chrono::minutes kPatience(2);

TEST(Indexer, EndsWellWhenItIsAskedTo) {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir / "catalogue");
  testing::WriteAll(dir / "catalogue/a.jpg", DrawPicture(1, 20, 200, 60));
  // More than once: which of its threads a signal reaches is the system's
  // choice.
  for (int run = 0; run < 3; ++run) {
    Process indexer({(testing::BinDir() / "vitrine-indexer").string(),
                     "--catalog=" + (dir / "catalogue").string(),
                     "--index=" + (dir / "index").string()},
                    dir / ("log" + std::to_string(run)));
    ASSERT_TRUE(Eventually(
        [&] { return indexer.log().find("watching ") != std::string::npos; },
        kPatience))
        << indexer.log();
    indexer.Signal(run == 2 ? SIGINT : SIGTERM);
    EXPECT_EQ(indexer.Wait(kPatience), 0) << indexer.log();
    EXPECT_THAT(indexer.log(), HasSubstr("all that was read is published"));
  }
}

}  // namespace
}  // namespace vitrine
