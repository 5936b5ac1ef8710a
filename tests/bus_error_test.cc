#include "common/base/bus_error.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/file.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

class BusErrorTest : public ::testing::Test {
 protected:
  void SetUp() override { CatchBusErrors(); }

  std::unique_ptr<MappedFile> Map(const std::string& name, size_t bytes) {
    std::ofstream(dir_.path() / name, std::ios::binary)
        << std::string(bytes, 'x');
    auto file = MappedFile::Open(dir_.path() / name);
    EXPECT_OK(file);
    return *std::move(file);
  }
  void Cut(const std::string& name, size_t bytes) {
    std::filesystem::resize_file(dir_.path() / name, bytes);
  }
  static size_t CountZeros(const MappedFile& file) {
    return static_cast<size_t>(
        std::count(file.data().begin(), file.data().end(), '\0'));
  }

  const size_t page_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  TempDir dir_;
};

TEST_F(BusErrorTest, ReadsOfWhatIsCutAwayGiveZerosAndFlagThatFileAlone) {
  const size_t whole = 20 * page_ + 100;
  const auto other = Map("other", whole);
  for (const size_t left : {whole - 1, 20 * page_, 20 * page_ - 1, 7 * page_,
                            7 * page_ + 5, size_t{1}, size_t{0}}) {
    const auto file = Map("cut", whole);
    EXPECT_FALSE(file->damaged());
    EXPECT_EQ(CountZeros(*file), 0u);
    Cut("cut", left);
    // It is known before anything is read, and after.
    EXPECT_TRUE(file->damaged()) << left;
    EXPECT_EQ(CountZeros(*file), whole - left);
    EXPECT_TRUE(file->damaged()) << left;
  }
  EXPECT_FALSE(other->damaged());
  EXPECT_EQ(CountZeros(*other), 0u);
}

TEST_F(BusErrorTest, ItStaysFlaggedWhereTheFileIsWholeAgain) {
  const auto file = Map("cut", 3 * page_);
  Cut("cut", 0);
  EXPECT_EQ(CountZeros(*file), 3 * page_);
  std::ofstream(dir_.path() / "cut", std::ios::binary)
      << std::string(3 * page_, 'x');
  EXPECT_TRUE(file->damaged());
  // The place in the table is free for the next file, which is sound.
  const auto again = Map("again", 3 * page_);
  EXPECT_FALSE(again->damaged());
}

TEST_F(BusErrorTest, ManyThreadsMayReadWhileFilesAreCutAndMapped) {
  for (int round = 0; round < 20; ++round) {
    const size_t whole = 64 * page_;
    const auto file = Map("cut", whole);
    const auto sound = Map("sound", whole);
    std::atomic<bool> stop = false;
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (!stop) {
          CountZeros(*file);
          EXPECT_EQ(CountZeros(*sound), 0u);
        }
      });
    }
    // Others come and go in the table meanwhile.
    for (int i = 0; i < 20; ++i) Map("passing", page_ * (1 + i % 3));
    Cut("cut", whole / 2);
    EXPECT_TRUE(file->damaged());
    stop = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(CountZeros(*file), whole / 2);
    EXPECT_FALSE(sound->damaged());
  }
}

// A mapping that nobody guards.
void ReadACutMapping(const std::filesystem::path& path, size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  const void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  std::filesystem::resize_file(path, 0);
  [[maybe_unused]] const char read = *static_cast<const volatile char*>(data);
}

TEST_F(BusErrorTest, AnyOtherBusErrorEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  Map("other", page_);
  EXPECT_DEATH(ReadACutMapping(dir_.path() / "other", page_), "");
  EXPECT_DEATH(::raise(SIGBUS), "");
}

// Not of the fixture, which would be first.
TEST(BusErrorHandler, PassesAnyOtherBusErrorToTheHandlerFromBefore) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  TempDir dir;
  std::ofstream(dir.path() / "other") << "not empty";
  EXPECT_EXIT(
      {
        ::signal(SIGBUS, [](int) { ::_exit(7); });
        CatchBusErrors();
        ReadACutMapping(dir.path() / "other", 9);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace vitrine
