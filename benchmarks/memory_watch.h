// How much memory some work takes.
#pragma once

#include <atomic>
#include <thread>

namespace vitrine {

// Looks at the memory of this process that is no file's, a hundred times a
// second while it lives. Used by one thread.
class MemoryWatch {
 public:
  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // The most that there was beyond what there was at first, in bytes.
  double MostBytes() const { return most_ - before_; }

 private:
  const double before_;
  std::atomic<double> most_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace vitrine
