#include "server/decode_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "common/image/image.h"

namespace vitrine {
namespace {

TEST(DecodeBudget, IsNeverExceeded) {
  DecodeBudget budget(10);
  std::atomic<int64_t> taken = 0;
  std::atomic<int64_t> most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const int64_t pixels = 1 + (t + i) % 6;
        const auto share = budget.Take(pixels);
        const int64_t now = taken += pixels;
        int64_t seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        taken -= pixels;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 10);
  EXPECT_GT(most, 1);
}

TEST(DecodeBudget, WhatIsMoreThanAllWaitsForAll) {
  DecodeBudget budget(10);
  std::atomic<bool> given = false;
  std::thread large;
  {
    const auto small = budget.Take(1);
    large = std::thread([&] {
      const auto share = budget.Take(1'000);
      given = true;
    });
    EXPECT_FALSE(given);
  }
  large.join();
  EXPECT_TRUE(given);
  // And gives back no more than it took.
  const auto all = budget.Take(10);
}

TEST(DecodeBudget, OfTheProcessHoldsTheLargestPicture) {
  EXPECT_GE(DecodeBudget::OfProcess().pixels(), ImageLimits().max_pixels);
}

}  // namespace
}  // namespace vitrine
