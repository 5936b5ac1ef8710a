// What the products of one snapshot are: their categories, slots and
// attributes, counted in one pass and spread to rows.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/index/snapshot.h"
#include "server/slots.h"
#include "server/traits.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// A set of values for each trait, as bits; 0 is not told.
using Traits = std::array<uint64_t, kTraits.size()>;

// What Recommend must know of a product.
struct ProductFacts {
  static constexpr int kNoCategory = -1;
  int category = kNoCategory;  // An index into Catalogue::categories().
  Traits traits{};
};

// Whether two products agree in all traits: they share a value, or one of them
// is not told.
bool Agree(const Traits& a, const Traits& b);

// Immutable and thread-safe. Keeps no reference to the snapshot.
class Catalogue {
 public:
  struct Category {
    std::string name;
    int64_t products = 0;
    std::string_view slot;  // Of the slot table; empty where it has none.
    bool unknown = false;   // A label that tells nothing.
  };

  // `slots` must outlive the catalogue. Takes time in proportion to products
  // and rows.
  Catalogue(const Snapshot& snapshot, const SlotTable& slots);

  int64_t products() const { return static_cast<int64_t>(products_.size()); }
  // In the order of their first product.
  const std::vector<Category>& categories() const { return categories_; }
  // The category of this name; letters' case and plurals do not matter where
  // no other category differs in them alone.
  std::optional<int> FindCategory(std::string_view name) const;
  // Up to `n` names that look most like `name`.
  std::vector<std::string> CloseCategories(std::string_view name,
                                           size_t n) const;
  // By name.
  const std::vector<v1::AttributeSummary>& attributes() const {
    return attributes_;
  }

  std::vector<std::string_view> AttributeNames() const;

  ProductFacts FactsOf(const storage::ProductRecord& product) const;
  // A value that no product has agrees with none.
  Traits TraitsOf(const TraitValues& values) const;

  // The live rows of the products that `matches` accepts, where `among` is not
  // null only those that it has too.
  RowFilter Rows(
      const std::function<bool(const ProductFacts& product)>& matches,
      const RowFilter* among) const;

 private:
  static constexpr uint32_t kNoProduct = UINT32_MAX;

  // Value bits of one trait; values beyond the 63rd are not told, and the last
  // bit is no product's.
  using ValueBits = std::unordered_map<std::string, uint64_t>;

  std::vector<std::string_view> Names() const;
  void Learn(const storage::ProductRecord& product, const SlotTable& slots);
  void CountAttributes(
      const storage::ProductRecord& product,
      std::unordered_map<std::string, v1::AttributeSummary>* summaries) const;
  uint64_t BitsOf(size_t trait, const storage::Attribute& attribute) const;

  std::vector<Category> categories_;
  std::unordered_map<std::string, int> category_index_;
  std::array<ValueBits, kTraits.size()> values_;
  std::vector<v1::AttributeSummary> attributes_;
  std::vector<ProductFacts> products_;  // In the order of their ids.
  // For each shard, its rows' products: indexes into products_, or kNoProduct.
  std::vector<std::vector<uint32_t>> product_of_row_;
};

}  // namespace vitrine
