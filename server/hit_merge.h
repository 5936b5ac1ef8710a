// Hits of several partitions, made those of one answer: what
// common/index/hit_selection is to the rows of one index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The order of an answer; ties go by product id, then image key.
bool ComesBefore(const v1::Hit& a, const v1::Hit& b);

// Of one request. Not thread-safe; the request must outlive it.
class HitMerge {
 public:
  explicit HitMerge(const v1::SearchRequest& request);

  // Whether hits are passed over for others that were taken, so that as many as
  // are wanted may not be enough to choose from.
  bool is_selective() const {
    return request_.collapse_near_duplicates() || !request_.diversity().empty();
  }
  // Which fields hits must have to be chosen from.
  v1::ReturnFields FieldsNeeded() const;

  // Takes a hit as the next one, whatever the limits.
  void Take(v1::Hit hit);
  // Takes a hit that comes after all so far, unless its product (or picture,
  // where products are not grouped) was offered before, a limit is reached, or
  // it is nearly identical to a hit, which then tells of it.
  void Offer(v1::Hit hit);

  const std::vector<v1::Hit>& hits() const { return hits_; }
  // Products that were offered.
  const std::set<std::string>& products() const { return products_; }
  // Matches the products that no limit would let in any more; not set where
  // none is reached.
  v1::Filter Full() const;

  // Puts the hits but for the first `offset` into an answer, with the fields
  // that the request asks for.
  void Give(size_t offset, google::protobuf::RepeatedPtrField<v1::Hit>* to);

 private:
  using Values = std::vector<std::vector<std::string>>;  // A list a limit.

  bool IsNew(const v1::Hit& hit);
  Values ValuesOf(const v1::Hit& hit) const;
  bool IsFull(const Values& values) const;
  v1::Hit* OriginalOf(const v1::Hit& hit);

  const v1::SearchRequest& request_;
  std::vector<v1::Hit> hits_;
  std::set<std::string> products_;
  std::set<std::pair<std::string, std::string>> pictures_;
  // For each limit, how many hits have a value.
  std::vector<std::map<std::string, int>> counts_;
};

}  // namespace vitrine
