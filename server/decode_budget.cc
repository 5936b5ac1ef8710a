#include "server/decode_budget.h"

#include <algorithm>

#include "common/base/thread_pool.h"
#include "common/image/image.h"

namespace vitrine {
namespace {

constexpr int64_t kPixelsACore = 16'000'000;

}  // namespace

DecodeBudget& DecodeBudget::OfProcess() {
  static auto* const budget = new DecodeBudget(
      std::max(ImageLimits().max_pixels, kPixelsACore * AvailableCores()));
  return *budget;
}

DecodeBudget::Share DecodeBudget::Take(int64_t pixels) {
  pixels = std::clamp<int64_t>(pixels, 0, pixels_);
  std::unique_lock lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return ticket == served_ && free_ >= pixels; });
  free_ -= pixels;
  ++served_;
  changed_.notify_all();
  return Share(this, pixels);
}

void DecodeBudget::GiveBack(int64_t pixels) {
  std::lock_guard lock(mutex_);
  free_ += pixels;
  changed_.notify_all();
}

}  // namespace vitrine
