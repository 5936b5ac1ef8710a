#include "common/base/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

// So that only inotify can have told.
constexpr int kNever = 3'600'000;

void Append(const fs::path& path) {
  std::ofstream(path, std::ios::app) << "x" << std::flush;
}

TEST(FileState, TellsAnotherFileOfTheSameName) {
  TempDir dir;
  const fs::path path = dir / "file";
  EXPECT_EQ(FileStateOf(path), std::nullopt);
  Append(path);
  const auto before = FileStateOf(path);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(FileStateOf(path), before);
  Append(dir / "other");
  fs::last_write_time(dir / "other", fs::last_write_time(path));
  fs::rename(dir / "other", path);
  EXPECT_NE(FileStateOf(path), before);
}

TEST(FileWatch, TellsWhatInotifyTells) {
  TempDir dir;
  const fs::path path = dir / "file";
  FileWatch watch(path, kNever);
  std::thread writer([&] { Append(path); });
  EXPECT_TRUE(watch.Wait());  // It has come …
  writer.join();
  // … and perhaps been written to since it was seen empty.
  while (fs::file_size(path) != 1) EXPECT_TRUE(watch.Wait());
  writer = std::thread([&] { fs::remove(path); });
  while (fs::exists(path)) EXPECT_TRUE(watch.Wait());
  writer.join();
}

TEST(FileWatch, FindsWhatHasChangedBeforeItWaits) {
  TempDir dir;
  const fs::path path = dir / "file";
  Append(path);
  FileWatch watch(path, kNever);
  Append(path);
  EXPECT_TRUE(watch.Wait());
}

TEST(FileWatch, FindsAFileWhoseFolderComesLater) {
  TempDir dir;
  const fs::path path = dir / "later/file";
  FileWatch watch(path, /*poll_ms=*/1);
  std::thread writer([&] {
    fs::create_directory(path.parent_path());
    Append(path);
  });
  EXPECT_TRUE(watch.Wait());
  writer.join();
  EXPECT_TRUE(fs::exists(path));
}

TEST(FileWatch, EndsWhenStopped) {
  TempDir dir;
  FileWatch watch(dir / "file", kNever);
  std::thread stopper([&] { watch.Stop(); });
  EXPECT_FALSE(watch.Wait());
  stopper.join();
  EXPECT_FALSE(watch.Wait());
}

}  // namespace
}  // namespace vitrine
