// Which rows of a snapshot a request may find: those of products that match its
// filter and are offered at the time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/index/filter_cache.h"
#include "common/index/live_shard.h"
#include "common/index/product_rows.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Thread-safe.
class RowSelector {
 public:
  // `shards` must outlive the selector. What `previous`, which may be null, has
  // made ready is taken over, and only then is this one ready at once; what
  // nobody has asked for is made when somebody does.
  RowSelector(const std::vector<LiveShard>& shards, const Table& products,
              const RowSelector* previous);

  // Of the product table, oldest first.
  const ProductSegments& segments() const { return segments_; }
  // Whether some products are not always offered.
  bool has_windows() const { return has_windows_; }

  // `filter` is one that CheckFilter has passed, or null. Null where all live
  // rows are meant. A row whose product has no record yet matches no filter,
  // and is always offered.
  std::shared_ptr<const RowFilter> Select(const v1::Filter* filter,
                                          int64_t now_unix_ms) const;

  // How many products with a row in `rows`, null for every live row, have which
  // values of `attributes`. At most `max_values` a facet.
  std::vector<v1::Facet> CountFacets(const std::vector<std::string>& attributes,
                                     const RowFilter* rows,
                                     size_t max_values) const;

  // The records that tell what a product is, whether or not it has rows or is
  // offered.
  std::shared_ptr<const RecordSet> NewestRecords() const;
  // Those of them that match.
  RecordSet MatchingRecords(const v1::Filter& filter) const;
  // Calls visit(id, value) for each product of `records`, which are newest
  // ones, after the id `after`, in the order of ids, until it returns false.
  // The others are not looked at.
  void ForEach(const RecordSet& records, std::string_view after,
               const std::function<bool(std::string_view id,
                                        std::string_view value)>& visit) const;

 private:
  // What is offered from one moment to another.
  struct Offer {
    int64_t since_unix_ms;
    int64_t until_unix_ms;
    std::shared_ptr<const RowFilter> rows;  // Null is every live row.
  };

  // Made at the first use.
  std::shared_ptr<const ProductRows> Joined() const;
  std::shared_ptr<const Offer> OfferAt(int64_t now_unix_ms) const;
  std::shared_ptr<const Offer> MakeOffer(int64_t now_unix_ms) const;
  // The live rows of which it holds or, where `chosen` is false, does not hold
  // that their product's record is one of `records`, a bitmap of all.
  RowFilter RowsOf(const Bitmap& records, bool chosen) const;

  const std::vector<LiveShard>& shards_;
  ProductSegments segments_;
  bool has_windows_ = false;

  mutable std::mutex join_mutex_;
  mutable std::shared_ptr<const ProductRows> joined_;
  mutable std::mutex newest_mutex_;
  mutable std::shared_ptr<const RecordSet> newest_;
  mutable std::mutex offer_mutex_;
  mutable std::shared_ptr<const Offer> offer_;
  mutable FilterCache cache_;
};

}  // namespace vitrine
