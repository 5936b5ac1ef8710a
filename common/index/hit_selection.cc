#include "common/index/hit_selection.h"

#include <string_view>
#include <utility>
#include <variant>

#include "common/index/filter.h"
#include "common/vector/half.h"
#include "common/vector/kernels.h"

namespace vitrine {
namespace {

// Calls visit(text) for each value of a product's attribute; none where it has
// none, or the product no record.
template <typename Visit>
void ForEachValue(const Snapshot& snapshot, std::string_view product_id,
                  std::string_view attribute, const Visit& visit) {
  if (attribute == "product_id") {
    visit(std::string(product_id));
    return;
  }
  const auto bytes = snapshot.products().Find(product_id);
  ProductRecordView record;
  if (!bytes || !ReadProductRecord(*bytes, &record)) return;
  if (attribute == "category") {
    if (!record.category.empty()) visit(std::string(record.category));
    return;
  }
  // Of entries of one name the last one counts.
  std::string_view name, found;
  for (std::string_view entry : record.attributes) {
    std::string_view bytes;
    if (ReadAttributeEntry(entry, &name, &bytes) && name == attribute)
      found = bytes;
  }
  AttributeValue value;
  if (!found.empty() && ReadAttribute(found, &value)) ForEachText(value, visit);
}

}  // namespace

HitSelection::HitSelection(const Snapshot& snapshot, const SearchParams& params)
    : snapshot_(snapshot), params_(params), counts_(params.diversity.size()) {}

void HitSelection::Begin() {
  vectors_.clear();
  for (auto& counts : counts_) counts.clear();
}

void HitSelection::Add(const Shard& shard, uint32_t row, Values values) {
  for (size_t i = 0; i < counts_.size(); ++i) {
    for (std::string& value : values[i]) ++counts_[i][std::move(value)];
  }
  if (params_.collapse_near_duplicates) {
    std::vector<float>& vector =
        vectors_.emplace_back(static_cast<size_t>(shard.dim()));
    FloatsFromHalves(shard.vector(row), vector.size(), vector.data());
  }
}

bool HitSelection::Admit(const Shard& shard, uint32_t row,
                         std::vector<SearchHit>* hits) {
  // First what takes less time.
  Values values = ValuesOf(shard.key(row).product_id);
  if (IsFull(values)) return false;
  if (params_.collapse_near_duplicates) {
    if (const auto original = DuplicateOf(shard, row, *hits)) {
      std::vector<RowRef>& told = (*hits)[*original].near_duplicates;
      if (told.size() < kMaxNearDuplicates) told.push_back({&shard, row});
      return false;
    }
  }
  Add(shard, row, std::move(values));
  return true;
}

std::optional<size_t> HitSelection::DuplicateOf(
    const Shard& shard, uint32_t row,
    const std::vector<SearchHit>& hits) const {
  for (size_t i = 0; i < hits.size(); ++i) {
    if (hits[i].key().sha256 == shard.key(row).sha256 ||
        DotHalf(vectors_[i].data(), shard.vector(row), vectors_[i].size()) >=
            kNearlyIdentical) {
      return i;
    }
  }
  return std::nullopt;
}

HitSelection::Values HitSelection::ValuesOf(std::string_view product_id) const {
  Values values(counts_.size());
  for (size_t i = 0; i < counts_.size(); ++i) {
    ForEachValue(
        snapshot_, product_id, params_.diversity[i].attribute,
        [&](std::string value) { values[i].push_back(std::move(value)); });
  }
  return values;
}

bool HitSelection::IsFull(const Values& values) const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    for (const std::string& value : values[i]) {
      const auto found = counts_[i].find(value);
      if (found != counts_[i].end() &&
          found->second >= params_.diversity[i].limit) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace vitrine
