#include "common/base/cpu_quota.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/thread_pool.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  // Paths below the root, and what the files hold.
  std::vector<std::pair<std::string, std::string>> files;
  std::optional<double> quota;
};

const Case kCases[] = {
    {"no cgroup at all", {}, std::nullopt},
    {"version 2, its own group",
     {{"proc/self/cgroup", "0::/system.slice/vitrine.service\n"},
      {"sys/fs/cgroup/system.slice/vitrine.service/cpu.max",
       "150000 100000\n"}},
     1.5},
    {"version 2, none",
     {{"proc/self/cgroup", "0::/a\n"},
      {"sys/fs/cgroup/a/cpu.max", "max 100000\n"}},
     std::nullopt},
    {"version 2, a group above has less",
     {{"proc/self/cgroup", "0::/a/b/c\n"},
      {"sys/fs/cgroup/a/cpu.max", "50000 100000\n"},
      {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"}},
     0.5},
    {"version 2, a container in a namespace",
     {{"proc/self/cgroup", "0::/\n"},
      {"sys/fs/cgroup/cpu.max", "250000 100000\n"}},
     2.5},
    {"version 2, a container that sees the machine's path",
     {{"proc/self/cgroup", "0::/docker/0123\n"},
      {"sys/fs/cgroup/cpu.max", "200000 50000\n"}},
     4.0},
    {"version 2, out of its namespace",
     {{"proc/self/cgroup", "0::/../../other\n"},
      {"sys/fs/cgroup/cpu.max", "100000 100000\n"},
      {"sys/fs/cpu.max", "1000 100000\n"}},
     1.0},
    {"version 2, another group's",
     {{"proc/self/cgroup", "0::/a\n"},
      {"sys/fs/cgroup/b/cpu.max", "100000 100000\n"}},
     std::nullopt},
    {"version 1",
     {{"proc/self/cgroup",
       "5:memory:/m\n4:cpu,cpuacct:/docker/0123\n1:name=systemd:/\n"},
      {"sys/fs/cgroup/memory/m/cpu.cfs_quota_us", "1000\n"},
      {"sys/fs/cgroup/memory/m/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/0123/cpu.cfs_quota_us", "300000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/0123/cpu.cfs_period_us", "100000\n"}},
     3.0},
    {"version 1, none",
     {{"proc/self/cgroup", "1:cpu:/a\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"}},
     std::nullopt},
    {"version 1, a group above, mounted as cpu",
     {{"proc/self/cgroup", "1:cpuacct,cpu:/a/b\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "25000\n"},
      {"sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n"}},
     2.0},
    {"both, the lesser",
     {{"proc/self/cgroup", "1:cpu:/a\n0::/b\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "600000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/unified/b/cpu.max", "700000 100000\n"}},
     6.0},
    {"a name of a controller that only begins so",
     {{"proc/self/cgroup", "1:cpuset:/a\n"},
      {"sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us", "1000\n"},
      {"sys/fs/cgroup/cpuset/a/cpu.cfs_period_us", "100000\n"}},
     std::nullopt},
    {"files that say something else",
     {{"proc/self/cgroup", "nonsense\n0::/a\n0::/b\n0::/c\n0::/d\n"},
      {"sys/fs/cgroup/a/cpu.max", "\n"},
      {"sys/fs/cgroup/b/cpu.max", "many 100000\n"},
      {"sys/fs/cgroup/c/cpu.max", "100000 0\n"},
      {"sys/fs/cgroup/d/cpu.max", "-100000 100000\n"}},
     std::nullopt},
};

TEST(CpuQuota, IsTheLeastOfItsGroupAndThoseAbove) {
  for (const Case& c : kCases) {
    testing::TempDir dir;
    for (const auto& [path, text] : c.files) {
      fs::create_directories((dir / path).parent_path());
      testing::WriteAll(dir / path, text);
    }
    EXPECT_EQ(CpuQuota(dir.path()), c.quota) << c.name;
  }
}

TEST(CoresWithin, RoundsUpToAtLeastOneAndNoMoreThanThereAre) {
  EXPECT_EQ(CoresWithin(std::nullopt, 8), 8);
  EXPECT_EQ(CoresWithin(0.1, 8), 1);
  EXPECT_EQ(CoresWithin(1.0, 8), 1);
  EXPECT_EQ(CoresWithin(1.5, 8), 2);
  EXPECT_EQ(CoresWithin(7.2, 8), 8);
  EXPECT_EQ(CoresWithin(64, 8), 8);
  EXPECT_EQ(CoresWithin(1e300, 8), 8);
  EXPECT_EQ(CoresWithin(4, 0), 1);
  EXPECT_EQ(CoresWithin(std::nullopt, 0), 1);
}

TEST(AvailableCores, KeepsToTheQuota) {
  EXPECT_GE(AvailableCores(), 1);
  if (const auto quota = CpuQuota()) {
    EXPECT_LE(AvailableCores(), CoresWithin(quota, 1 << 20));
  }
}

}  // namespace
}  // namespace vitrine
