#include "common/index/row_selector.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "common/index/facets.h"
#include "common/index/filter.h"

namespace vitrine {
namespace {

// What was made so far, which may be null.
template <typename T>
std::shared_ptr<const T> MadeOf(std::mutex* mutex,
                                const std::shared_ptr<const T>& made) {
  std::lock_guard lock(*mutex);
  return made;
}

}  // namespace

RowSelector::RowSelector(const std::vector<LiveShard>& shards,
                         const Table& products, const RowSelector* previous)
    : shards_(shards) {
  const ProductSegments before =
      previous != nullptr ? previous->segments_ : ProductSegments();
  std::shared_ptr<const ProductRows> joined;
  if (previous != nullptr)
    joined = MadeOf(&previous->join_mutex_, previous->joined_);
  for (const auto& table : products.segments()) {
    const auto known = std::find_if(
        before.begin(), before.end(),
        [&](const auto& segment) { return &segment->table() == table.get(); });
    segments_.push_back(known != before.end()
                            ? *known
                            : std::make_shared<const ProductSegment>(table));
    has_windows_ = has_windows_ || !segments_.back()->windows().empty();
    // Whoever filtered the last generation will filter this one, and shall not
    // wait for it.
    if (joined != nullptr) segments_.back()->columns();
  }
  if (joined == nullptr) return;
  joined_ =
      std::make_shared<const ProductRows>(shards_, segments_, joined.get());
  if (const auto known = MadeOf(&previous->newest_mutex_, previous->newest_)) {
    newest_ = std::make_shared<const RecordSet>(
        vitrine::NewestRecords(segments_, before, *known));
  }
}

std::shared_ptr<const ProductRows> RowSelector::Joined() const {
  std::lock_guard lock(join_mutex_);
  if (joined_ == nullptr) {
    joined_ = std::make_shared<const ProductRows>(shards_, segments_,
                                                  /*previous=*/nullptr);
  }
  return joined_;
}

std::shared_ptr<const RecordSet> RowSelector::NewestRecords() const {
  std::lock_guard lock(newest_mutex_);
  if (newest_ == nullptr) {
    newest_ = std::make_shared<const RecordSet>(
        vitrine::NewestRecords(segments_, {}, {}));
  }
  return newest_;
}

std::shared_ptr<const RowFilter> RowSelector::Select(
    const v1::Filter* filter, int64_t now_unix_ms) const {
  std::shared_ptr<const Offer> offer;
  if (has_windows_) offer = OfferAt(now_unix_ms);
  const RowFilter* offered = offer != nullptr ? offer->rows.get() : nullptr;
  if (filter == nullptr) {
    return offered != nullptr ? offer->rows : nullptr;
  }
  // A filter has no maps, so that equal ones have equal bytes. What is offered
  // changes with time, which the other part of the key tells.
  std::string key = filter->SerializeAsString();
  const int64_t since = offered != nullptr ? offer->since_unix_ms : 0;
  key.append(reinterpret_cast<const char*>(&since), sizeof(since));
  if (auto known = cache_.Find(key)) return known;

  const std::shared_ptr<const ProductRows> joined = Joined();
  Bitmap records(joined->records());
  for (size_t s = 0; s < segments_.size(); ++s) {
    const Bitmap matching = vitrine::MatchingRecords(*segments_[s], *filter);
    std::ranges::copy(matching.words(),
                      records.words().begin() + joined->first(s) / 64);
  }
  auto rows = std::make_shared<RowFilter>(RowsOf(records, /*chosen=*/true));
  if (offered != nullptr) {
    RowFilter both;
    for (size_t s = 0; s < shards_.size(); ++s) {
      rows->rows[s].And(offered->rows[s]);
      both.Add(std::move(rows->rows[s]));
    }
    *rows = std::move(both);
  }
  return cache_.Put(std::move(key), std::move(rows));
}

std::vector<v1::Facet> RowSelector::CountFacets(
    const std::vector<std::string>& attributes, const RowFilter* rows,
    size_t max_values) const {
  return vitrine::CountFacets(*Joined(), shards_, rows, attributes, max_values);
}

RecordSet RowSelector::MatchingRecords(const v1::Filter& filter) const {
  RecordSet records = *NewestRecords();
  for (size_t s = 0; s < segments_.size(); ++s) {
    records[s].And(vitrine::MatchingRecords(*segments_[s], filter));
  }
  return records;
}

void RowSelector::ForEach(
    const RecordSet& records, std::string_view after,
    const std::function<bool(std::string_view id, std::string_view value)>&
        visit) const {
  // Of each segment, the next record and its product.
  std::vector<uint32_t> next(segments_.size());
  std::vector<std::string_view> ids(segments_.size());
  const auto advance = [&](size_t s, uint32_t from) {
    next[s] = records[s].NextSet(from);
    if (next[s] < records[s].size())
      ids[s] = segments_[s]->table().entry(next[s]).key;
  };
  for (size_t s = 0; s < segments_.size(); ++s) {
    const TableSegment& table = segments_[s]->table();
    uint32_t first = after.empty() ? 0 : table.LowerBound(after);
    if (first < table.size() && table.entry(first).key == after) ++first;
    advance(s, first);
  }
  while (true) {
    std::optional<size_t> least;
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (next[s] < records[s].size() && (!least || ids[s] < ids[*least]))
        least = s;
    }
    if (!least) return;
    const uint32_t record = next[*least];
    const TableEntry entry = segments_[*least]->table().entry(record);
    if (!visit(entry.key, entry.value)) return;
    advance(*least, record + 1);
  }
}

std::shared_ptr<const RowSelector::Offer> RowSelector::OfferAt(
    int64_t now_unix_ms) const {
  std::lock_guard lock(offer_mutex_);
  if (offer_ == nullptr || now_unix_ms < offer_->since_unix_ms ||
      now_unix_ms >= offer_->until_unix_ms) {
    offer_ = MakeOffer(now_unix_ms);
  }
  return offer_;
}

std::shared_ptr<const RowSelector::Offer> RowSelector::MakeOffer(
    int64_t now_unix_ms) const {
  auto offer = std::make_shared<Offer>();
  offer->since_unix_ms = std::numeric_limits<int64_t>::min();
  offer->until_unix_ms = std::numeric_limits<int64_t>::max();
  const std::shared_ptr<const ProductRows> joined = Joined();
  Bitmap hidden(joined->records());
  bool any_hidden = false;
  for (size_t s = 0; s < segments_.size(); ++s) {
    for (const ProductSegment::Window& window : segments_[s]->windows()) {
      for (const int64_t moment : {window.from_unix_ms, window.until_unix_ms}) {
        if (moment <= now_unix_ms) {
          offer->since_unix_ms = std::max(offer->since_unix_ms, moment);
        } else {
          offer->until_unix_ms = std::min(offer->until_unix_ms, moment);
        }
      }
      if (now_unix_ms < window.from_unix_ms ||
          now_unix_ms >= window.until_unix_ms) {
        hidden.Set(joined->first(s) + window.record);
        any_hidden = true;
      }
    }
  }
  if (any_hidden) {
    offer->rows =
        std::make_shared<const RowFilter>(RowsOf(hidden, /*chosen=*/false));
  }
  return offer;
}

RowFilter RowSelector::RowsOf(const Bitmap& records, bool chosen) const {
  const std::shared_ptr<const ProductRows> joined = Joined();
  RowFilter filter;
  for (size_t s = 0; s < shards_.size(); ++s) {
    const std::vector<uint32_t>& of_row = joined->of_shard(s);
    Bitmap rows(shards_[s].shard->rows());
    for (size_t begin = 0; begin < of_row.size(); begin += 64) {
      const size_t end = std::min(begin + 64, of_row.size());
      uint64_t word = 0;
      for (size_t row = begin; row < end; ++row) {
        const uint32_t record = of_row[row];
        const bool is_in =
            record != ProductRows::kNoRecord && records.Get(record);
        word |= uint64_t{is_in == chosen} << (row - begin);
      }
      rows.words()[begin / 64] = word;
    }
    if (shards_[s].dead.size() != 0) rows.Subtract(shards_[s].dead);
    filter.Add(std::move(rows));
  }
  return filter;
}

}  // namespace vitrine
