#include "indexer/refused_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/hash.h"
#include "indexer/generation_draft.h"
#include "tests/test_util.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RefusedPicturesTest : public ::testing::Test {
 protected:
  absl::Status Keep(RefusedPictures* pictures, const std::string& bytes) {
    return pictures->Keep(BytesOf(Sha256(bytes)), bytes);
  }
  std::vector<std::string> Kept() {
    std::vector<std::string> contents;
    if (!fs::exists(folder_)) return contents;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      contents.push_back(testing::ReadAll(entry.path()));
      EXPECT_EQ(entry.path().filename(), ToHex(Sha256(contents.back())));
    }
    return contents;
  }

  testing::TempDir dir_;
  const fs::path folder_ = dir_ / "refused";
};

TEST_F(RefusedPicturesTest, KeepsEachContentOnce) {
  RefusedPictures pictures(folder_);
  EXPECT_THAT(Kept(), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    EXPECT_OK(Keep(&pictures, "first"));
    EXPECT_OK(Keep(&pictures, "second"));
  }
  EXPECT_THAT(Kept(), UnorderedElementsAre("first", "second"));
}

TEST_F(RefusedPicturesTest, KeepsAgainWhatIsGone) {
  RefusedPictures pictures(folder_);
  EXPECT_OK(Keep(&pictures, "first"));
  fs::remove_all(folder_);
  EXPECT_OK(Keep(&pictures, "first"));
  EXPECT_THAT(Kept(), ElementsAre("first"));
}

TEST_F(RefusedPicturesTest, TheOldestMakeRoomInARestartedRunToo) {
  const RefusedPicturesLimits limits = {.bytes = 25, .files = 3, .age = {}};
  RefusedPicturesLimits young = limits;
  young.age = std::chrono::hours(1);
  {
    RefusedPictures pictures(folder_, young);
    for (const char* bytes : {"0123456789", "9876543210"}) {
      EXPECT_OK(Keep(&pictures, bytes));
    }
  }
  RefusedPictures pictures(folder_, young);
  EXPECT_OK(Keep(&pictures, "0123456789"));  // Is the newest now.
  EXPECT_OK(Keep(&pictures, "abcdefghij"));
  EXPECT_THAT(Kept(), UnorderedElementsAre("0123456789", "abcdefghij"));
  for (const char* bytes : {"1", "2"}) EXPECT_OK(Keep(&pictures, bytes));
  EXPECT_THAT(Kept(), UnorderedElementsAre("abcdefghij", "1", "2"));
  EXPECT_OK(Keep(&pictures, std::string(26, 'x')));  // More than all may be.
  EXPECT_THAT(Kept(), UnorderedElementsAre("abcdefghij", "1", "2"));
}

TEST_F(RefusedPicturesTest, ForgetsThoseThatAreOld) {
  const RefusedPicturesLimits limits;
  {
    RefusedPictures pictures(folder_);
    EXPECT_OK(Keep(&pictures, "old"));
    EXPECT_OK(Keep(&pictures, "new"));
  }
  fs::last_write_time(
      folder_ / ToHex(Sha256("old")),
      fs::file_time_type::clock::now() - limits.age - std::chrono::hours(1));
  const RefusedPictures pictures(folder_);
  EXPECT_THAT(Kept(), ElementsAre("new"));
}

TEST_F(RefusedPicturesTest, RemovesWhatACrashHasLeft) {
  fs::create_directories(folder_);
  testing::WriteAll(folder_ / (ToHex(Sha256("half")) + ".staging"), "ha");
  const RefusedPictures pictures(folder_);
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(RefusedPicturesTest, TellsWhatItCannotKeep) {
  testing::WriteAll(folder_, "a file in the way");
  RefusedPictures pictures(folder_);
  EXPECT_STATUS(Keep(&pictures, "x"), absl::StatusCode::kUnavailable,
                "refused picture");
}

}  // namespace
}  // namespace vitrine
