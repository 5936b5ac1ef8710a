// What the products of one snapshot are: their categories, slots and
// attributes, and which of them go with what.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/index/snapshot.h"
#include "server/slots.h"
#include "server/traits.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Immutable and thread-safe. Keeps no reference to the snapshot.
class Catalogue {
 public:
  struct Category {
    std::string name;
    int64_t products = 0;
    std::string_view slot;  // Of the slot table; empty where it has none.
  };

  // `slots` must outlive the catalogue. Takes time in proportion to products
  // and their different values, less than their columns, if not made yet.
  Catalogue(const Snapshot& snapshot, const SlotTable& slots);

  int64_t products() const { return products_; }
  // By name.
  const std::vector<Category>& categories() const { return categories_; }
  // The category of this name; letters' case and plurals do not matter where
  // no other category differs in them alone.
  const Category* FindCategory(std::string_view name) const;
  // Up to `n` names that look most like `name`.
  std::vector<std::string> CloseCategories(std::string_view name,
                                           size_t n) const;
  // By name.
  const std::vector<v1::AttributeSummary>& attributes() const {
    return attributes_;
  }
  std::vector<std::string_view> AttributeNames() const;

  // The products of a slot that agree with `traits` in each attribute that is
  // one: they share a value of it, or one of them tells none. Nothing where no
  // category is of the slot. Not to be checked: it is not a caller's.
  std::optional<v1::Filter> FilterOfSlot(std::string_view slot,
                                         const TraitValues& traits) const;

 private:
  std::vector<std::string_view> Names() const;

  int64_t products_ = 0;
  std::vector<Category> categories_;
  std::vector<v1::AttributeSummary> attributes_;
  // By the name of each attribute that is a trait: its values, as filters take
  // them.
  std::map<std::string, std::set<std::string>> trait_values_;
};

}  // namespace vitrine
