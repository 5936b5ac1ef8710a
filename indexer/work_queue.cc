#include "indexer/work_queue.h"

#include <algorithm>
#include <utility>

namespace vitrine {

void WorkQueue::Put(Work work, bool fresh) {
  std::lock_guard lock(mutex_);
  const std::string path = work.picture.path;
  Entry& entry = entries_[path];
  const CatalogPicture& known = entry.work.picture;
  if (entry.ticket != 0 && known.bytes == work.picture.bytes &&
      known.modified_unix_ns == work.picture.modified_unix_ns &&
      known.product_id == work.picture.product_id && !fresh) {
    return;
  }
  if (entry.ticket != 0) {
    // It came when it first did.
    fresh = fresh || entry.fresh;
    work.arrived_unix_ms =
        std::min(work.arrived_unix_ms, entry.work.arrived_unix_ms);
  }
  entry = {std::move(work), next_ticket_++, false, fresh};
  (fresh ? fresh_ : bulk_).emplace_back(path, entry.ticket);
}

void WorkQueue::Drop(std::string_view path) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [path](const auto& entry) {
    return std::string_view(entry.first).starts_with(path) &&
           (entry.first.size() == path.size() ||
            entry.first[path.size()] == '/');
  });
}

void WorkQueue::DropProducts(
    const std::set<std::string, std::less<>>& products) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&products](const auto& entry) {
    return products.contains(entry.second.work.picture.product_id);
  });
}

std::optional<PictureTask> WorkQueue::Take() {
  if (paused_) return std::nullopt;
  std::lock_guard lock(mutex_);
  for (auto* queue : {&fresh_, &bulk_}) {
    while (!queue->empty()) {
      const auto [path, ticket] = std::move(queue->front());
      queue->pop_front();
      const auto entry = entries_.find(path);
      if (entry == entries_.end() || entry->second.ticket != ticket) continue;
      entry->second.taken = true;
      return PictureTask{path, ticket, entry->second.work.known_sha256};
    }
  }
  return std::nullopt;
}

std::optional<WorkQueue::Work> WorkQueue::Finish(const PictureTask& task) {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(task.path);
  if (entry == entries_.end() || entry->second.ticket != task.ticket) {
    return std::nullopt;
  }
  Work work = std::move(entry->second.work);
  entries_.erase(entry);
  return work;
}

size_t WorkQueue::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace vitrine
