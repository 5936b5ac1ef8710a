// A catalogue that goes away while an indexer follows it, at any moment of an
// import: nothing that was indexed goes with it, and when it is back the
// indexer goes on by itself.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <iostream>
#include <random>
#include <thread>

#include "tests/broken_run.h"
#include "tests/process.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using testing::Eventually;
using testing::IndexerWorld;
using testing::NumberFromEnvironment;
using testing::RunningIndexer;

using Rows = std::map<std::string, std::string>;

class CatalogFaults : public ::testing::Test {
 protected:
  static constexpr int kPictures = 40;
  static constexpr std::chrono::seconds kPatience{60};

  void SetUp() override {
    seed_ = NumberFromEnvironment("VITRINE_FAULT_SEED", 15);
    rounds_ =
        std::max(2, NumberFromEnvironment("VITRINE_FAULT_KILLS", 20) / 10);
    random_.seed(static_cast<uint32_t>(seed_));
    std::cout << "seed " << seed_ << " (VITRINE_FAULT_SEED)\n";
  }

  // One that follows a catalogue which `take_away` takes and `bring_back`
  // brings, over and over, while more pictures come in.
  void GoesAndComes(const std::function<void(IndexerWorld*)>& take_away,
                    const std::function<void(IndexerWorld*)>& bring_back) {
    IndexerWorld world;
    world.options().publish_rows = 4;
    Fill(&world, world.catalog(), 0);
    bring_back_first_(&world);
    const testing::StderrLog log(world.root() / "log");
    auto running = std::make_unique<RunningIndexer>(&world);
    std::atomic<bool> done{false};
    std::thread reader([&] { ReadWhile(&done, world.paths()); });
    for (int round = 0; round < rounds_ && !HasFatalFailure(); ++round) {
      const auto pictures = static_cast<size_t>(
          std::uniform_int_distribution<int>(0, kPictures)(random_));
      // In the middle of what has come in.
      EXPECT_TRUE(running->Until([&] {
        return world.Indexed().size() >=
               static_cast<size_t>(round) * kPictures + pictures;
      })) << log.All();
      const size_t begin = log.All().size();
      take_away(&world);
      EXPECT_TRUE(Eventually(
          [&] {
            const std::string said = log.All().substr(begin);
            return said.find(world.catalog().string()) != std::string::npos;
          },
          kPatience))
          << "it is not said that the catalogue is away\n"
          << log.All();
      bring_back(&world);
      Fill(&world, world.catalog(), round + 1);
      EXPECT_TRUE(running->Until([&] {
        return world.Indexed().size() ==
               static_cast<size_t>(round + 2) * kPictures;
      })) << round
          << ": " << world.Indexed().size() << "\n"
          << log.All();
    }
    done = true;
    reader.join();
    for (const nlohmann::json& receipt : world.Receipts()) {
      EXPECT_EQ(receipt["outcome"], "accepted") << receipt;
    }
    running.reset();
  }

  // Pictures whose names and contents depend on `batch`.
  static void Fill(IndexerWorld* world, const std::filesystem::path& folder,
                   int batch) {
    for (int i = 0; i < kPictures; ++i) {
      const std::string name =
          std::to_string(batch) + "-" + std::to_string(i) + ".jpg";
      testing::WriteAll(world->root() / "staged",
                        testing::JpegOf(batch * kPictures + i));
      std::filesystem::copy_file(world->root() / "staged",
                                 folder / ("." + name));
      std::filesystem::rename(folder / ("." + name), folder / name);
    }
  }

  // In every generation there is all that was in the one before.
  static void ReadWhile(const std::atomic<bool>* done,
                        const IndexPaths& paths) {
    Rows known;
    uint64_t generation = 0;
    while (!*done) {
      std::this_thread::yield();
      const auto generations = ListGenerations(paths);
      if (!generations.ok() || generations->empty() ||
          generations->back() == generation) {
        continue;
      }
      generation = generations->back();
      const Rows rows = testing::ContentOnDisk(paths);
      for (const auto& row : known) {
        ASSERT_TRUE(rows.contains(row.first))
            << row.first << " is away in generation " << generation;
      }
      known = rows;
    }
  }

  std::function<void(IndexerWorld*)> bring_back_first_ = [](IndexerWorld*) {};
  int seed_ = 0;
  int rounds_ = 0;
  std::mt19937 random_;
};

std::filesystem::path Away(const IndexerWorld& world) {
  return world.root() / "away";
}

TEST_F(CatalogFaults, AFolderThatIsMovedAway) {
  GoesAndComes(
      [](IndexerWorld* world) {
        std::filesystem::rename(world->catalog(), Away(*world));
      },
      [](IndexerWorld* world) {
        std::filesystem::rename(Away(*world), world->catalog());
      });
}

TEST_F(CatalogFaults, AFolderInWhosePlaceAnEmptyOneIs) {
  GoesAndComes(
      [](IndexerWorld* world) {
        std::filesystem::rename(world->catalog(), Away(*world));
        std::filesystem::create_directory(world->catalog());
      },
      [](IndexerWorld* world) {
        std::filesystem::remove(world->catalog());
        std::filesystem::rename(Away(*world), world->catalog());
      });
}

TEST_F(CatalogFaults, AVolumeThatIsUnmounted) {
  // In a mount namespace of this test's own, which goes with it.
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    GTEST_SKIP() << "cannot mount a volume: " << std::strerror(errno)
                 << "; run this as root";
  }
  const auto mount = [](IndexerWorld* world) {
    ASSERT_EQ(::mount(Away(*world).c_str(), world->catalog().c_str(), nullptr,
                      MS_BIND, nullptr),
              0)
        << std::strerror(errno);
  };
  bring_back_first_ = [&](IndexerWorld* world) {
    std::filesystem::rename(world->catalog(), Away(*world));
    std::filesystem::create_directory(world->catalog());
    mount(world);
  };
  GoesAndComes(
      [](IndexerWorld* world) {
        ASSERT_EQ(::umount2(world->catalog().c_str(), MNT_DETACH), 0)
            << std::strerror(errno);
      },
      mount);
}

}  // namespace
}  // namespace vitrine
