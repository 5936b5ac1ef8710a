#include "server/catalogue.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <variant>

#include "common/base/utf8.h"
#include "common/index/filter.h"

namespace vitrine {
namespace {

// An attribute with more texts tells nothing by those beyond.
constexpr size_t kMostTraitValues = 64;

v1::AttributeType TypeOf(const AttributeValue& value) {
  constexpr std::array kTypes = {
      v1::ATTRIBUTE_TYPE_TEXT, v1::ATTRIBUTE_TYPE_NUMBER,
      v1::ATTRIBUTE_TYPE_FLAG, v1::ATTRIBUTE_TYPE_LIST};
  static_assert(kTypes.size() == std::variant_size_v<AttributeValue>);
  return kTypes[value.index()];
}

// Where the trait of this name, in any case, stands among all; their number
// where it is none.
size_t TraitOf(std::string_view name) {
  return static_cast<size_t>(
      std::find(kTraits.begin(), kTraits.end(), LowerCase(name)) -
      kTraits.begin());
}

v1::Filter::Condition* AddCondition(std::string_view attribute,
                                    v1::Filter::FilterList* filters) {
  v1::Filter::Condition* const condition =
      filters->add_filters()->mutable_condition();
  condition->set_attribute(attribute.data(), attribute.size());
  return condition;
}

}  // namespace

Catalogue::Catalogue(const Snapshot& snapshot, const SlotTable& slots) {
  std::map<std::string_view, int64_t> categories;
  std::map<std::string_view, v1::AttributeSummary> attributes;
  const auto newest = snapshot.selector().NewestRecords();
  for (size_t s = 0; s < newest->size(); ++s) {
    const Bitmap& records = (*newest)[s];
    products_ += records.Count();
    const ProductColumns& columns =
        snapshot.selector().segments()[s]->columns();
    for (const auto& [name, column] : columns.all()) {
      // Until the file is verified it may hold what no message may.
      if (!IsUtf8(name)) continue;
      std::vector<int64_t> counts(column.values().size());
      column.Count(records.words().data(), &counts);
      if (name == ProductColumns::kCategory) {
        for (size_t code = 1; code < counts.size(); ++code) {
          const auto category =
              std::get<std::string_view>(column.values()[code]);
          if (counts[code] != 0 && IsUtf8(category))
            categories[category] += counts[code];
        }
        continue;
      }
      v1::AttributeSummary& summary = attributes[name];
      std::set<std::string>* const trait =
          TraitOf(name) < kTraits.size() ? &trait_values_[std::string(name)]
                                         : nullptr;
      for (size_t code = 1; code < counts.size(); ++code) {
        if (counts[code] == 0) continue;
        const AttributeValue& value = column.values()[code];
        const v1::AttributeType type = TypeOf(value);
        summary.set_type(summary.products() == 0 || summary.type() == type
                             ? type
                             : v1::ATTRIBUTE_TYPE_MIXED);
        summary.set_products(summary.products() + counts[code]);
        if (trait == nullptr || std::holds_alternative<double>(value)) continue;
        ForEachText(value, [&](std::string text) {
          if (trait->size() < kMostTraitValues && IsUtf8(text))
            trait->insert(std::move(text));
        });
      }
    }
  }
  for (const auto& [name, products] : categories) {
    categories_.push_back({std::string(name), products, slots.SlotOf(name)});
  }
  for (auto& [name, summary] : attributes) {
    if (summary.products() == 0) continue;
    summary.set_name(name.data(), name.size());
    attributes_.push_back(std::move(summary));
  }
}

std::vector<std::string_view> Catalogue::AttributeNames() const {
  std::vector<std::string_view> names;
  for (const v1::AttributeSummary& attribute : attributes_)
    names.push_back(attribute.name());
  return names;
}

const Catalogue::Category* Catalogue::FindCategory(
    std::string_view name) const {
  const auto exact = std::lower_bound(
      categories_.begin(), categories_.end(), name,
      [](const Category& one, std::string_view n) { return one.name < n; });
  if (exact != categories_.end() && exact->name == name) return &*exact;
  const std::optional<int> found = vitrine::FindCategory(Names(), name);
  return found ? &categories_[static_cast<size_t>(*found)] : nullptr;
}

std::vector<std::string> Catalogue::CloseCategories(std::string_view name,
                                                    size_t n) const {
  return vitrine::CloseCategories(Names(), name, n);
}

std::vector<std::string_view> Catalogue::Names() const {
  std::vector<std::string_view> names;
  for (const Category& category : categories_) names.push_back(category.name);
  return names;
}

std::optional<v1::Filter> Catalogue::FilterOfSlot(
    std::string_view slot, const TraitValues& traits) const {
  v1::Filter filter;
  v1::Filter::FilterList* const all = filter.mutable_all();
  v1::Filter::Condition* const in_slot =
      AddCondition(ProductColumns::kCategory, all);
  for (const Category& category : categories_) {
    if (category.slot == slot)
      in_slot->mutable_any_of()->add_values(category.name);
  }
  if (in_slot->any_of().values().empty()) return std::nullopt;
  for (const auto& [name, values] : trait_values_) {
    const std::vector<std::string>& wanted = traits[TraitOf(name)];
    if (wanted.empty()) continue;
    v1::Filter::StringSet shared, others;
    for (const std::string& value : values) {
      const std::string lower = LowerCase(value);
      const bool is_shared =
          FitsAll(lower) ||
          std::find(wanted.begin(), wanted.end(), lower) != wanted.end();
      (is_shared ? shared : others).add_values(value);
    }
    if (others.values().empty()) continue;
    v1::Filter::FilterList* const any = all->add_filters()->mutable_any();
    // Numbers tell nothing.
    AddCondition(name, any)->mutable_range()->set_min(
        std::numeric_limits<double>::lowest());
    AddCondition(name, any->add_filters()->mutable_none())
        ->mutable_any_of()
        ->Swap(&others);
    if (!shared.values().empty())
      AddCondition(name, any)->mutable_any_of()->Swap(&shared);
  }
  return filter;
}

}  // namespace vitrine
