#include "server/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A request that runs until it is let go.
class Held {
 public:
  std::function<void(Executor::Place&)> Request() {
    return [this](Executor::Place&) {
      begun_.set_value();
      let_go_.get_future().wait();
    };
  }
  void AwaitBegin() { begun_.get_future().wait(); }
  void LetGo() { let_go_.set_value(); }

 private:
  std::promise<void> begun_, let_go_;
};

// Waits for the end of what was scheduled before, by an executor's one thread,
// which notes that before it begins the next.
void Drain(Executor* executor) {
  std::promise<void> after;
  executor->Schedule([&after] { after.set_value(); });
  after.get_future().wait();
}

// Lets it know how long a request takes.
void Warm(Executor* executor) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(executor->TrySchedule([](Executor::Place&) {}).ok());
    Drain(executor);
  }
}

TEST(Executor, RunsEachRequestOnce) {
  std::atomic<int> ran = 0;
  {
    Executor executor(3, {});
    for (int i = 0; i < 500; ++i)
      ASSERT_TRUE(
          executor.TrySchedule([&ran](Executor::Place&) { ++ran; }).ok());
  }
  EXPECT_EQ(ran, 500);
}

TEST(Executor, ARequestWaitsForOneTurnOfWork) {
  std::vector<std::string> order;  // Of the one thread.
  {
    Held first;
    Executor executor(1, {});
    ASSERT_TRUE(executor.TrySchedule(first.Request()).ok());
    first.AwaitBegin();
    for (int i = 0; i < 3; ++i) {
      executor.Schedule(
          [&order, i] { order.push_back("work " + std::to_string(i)); });
    }
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(executor
                      .TrySchedule([&order, i](Executor::Place&) {
                        order.push_back("request " + std::to_string(i));
                      })
                      .ok());
    }
    first.LetGo();
  }
  EXPECT_THAT(order, ElementsAre("work 0", "request 0", "request 1", "work 1",
                                 "work 2"));
}

TEST(Executor, RefusesAtOnceWhatComesWhileTooManyWait) {
  Held first;
  std::atomic<int> ran = 0;
  Executor executor(1, {.max_waiting = 2});
  ASSERT_TRUE(executor.TrySchedule(first.Request()).ok());
  first.AwaitBegin();
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(executor.TrySchedule([&ran](Executor::Place&) { ++ran; }).ok());
  const absl::Status refused =
      executor.TrySchedule([&ran](Executor::Place&) { ++ran; });
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const v1::Error error = ErrorOf(refused);
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(error.limit(), 2);
  EXPECT_GE(error.retry_after_ms(), 100u);
  // What another has admitted is no request, and is not refused.
  executor.Schedule([&ran] { ++ran; });
  first.LetGo();
  Drain(&executor);
  EXPECT_EQ(ran, 3);
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}).ok());
}

TEST(Executor, RefusesAtOnceWhatWouldFillTheMemory) {
  Held first, second;
  Executor executor(1, {.max_bytes = 100});
  ASSERT_TRUE(executor.TrySchedule(first.Request(), 1000).ok());
  EXPECT_EQ(executor.TrySchedule([](Executor::Place&) {}, 1).code(),
            absl::StatusCode::kResourceExhausted);
  first.LetGo();
  Drain(&executor);
  ASSERT_TRUE(executor.TrySchedule(second.Request(), 60).ok());
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}, 40).ok());
  const absl::Status refused = executor.TrySchedule([](Executor::Place&) {}, 1);
  EXPECT_EQ(ErrorOf(refused).limit(), 100);
  second.LetGo();
}

TEST(Executor, RefusesAtOnceWhatWouldWaitTooLong) {
  Held first;
  Executor executor(1, {.max_wait = std::chrono::milliseconds(0)});
  // Nothing is known of how long they take.
  Warm(&executor);
  ASSERT_TRUE(executor.TrySchedule(first.Request()).ok());
  const absl::Status refused = executor.TrySchedule([](Executor::Place&) {});
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--max-wait-ms"));
  EXPECT_EQ(ErrorOf(refused).limit(), 0);
  first.LetGo();
  Drain(&executor);
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}).ok());
}

TEST(Executor, AdmitsFewerUntilFewAreRefused) {
  // Whether it looks after each request, or not in this test.
  for (const bool looks : {false, true}) {
    Held held[4];
    Executor executor(
        1, {.max_wait = std::chrono::milliseconds(0),
            .always_admitted = 4,
            .look = looks ? std::chrono::hours(0) : std::chrono::hours(1)});
    // How many there is room for.
    const auto admitted = [&executor](Held* first) {
      int n = executor.TrySchedule(first->Request()).ok() ? 1 : 0;
      while (executor.TrySchedule([](Executor::Place&) {}).ok()) ++n;
      first->LetGo();
      Drain(&executor);
      return n;
    };
    Warm(&executor);
    EXPECT_EQ(admitted(&held[0]), 4);
    EXPECT_EQ(admitted(&held[1]), looks ? 4 : 2);
    EXPECT_EQ(admitted(&held[2]), looks ? 4 : 2);
  }
}

TEST(Executor, RefusesNoneWhileOthersWouldNotHoldItUp) {
  Held held[3];
  Executor executor(4,
                    {.max_wait = std::chrono::milliseconds(0), .at_once = 3});
  for (int i = 0; i < 2; ++i) {
    std::promise<void> ended;
    ASSERT_TRUE(executor
                    .TrySchedule([&ended](Executor::Place& place) {
                      place.GiveBack();
                      ended.set_value();
                    })
                    .ok());
    ended.get_future().wait();
  }
  for (Held& one : held) EXPECT_TRUE(executor.TrySchedule(one.Request()).ok());
  EXPECT_FALSE(executor.TrySchedule([](Executor::Place&) {}).ok());
  for (Held& one : held) one.LetGo();
}

TEST(Executor, TakesTheNextOnceAPlaceIsGivenBack) {
  std::promise<void> given_back, let_go;
  Executor executor(1, {.max_waiting = 0});
  ASSERT_TRUE(executor
                  .TrySchedule([&](Executor::Place& place) {
                    place.GiveBack();
                    given_back.set_value();
                    let_go.get_future().wait();
                  })
                  .ok());
  given_back.get_future().wait();
  // It goes on, but its caller has the answer.
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}).ok());
  let_go.set_value();
}

TEST(Executor, RefusesNoneOfAFewThatItAlwaysAdmits) {
  Held first;
  Executor executor(
      1, {.max_wait = std::chrono::milliseconds(0), .always_admitted = 3});
  Warm(&executor);
  ASSERT_TRUE(executor.TrySchedule(first.Request()).ok());
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}).ok());
  EXPECT_TRUE(executor.TrySchedule([](Executor::Place&) {}).ok());
  EXPECT_FALSE(executor.TrySchedule([](Executor::Place&) {}).ok());
  first.LetGo();
}

}  // namespace
}  // namespace vitrine
