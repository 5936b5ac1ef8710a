#include "common/index/section_file.h"

#include <numeric>

#include "tests/test_util/corrupt.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

class SectionFileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(auto writer,
                         SectionWriter::Create(path_, FileKind::kTable));
    ASSERT_OK(writer->BeginSection(7));
    ASSERT_OK(writer->Append("seven"));
    ASSERT_OK(writer->BeginSection(9));
    numbers_.resize(30'000);  // More than one block of checksums.
    std::iota(numbers_.begin(), numbers_.end(), 0u);
    ASSERT_OK(writer->AppendArray(std::span<const uint32_t>(numbers_)));
    ASSERT_OK_AND_ASSIGN(ref_, writer->Finish(3));
  }

  absl::Status Open() {
    return SectionFile::Open(path_, FileKind::kTable, &ref_).status();
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "file";
  std::vector<uint32_t> numbers_;
  storage::FileRef ref_;
};

TEST_F(SectionFileTest, GivesBackItsSections) {
  ASSERT_OK_AND_ASSIGN(auto file,
                       SectionFile::Open(path_, FileKind::kTable, &ref_));
  EXPECT_EQ(file->section(7), "seven");
  EXPECT_EQ(file->section(8), "");
  ASSERT_OK_AND_ASSIGN(auto numbers, file->Array<uint32_t>(9, numbers_.size()));
  EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), numbers_.begin()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(numbers.data()) % 64, 0u);
  EXPECT_STATUS(file->Array<uint32_t>(9, 5), absl::StatusCode::kDataLoss,
                "section 9 has");
  EXPECT_EQ(ref_.name(), "file");
  EXPECT_EQ(ref_.entries(), 3u);
}

TEST_F(SectionFileTest, ShowsASectionWhileTheFileIsWritten) {
  const std::filesystem::path path = dir_.path() / "another";
  ASSERT_OK_AND_ASSIGN(auto writer,
                       SectionWriter::Create(path, FileKind::kTable));
  ASSERT_OK(writer->BeginSection(1));
  ASSERT_OK(writer->Append("one"));
  ASSERT_OK(writer->BeginSection(2));
  ASSERT_OK(writer->Append("two"));
  ASSERT_OK_AND_ASSIGN(const auto two, writer->MapSection());
  EXPECT_EQ(two.bytes, "two");
  ASSERT_OK(writer->BeginSection(3));
  ASSERT_OK(writer->Append("three"));
  ASSERT_OK_AND_ASSIGN(const auto ref, writer->Finish(0));
  EXPECT_EQ(two.bytes, "two");
  ASSERT_OK_AND_ASSIGN(auto file,
                       SectionFile::Open(path, FileKind::kTable, &ref));
  EXPECT_EQ(file->section(2), "two");
  EXPECT_EQ(file->section(3), "three");
}

TEST_F(SectionFileTest, RejectsAFlippedBitWhereverItIs) {
  for (uint64_t offset = 0; offset < ref_.bytes();
       offset += offset < 256 ? 1 : 977) {
    FlipBit(path_, offset, static_cast<int>(offset % 8));
    EXPECT_FALSE(Open().ok()) << "at byte " << offset;
    FlipBit(path_, offset, static_cast<int>(offset % 8));
  }
  for (uint64_t offset = ref_.bytes() - 200; offset < ref_.bytes(); ++offset) {
    FlipBit(path_, offset);
    EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss)
        << "at byte " << offset;
    FlipBit(path_, offset);
  }
  EXPECT_OK(Open());
}

TEST_F(SectionFileTest, RejectsACutFile) {
  for (uint64_t bytes :
       {uint64_t{0}, uint64_t{100}, ref_.bytes() / 2, ref_.bytes() - 1}) {
    std::filesystem::resize_file(path_, bytes);
    EXPECT_STATUS(Open(), absl::StatusCode::kDataLoss, path_.string());
  }
}

TEST_F(SectionFileTest, RejectsAnotherFileUnderItsName) {
  const auto other = dir_.path() / "other";
  ASSERT_OK_AND_ASSIGN(auto writer,
                       SectionWriter::Create(other, FileKind::kTable));
  ASSERT_OK(writer->Finish(0).status());
  std::filesystem::rename(other, path_);
  EXPECT_STATUS(Open(), absl::StatusCode::kDataLoss,
                "not the file that the manifest names");
}

TEST_F(SectionFileTest, RejectsAnotherKindAndAMissingFile) {
  EXPECT_STATUS(SectionFile::Open(path_, FileKind::kShard, &ref_),
                absl::StatusCode::kDataLoss, "kind");
  std::filesystem::remove(path_);
  EXPECT_STATUS(Open(), absl::StatusCode::kDataLoss, "is missing");
}

}  // namespace
}  // namespace vitrine
