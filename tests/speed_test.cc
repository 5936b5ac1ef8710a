#include "clients/eval/speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <string>
#include <utility>
#include <vector>

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// Works for a while on each picture and notes that it was called.
class BusyEmbedder final : public Embedder {
 public:
  BusyEmbedder(std::string name, double seconds,
               std::vector<std::string>* calls)
      : name_(std::move(name)), seconds_(seconds), calls_(calls) {
    card_.input_size = 4;
    card_.blocks = {{"shape", 64, 1}};
  }
  const ModelCard& card() const override { return card_; }
  const std::filesystem::path& bundle_path() const override { return path_; }
  absl::Status Embed(const uint8_t*, int n, float* out) override {
    const double end = CpuSeconds() + n * seconds_;
    while (CpuSeconds() < end) {
    }
    std::fill_n(out, n * 64, 1.0F);
    if (calls_->empty() || calls_->back() != name_) calls_->push_back(name_);
    return absl::OkStatus();
  }

 private:
  const std::string name_;
  const double seconds_;
  std::vector<std::string>* calls_;
  ModelCard card_;
  std::filesystem::path path_;
};

// Models named after their files; "slow" takes four times as long.
struct Models {
  LoadEmbedder Load() {
    return [this](const std::filesystem::path& model,
                  int threads) -> absl::StatusOr<std::unique_ptr<Embedder>> {
      if (model == "bad") return absl::InvalidArgumentError("bad: no bundle");
      loads.push_back(model.string() + " " + std::to_string(threads));
      return std::make_unique<BusyEmbedder>(
          model.string(), model == "slow" ? 0.002 : 0.0005, &turns);
    };
  }

  std::vector<std::string> loads;
  std::vector<std::string> turns;  // who was called, each once in a row
};

constexpr SpeedPlan kShort{.rounds = 3, .calls = 2, .seconds = 0};

TEST(MeasureSpeed, LetsTheModelsTakeTurns) {
  Models models;
  ASSERT_TRUE(
      MeasureSpeed({"slow", "fast"}, 1, models.Load(), nullptr, kShort).ok());
  EXPECT_THAT(models.turns,
              ElementsAre("slow", "fast", "slow", "fast", "slow", "fast"));
}

TEST(MeasureSpeed, LoadsEachModelForTheThreadsThatItIsTimedOn) {
  Models models;
  const auto rates =
      MeasureSpeed({"slow", "fast"}, 4, models.Load(), nullptr, kShort);
  ASSERT_TRUE(rates.ok()) << rates.status();
  EXPECT_THAT(models.loads,
              ElementsAre("slow 1", "fast 1", "slow 4", "fast 4"));
  ASSERT_EQ(rates->size(), 2u);
  for (const std::vector<Rate>& of_model : *rates) {
    std::vector<std::pair<int, int>> columns;
    for (const Rate& rate : of_model) {
      columns.emplace_back(rate.threads, rate.batch);
    }
    EXPECT_THAT(columns, ElementsAre(std::pair(1, 1), std::pair(1, 8),
                                     std::pair(4, 1), std::pair(4, 8)));
  }
}

TEST(MeasureSpeed, MeasuresEachOnceWhereThereIsOneThread) {
  Models models;
  const auto rates = MeasureSpeed({"fast"}, 1, models.Load(), nullptr, kShort);
  ASSERT_TRUE(rates.ok()) << rates.status();
  EXPECT_THAT(models.loads, ElementsAre("fast 1"));
  EXPECT_EQ((*rates)[0].size(), 2u);
}

TEST(MeasureSpeed, TellsSlowFromFast) {
  Models models;
  const auto rates =
      MeasureSpeed({"slow", "fast"}, 1, models.Load(), nullptr, kShort);
  ASSERT_TRUE(rates.ok()) << rates.status();
  const double slow = (*rates)[0][0].pictures_per_second;
  const double fast = (*rates)[1][0].pictures_per_second;
  EXPECT_NEAR(fast / slow, 4, 1);
}

TEST(MeasureSpeed, TellsTheErrorOfAModel) {
  Models models;
  EXPECT_THAT(std::string(MeasureSpeed({"fast", "bad"}, 1, models.Load(),
                                       nullptr, kShort)
                              .status()
                              .message()),
              HasSubstr("no bundle"));
}

TEST(Median, IsInTheMiddle) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 2}), 2);
  EXPECT_EQ(Median({9, 1, 2, 4}), 3);
}

}  // namespace
}  // namespace vitrine::eval
