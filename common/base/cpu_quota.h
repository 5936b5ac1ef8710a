// How much of the processors the process's cgroup grants it.
#pragma once

#include <filesystem>
#include <optional>

namespace vitrine {

// The quota in cores, as 1.5: the least of those of the process's own cgroup
// and of all above it, of version 2 (cpu.max) and version 1 (cpu.cfs_quota_us).
// Nothing where there is none, or none can be read. `root` is the folder that
// holds proc/self/cgroup and sys/fs/cgroup. Thread-safe.
std::optional<double> CpuQuota(const std::filesystem::path& root = "/");

// Threads that such a quota keeps busy: rounded up, at least 1, at most
// `cores`.
int CoresWithin(std::optional<double> quota, int cores);

}  // namespace vitrine
