#include "common/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

TEST(StagingFile, IsInvisibleUntilPublished) {
  TempDir dir;
  const auto path = dir.path() / "a";
  ASSERT_OK_AND_ASSIGN(auto file, StagingFile::Create(path));
  ASSERT_OK(file->Append("one"));
  ASSERT_OK(file->Sync());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_OK(file->Publish());
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path));
  EXPECT_EQ(bytes, "one");
  EXPECT_FALSE(std::filesystem::exists(file->staging_path()));
}

TEST(StagingFile, NeverReplacesAName) {
  TempDir dir;
  ASSERT_OK(PublishFile(dir.path() / "a", "first"));
  EXPECT_STATUS(PublishFile(dir.path() / "a", "second"),
                absl::StatusCode::kAlreadyExists, "a");
  EXPECT_EQ(*ReadFile(dir.path() / "a"), "first");
  EXPECT_EQ(ListFolder(dir.path())->size(), 1u);
}

TEST(StagingFile, LeavesNothingWhenDropped) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto file, StagingFile::Create(dir.path() / "a"));
  ASSERT_OK(file->Append("one"));
  file.reset();
  EXPECT_TRUE(ListFolder(dir.path())->empty());
}

TEST(StagingFile, ReplacesWhatACrashLeft) {
  TempDir dir;
  std::ofstream(dir.path() / "a.staging") << "half a file that is longer";
  ASSERT_OK(PublishFile(dir.path() / "a", "whole"));
  EXPECT_EQ(*ReadFile(dir.path() / "a"), "whole");
}

TEST(StagingFile, IsReadWhileItIsWritten) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto file, StagingFile::Create(dir.path() / "a"));
  ASSERT_OK(file->Append("one"));
  ASSERT_OK_AND_ASSIGN(const auto mapped, file->Map());
  EXPECT_EQ(mapped->data(), "one");
  ASSERT_OK(file->Append(" and two"));
  ASSERT_OK(file->Publish());
  EXPECT_EQ(mapped->data(), "one");
  EXPECT_EQ(*ReadFile(dir.path() / "a"), "one and two");
}

TEST(StagingFile, SaysWhyAFullDiskFailed) {
  // /dev/full takes no byte.
  TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir.path() / "a.staging");
  ASSERT_OK_AND_ASSIGN(auto file, StagingFile::Create(dir.path() / "a"));
  ASSERT_OK(file->Append("one"));
  EXPECT_STATUS(file->Publish(), absl::StatusCode::kResourceExhausted,
                "No space left");
  EXPECT_STATUS(file->Publish(), absl::StatusCode::kResourceExhausted,
                "No space left");
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "a"));
}

TEST(ReadFile, RefusesWhatIsTooLargeOrNoFile) {
  TempDir dir;
  std::ofstream(dir.path() / "a") << "12345";
  EXPECT_STATUS(ReadFile(dir.path() / "a", 4),
                absl::StatusCode::kResourceExhausted,
                "has 5 bytes, more than 4");
  EXPECT_STATUS(ReadFile(dir.path() / "b"), absl::StatusCode::kNotFound, "b");
  EXPECT_STATUS(ReadFile(dir.path()), absl::StatusCode::kInvalidArgument,
                "not a regular file");
  ASSERT_EQ(::mkfifo((dir.path() / "fifo").c_str(), 0600), 0);
  EXPECT_STATUS(ReadFile(dir.path() / "fifo"),
                absl::StatusCode::kInvalidArgument, "not a regular file");
}

TEST(MappedFile, BringsItsBytesIntoMemory) {
  TempDir dir;
  const size_t bytes = (size_t{65} << 20) + 1;
  const auto path = dir.path() / "a";
  ASSERT_OK(PublishFile(path, std::string(bytes, 'x')));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);  // Not on every file system.
  ::close(fd);
  ASSERT_OK_AND_ASSIGN(auto file, MappedFile::Open(path));
  EXPECT_EQ(file->Touch(UINT64_MAX, [] { return true; }), 0u);
  EXPECT_EQ(file->Touch(5000, {}), 5000u);
  EXPECT_EQ(file->Touch(UINT64_MAX, {}), bytes);
  std::vector<unsigned char> pages((bytes + 4095) / 4096);
  ASSERT_EQ(
      ::mincore(const_cast<char*>(file->data().data()), bytes, pages.data()),
      0);
  EXPECT_TRUE(std::all_of(pages.begin(), pages.end(),
                          [](unsigned char page) { return page & 1; }));
}

TEST(MappedFile, ShowsTheBytesAndTakesAnEmptyFile) {
  TempDir dir;
  std::ofstream(dir.path() / "a") << "12345";
  std::ofstream(dir.path() / "empty").flush();
  ASSERT_OK_AND_ASSIGN(auto file, MappedFile::Open(dir.path() / "a"));
  EXPECT_EQ(file->data(), "12345");
  ASSERT_OK_AND_ASSIGN(auto empty, MappedFile::Open(dir.path() / "empty"));
  EXPECT_EQ(empty->data(), "");
}

TEST(StagingFile, ReplacesWhatHasItsName) {
  TempDir dir;
  ASSERT_TRUE(PublishFile(dir / "a", "one").ok());
  auto file = StagingFile::Create(dir / "a");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Append("two").ok());
  EXPECT_EQ(*ReadFile(dir / "a"), "one");
  ASSERT_TRUE((*file)->Replace().ok());
  EXPECT_EQ(*ReadFile(dir / "a"), "two");
  EXPECT_EQ(*ListFolder(dir.path()), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace vitrine
