// A bound on the pixels that are being decoded at a time: a picture takes up to
// twelve bytes a pixel while it is, and a file of some kilobytes may have tens
// of millions.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace vitrine {

// Thread-safe. Shares are given in the order in which they are asked for.
class DecodeBudget {
 public:
  explicit DecodeBudget(int64_t pixels) : pixels_(pixels), free_(pixels) {}
  // That of the process: a picture as large as may be, and 16 megapixels a core
  // where that is more.
  static DecodeBudget& OfProcess();

  // Gives back what was taken.
  class Share {
   public:
    Share(DecodeBudget* budget, int64_t pixels)
        : budget_(budget), pixels_(pixels) {}
    ~Share() { budget_->GiveBack(pixels_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    DecodeBudget* const budget_;
    const int64_t pixels_;
  };
  // Waits until so many are free, or all of them where that is less.
  Share Take(int64_t pixels);

  int64_t pixels() const { return pixels_; }

 private:
  void GiveBack(int64_t pixels);

  const int64_t pixels_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t free_;
  uint64_t next_ticket_ = 0;
  uint64_t served_ = 0;  // Whose turn it is.
};

}  // namespace vitrine
