#include "server/hit_merge.h"

#include <tuple>
#include <utility>

#include "common/index/filter.h"
#include "common/index/hit_selection.h"
#include "common/index/product_record.h"
#include "common/vector/half.h"
#include "common/vector/kernels.h"

namespace vitrine {
namespace {

// Stored vectors are halves, which floats hold exactly.
std::vector<uint16_t> Stored(const v1::Vector& vector) {
  std::vector<uint16_t> halves(static_cast<size_t>(vector.values_size()));
  HalvesFromFloats(vector.values().data(), halves.size(), halves.data());
  return halves;
}

bool Groups(const v1::SearchRequest& request) {
  return !request.has_group_by_product() || request.group_by_product();
}

}  // namespace

bool ComesBefore(const v1::Hit& a, const v1::Hit& b) {
  return std::tuple(a.distance(), std::string_view(a.product_id()),
                    std::string_view(a.image())) <
         std::tuple(b.distance(), std::string_view(b.product_id()),
                    std::string_view(b.image()));
}

HitMerge::HitMerge(const v1::SearchRequest& request)
    : request_(request),
      counts_(static_cast<size_t>(request.diversity_size())) {}

v1::ReturnFields HitMerge::FieldsNeeded() const {
  v1::ReturnFields fields = request_.fields();
  if (!request_.diversity().empty()) fields.set_omit_attributes(false);
  if (request_.collapse_near_duplicates()) fields.set_vector(true);
  return fields;
}

bool HitMerge::IsNew(const v1::Hit& hit) {
  const bool new_product = products_.insert(hit.product_id()).second;
  return Groups(request_)
             ? new_product
             : pictures_.insert({hit.product_id(), hit.image()}).second;
}

void HitMerge::Take(v1::Hit hit) {
  IsNew(hit);
  const Values values = ValuesOf(hit);
  for (size_t i = 0; i < counts_.size(); ++i) {
    for (const std::string& value : values[i]) ++counts_[i][value];
  }
  hits_.push_back(std::move(hit));
}

void HitMerge::Offer(v1::Hit hit) {
  if (!IsNew(hit) || IsFull(ValuesOf(hit))) return;
  if (request_.collapse_near_duplicates()) {
    if (v1::Hit* const original = OriginalOf(hit)) {
      if (original->near_duplicates_size() <
          static_cast<int>(kMaxNearDuplicates)) {
        v1::NearDuplicate* told = original->add_near_duplicates();
        told->set_product_id(hit.product_id());
        told->set_image(hit.image());
      }
      return;
    }
  }
  Take(std::move(hit));
}

v1::Hit* HitMerge::OriginalOf(const v1::Hit& hit) {
  const std::vector<uint16_t> stored = Stored(hit.vector());
  for (v1::Hit& original : hits_) {
    if (original.vector().values_size() == hit.vector().values_size() &&
        DotHalf(original.vector().values().data(), stored.data(),
                stored.size()) >= kNearlyIdentical) {
      return &original;
    }
  }
  return nullptr;
}

HitMerge::Values HitMerge::ValuesOf(const v1::Hit& hit) const {
  Values values(counts_.size());
  for (size_t i = 0; i < counts_.size(); ++i) {
    const std::string& attribute =
        request_.diversity(static_cast<int>(i)).attribute();
    if (attribute == "product_id") {
      values[i].push_back(hit.product_id());
    } else if (attribute == "category") {
      if (!hit.category().empty()) values[i].push_back(hit.category());
    } else if (const auto found = hit.attributes().find(attribute);
               found != hit.attributes().end()) {
      // An attribute is sent as it is stored.
      const std::string bytes = found->second.SerializeAsString();
      AttributeValue value;
      if (ReadAttribute(bytes, &value)) {
        ForEachText(value, [&](std::string text) {
          values[i].push_back(std::move(text));
        });
      }
    }
  }
  return values;
}

bool HitMerge::IsFull(const Values& values) const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    for (const std::string& value : values[i]) {
      const auto found = counts_[i].find(value);
      if (found != counts_[i].end() &&
          found->second >= request_.diversity(static_cast<int>(i)).limit()) {
        return true;
      }
    }
  }
  return false;
}

v1::Filter HitMerge::Full() const {
  v1::Filter full;
  for (size_t i = 0; i < counts_.size(); ++i) {
    const v1::Diversity& limit = request_.diversity(static_cast<int>(i));
    v1::Filter condition;
    for (const auto& [value, count] : counts_[i]) {
      if (count < limit.limit()) continue;
      condition.mutable_condition()->mutable_any_of()->add_values(value);
    }
    if (!condition.has_condition()) continue;
    condition.mutable_condition()->set_attribute(limit.attribute());
    *full.mutable_any()->add_filters() = std::move(condition);
  }
  return full;
}

void HitMerge::Give(size_t offset,
                    google::protobuf::RepeatedPtrField<v1::Hit>* to) {
  for (size_t i = offset; i < hits_.size(); ++i) {
    v1::Hit& hit = hits_[i];
    if (request_.fields().omit_attributes()) hit.clear_attributes();
    if (!request_.fields().vector()) hit.clear_vector();
    *to->Add() = std::move(hit);
  }
  hits_.clear();
}

}  // namespace vitrine
