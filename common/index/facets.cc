#include "common/index/facets.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/index/filter.h"

namespace vitrine {
namespace {

using Counts = absl::flat_hash_map<std::string, int64_t>;

v1::Facet MakeFacet(const std::string& attribute, const Counts& counts,
                    size_t max_values) {
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [value, count] : counts) sorted.emplace_back(-count, value);
  std::sort(sorted.begin(), sorted.end());
  v1::Facet facet;
  facet.set_attribute(attribute);
  int64_t others = 0;
  for (auto& [minus_count, value] : sorted) {
    if (static_cast<size_t>(facet.counts_size()) == max_values) {
      others -= minus_count;
      continue;
    }
    v1::Facet::Count* count = facet.add_counts();
    count->set_value(std::move(value));
    count->set_count(-minus_count);
  }
  facet.set_others(others);
  return facet;
}

}  // namespace

std::vector<v1::Facet> CountFacets(const ProductRows& joined,
                                   const std::vector<LiveShard>& shards,
                                   const RowFilter* rows,
                                   const std::vector<std::string>& attributes,
                                   size_t max_values) {
  // A product counts once, however many rows it has in however many shards.
  Bitmap records(joined.records());
  for (size_t s = 0; s < shards.size(); ++s) {
    const std::vector<uint32_t>& of_row = joined.of_shard(s);
    auto add = [&](uint32_t row) {
      if (of_row[row] != ProductRows::kNoRecord) records.Set(of_row[row]);
    };
    if (rows != nullptr) {
      rows->rows[s].ForEach(add);
      continue;
    }
    for (uint32_t row = 0; row < of_row.size(); ++row) {
      if (shards[s].IsLive(row)) add(row);
    }
  }
  std::vector<v1::Facet> facets;
  for (const std::string& attribute : attributes) {
    Counts counts;
    for (size_t s = 0; s < joined.segments().size(); ++s) {
      const ProductColumn* column =
          joined.segments()[s]->columns().Find(attribute);
      if (column == nullptr) continue;
      std::vector<int64_t> of_code(column->values().size());
      column->Count(records.words().data() + joined.first(s) / 64, &of_code);
      for (size_t code = 1; code < of_code.size(); ++code) {
        if (of_code[code] == 0) continue;
        ForEachText(column->values()[code], [&](const std::string& text) {
          counts[text] += of_code[code];
        });
      }
    }
    facets.push_back(MakeFacet(attribute, counts, max_values));
  }
  return facets;
}

}  // namespace vitrine
