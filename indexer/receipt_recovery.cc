#include "indexer/receipt_recovery.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/manifest.h"
#include "indexer/index_changes.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {
namespace {

using google::protobuf::util::TimeUtil;
using storage::SourceFileRecord;

template <typename Record>
std::optional<Record> Find(const Table& table, std::string_view key) {
  const auto bytes = table.Find(key);
  Record record;
  if (!bytes ||
      !record.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    return std::nullopt;
  }
  return record;
}

// Of a product that came by a queue.
std::string SourceOf(const Table& before, const Table& after,
                     std::string_view product_id) {
  for (const Table* table : {&after, &before}) {
    const auto product = Find<storage::QueuedProductRecord>(
        *table, QueuedProductKey(product_id));
    if (product) return product->source();
  }
  return "queue";
}

// The keys that may differ between two tables: those of the segments that only
// one of them has.
std::set<std::string> KeysThatMayDiffer(const Table& before,
                                        const Table& after) {
  std::map<std::string, const TableSegment*> single;
  for (const auto& segment : before.segments()) {
    single[segment->name()] = segment.get();
  }
  for (const auto& segment : after.segments()) {
    if (single.erase(segment->name()) == 0) {
      single[segment->name()] = segment.get();
    }
  }
  std::set<std::string> keys;
  for (const auto& [name, segment] : single) {
    for (uint32_t i = 0; i < segment->size(); ++i) {
      keys.emplace(segment->entry(i).key);
    }
  }
  return keys;
}

// What a generation that is still kept knew of the source files.
struct OldState {
  Table sources;
  Publication publication;
};

absl::StatusOr<OldState> ReadState(const IndexPaths& paths,
                                   uint64_t generation) {
  VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                           ReadManifest(paths, generation));
  std::vector<std::shared_ptr<const TableSegment>> segments;
  for (const storage::FileRef& ref : manifest.source_segments()) {
    VITRINE_ASSIGN_OR_RETURN(
        auto segment, TableSegment::Open(paths.sources() / ref.name(), ref));
    segments.push_back(std::move(segment));
  }
  return OldState{Table(std::move(segments)),
                  {generation, manifest.published_unix_ms()}};
}

}  // namespace

std::vector<v1::Receipt> ReceiptsBetween(const Table& before,
                                         const Table& after,
                                         const Publication& publication) {
  std::vector<v1::Receipt> receipts;
  for (const std::string& key : KeysThatMayDiffer(before, after)) {
    const auto queued = ParseQueuedKey(key);
    if (queued && !queued->image_key) continue;
    const auto old = Find<SourceFileRecord>(before, key);
    const auto now = Find<SourceFileRecord>(after, key);
    const bool was = old && old->refused_reason() == 0;
    const bool is = now && now->refused_reason() == 0;
    v1::Receipt receipt;
    const SourceFileRecord* told = now ? &*now : nullptr;
    if (is) {
      if (was && old->sha256() == now->sha256()) continue;
      receipt.set_outcome(was ? v1::Receipt::OUTCOME_CHANGED
                              : v1::Receipt::OUTCOME_ACCEPTED);
    } else if (now) {
      if (old && old->refused_reason() == now->refused_reason() &&
          old->sha256() == now->sha256()) {
        continue;
      }
      receipt.set_outcome(v1::Receipt::OUTCOME_REFUSED);
      receipt.set_reason(static_cast<v1::ErrorReason>(now->refused_reason()));
      receipt.set_message(now->refused_message());
    } else if (was) {
      receipt.set_outcome(v1::Receipt::OUTCOME_REMOVED);
      told = &*old;
    } else {
      continue;
    }
    *receipt.mutable_time() =
        TimeUtil::MillisecondsToTimestamp(publication.published_unix_ms);
    receipt.set_source(queued ? SourceOf(before, after, queued->product_id)
                              : "directory");
    receipt.set_path(queued ? std::string(*queued->image_key) : key);
    receipt.set_product_id(told->product_id());
    receipt.set_sha256(Sha256ToHex(told->sha256()));
    receipt.set_generation(publication.generation);
    if (receipt.outcome() != v1::Receipt::OUTCOME_REFUSED) {
      *receipt.mutable_searchable_at() = receipt.time();
    }
    receipts.push_back(std::move(receipt));
  }
  return receipts;
}

absl::StatusOr<std::vector<v1::Receipt>> LostReceipts(const IndexPaths& paths,
                                                      const IndexView& view,
                                                      const ReceiptLog& log) {
  const storage::Manifest& newest = view.snapshot->manifest();
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths));
  // An index begins with generation 1, which is empty.
  const uint64_t last = std::max<uint64_t>(1, log.last_generation());
  const auto kept =
      std::lower_bound(generations.begin(), generations.end(), last);
  std::vector<v1::Receipt> lost;
  if (kept == generations.end()) return lost;
  // Where the generation of the last receipt has expired, all was told that
  // came before the oldest which has not. A log without a receipt is another.
  if (*kept != last && log.last_generation() == 0) return lost;
  VITRINE_ASSIGN_OR_RETURN(const OldState at_last, ReadState(paths, *kept));
  if (*kept == last && kept != generations.begin()) {
    VITRINE_ASSIGN_OR_RETURN(const OldState before,
                             ReadState(paths, *std::prev(kept)));
    lost =
        ReceiptsBetween(before.sources, at_last.sources, at_last.publication);
    std::erase_if(lost, [&log](const v1::Receipt& receipt) {
      return log.last_pictures().contains(
          {receipt.product_id(), receipt.path()});
    });
  }
  const auto later =
      ReceiptsBetween(at_last.sources, *view.sources,
                      {newest.generation(), newest.published_unix_ms()});
  lost.insert(lost.end(), later.begin(), later.end());
  return lost;
}

}  // namespace vitrine
