#include "indexer/event_work.h"

#include <utility>

namespace vitrine {

void EventWork::Put(Event event, const std::vector<bool>& is_read) {
  std::lock_guard lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  Pending& pending = pending_[ticket];
  pending.event = std::move(event);
  const std::vector<EventPicture>& pictures = pending.event.change.pictures;
  pending.event.results.resize(pictures.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (!is_read.empty() && is_read[i]) continue;
    waiting_.emplace_back(ticket, i);
    ++pending.left;
    const auto& content = pictures[i].content;
    if (content != nullptr) pending.bytes += content->size();
  }
  pictures_ += pending.left;
  bytes_ += pending.bytes;
}

std::optional<PictureTask> EventWork::Take() {
  std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  const auto [ticket, i] = waiting_.front();
  waiting_.pop_front();
  const EventPicture& picture = pending_.at(ticket).event.change.pictures[i];
  PictureTask task;
  task.path = picture.path.empty() ? picture.key : picture.path;
  task.ticket = ticket;
  task.content = picture.content;
  task.event_picture = i;
  return task;
}

std::optional<EventWork::Event> EventWork::Finish(PictureResult result) {
  std::lock_guard lock(mutex_);
  const auto found = pending_.find(result.task.ticket);
  if (found == pending_.end()) return std::nullopt;
  Pending& pending = found->second;
  const size_t i = *result.task.event_picture;
  pending.event.results[i] = std::move(result);
  --pictures_;
  if (--pending.left > 0) return std::nullopt;
  bytes_ -= pending.bytes;
  Event event = std::move(pending.event);
  pending_.erase(found);
  return event;
}

size_t EventWork::pictures() const {
  std::lock_guard lock(mutex_);
  return pictures_;
}

uint64_t EventWork::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace vitrine
