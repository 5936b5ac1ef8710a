#include "common/base/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

// Files of the kernel have no size, and these have a line.
std::string FirstLine(const fs::path& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

std::optional<double> Ratio(absl::string_view quota, absl::string_view period) {
  double quota_us = 0;
  double period_us = 0;
  if (!absl::SimpleAtod(quota, &quota_us) ||
      !absl::SimpleAtod(period, &period_us) || !(quota_us > 0) ||
      !(period_us > 0) || !std::isfinite(quota_us / period_us)) {
    return std::nullopt;
  }
  return quota_us / period_us;
}

// "max 100000" or "150000 100000", in microseconds.
std::optional<double> QuotaOfVersion2(const fs::path& group) {
  const std::string line = FirstLine(group / "cpu.max");
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (parts.size() != 2 || parts[0] == "max") return std::nullopt;
  return Ratio(parts[0], parts[1]);
}

// -1 where there is none.
std::optional<double> QuotaOfVersion1(const fs::path& group) {
  return Ratio(FirstLine(group / "cpu.cfs_quota_us"),
               FirstLine(group / "cpu.cfs_period_us"));
}

std::optional<double> Least(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Of `group`, a path such as /system.slice/x.service, and of all above it. In a
// container the path may be one of the machine's, which is not there: what is
// mounted is the container's own group then.
std::optional<double> LeastOnTheWay(
    const fs::path& mounted, absl::string_view group,
    std::optional<double> (*quota)(const fs::path&)) {
  std::optional<double> least = quota(mounted);
  fs::path at = mounted;
  for (const absl::string_view part :
       absl::StrSplit(group, '/', absl::SkipEmpty())) {
    // Of a process that was moved out of its namespace's group.
    if (part == "..") return least;
    at /= std::string(part);
    least = Least(least, quota(at));
  }
  return least;
}

}  // namespace

std::optional<double> CpuQuota(const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::optional<double> least;
  std::ifstream groups(root / "proc/self/cgroup");
  // "0::/user.slice" of version 2, "4:cpu,cpuacct:/user.slice" of version 1.
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::string& controllers = fields[1];
    if (controllers.empty()) {
      for (const fs::path& mounted : {mounts, mounts / "unified"}) {
        least =
            Least(least, LeastOnTheWay(mounted, fields[2], QuotaOfVersion2));
      }
      continue;
    }
    const std::vector<std::string> names = absl::StrSplit(controllers, ',');
    if (std::find(names.begin(), names.end(), "cpu") == names.end()) continue;
    // Mounted under the names of what is mounted together, or linked so.
    for (const fs::path& mounted : {mounts / controllers, mounts / "cpu"}) {
      least = Least(least, LeastOnTheWay(mounted, fields[2], QuotaOfVersion1));
    }
  }
  return least;
}

int CoresWithin(std::optional<double> quota, int cores) {
  cores = std::max(1, cores);
  if (!quota || !(*quota < cores)) return cores;
  return std::max(1, static_cast<int>(std::ceil(*quota)));
}

}  // namespace vitrine
