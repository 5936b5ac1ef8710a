// Asks several backends at once and waits for their answers.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "server/backend.h"
#include "server/call.h"

namespace vitrine {

template <typename Request>
struct Question {
  Backend* backend = nullptr;
  std::shared_ptr<const Request> request;
};

template <typename Response>
struct Answer {
  Backend* backend = nullptr;
  absl::Status status;
  Response response;  // Only where the status is OK.
};

// The question to all of them.
template <typename Request>
std::vector<Question<Request>> AskAll(const std::vector<Backend*>& backends,
                                      Request request) {
  const auto shared = std::make_shared<const Request>(std::move(request));
  std::vector<Question<Request>> questions;
  for (Backend* backend : backends) questions.push_back({backend, shared});
  return questions;
}

// An answer for each question, in their order. Waits until all are there, the
// call's deadline has passed or its caller is gone, or `enough(i, status,
// response)`, asked of each answer as it comes, is true. What has not answered
// by then is cancelled, and its status DEADLINE_EXCEEDED; nothing waits for it.
template <typename Response, typename Request, typename Enough>
std::vector<Answer<Response>> Gather(std::vector<Question<Request>> questions,
                                     const Call& call, Enough enough) {
  struct Item {
    Question<Request> question;
    Response response;
    std::optional<absl::Status> status;
  };
  // Kept by each call until it is done.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Item> items;
    std::vector<size_t> fresh;  // Answers that were not looked at.
    size_t open = 0;
  };
  // How soon it is noticed that the caller is gone.
  constexpr std::chrono::milliseconds kLook(20);
  const auto begin = std::chrono::steady_clock::now();
  const auto state = std::make_shared<State>();
  state->open = questions.size();
  state->items.resize(questions.size());
  std::vector<Backend::Cancel> cancels;
  for (size_t i = 0; i < questions.size(); ++i) {
    Item& item = state->items[i];
    item.question = std::move(questions[i]);
    cancels.push_back(
        item.question.backend->Ask(*item.question.request, call, &item.response,
                                   [state, i](const absl::Status& status) {
                                     std::lock_guard lock(state->mutex);
                                     state->items[i].status = status;
                                     state->fresh.push_back(i);
                                     --state->open;
                                     state->changed.notify_one();
                                   }));
  }
  std::unique_lock lock(state->mutex);
  bool stop = false;
  while (!stop) {
    for (size_t i : std::exchange(state->fresh, {})) {
      const Item& item = state->items[i];
      stop = enough(i, *item.status, item.response) || stop;
    }
    if (stop || state->open == 0) break;
    const auto now = std::chrono::system_clock::now();
    if (now >= call.deadline || (call.cancelled && call.cancelled())) break;
    state->changed.wait_for(lock, std::min<std::chrono::system_clock::duration>(
                                      kLook, call.deadline - now));
  }
  std::vector<Answer<Response>> answers(state->items.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    Item& item = state->items[i];
    answers[i].backend = item.question.backend;
    if (!item.status) {
      answers[i].status = absl::DeadlineExceededError(
          absl::StrCat("no answer within ",
                       static_cast<int>(MillisecondsSince(begin)), " ms"));
    } else {
      answers[i].status = *item.status;
      if (item.status->ok()) answers[i].response = std::move(item.response);
    }
  }
  const bool all_done = state->open == 0;
  lock.unlock();
  if (!all_done) {
    for (const Backend::Cancel& cancel : cancels) {
      if (cancel) cancel();
    }
  }
  return answers;
}

template <typename Response, typename Request>
std::vector<Answer<Response>> Gather(std::vector<Question<Request>> questions,
                                     const Call& call) {
  return Gather<Response>(
      std::move(questions), call,
      [](size_t, const absl::Status&, const Response&) { return false; });
}

}  // namespace vitrine
