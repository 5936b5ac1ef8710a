// From what the index answers to the messages of the API.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/search.h"
#include "common/index/snapshot.h"
#include "vitrine/storage/records.pb.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

v1::Metric ToProto(Metric metric);
v1::AttributeValue ToProto(const storage::Attribute& attribute);

// A stored vector as floats.
void FillVector(const Snapshot& snapshot, const uint16_t* stored,
                v1::Vector* vector);

// Adds hits with the fields that are asked for. `sha256s` are those of the
// query's pictures, 32 bytes each.
void AddHits(const Snapshot& snapshot, std::span<const SearchHit> found,
             const v1::ReturnFields& fields,
             std::span<const std::string> sha256s,
             google::protobuf::RepeatedPtrField<v1::Hit>* hits);

v1::QueryPlan MakePlan(const Snapshot& snapshot, const SearchResult& result);

}  // namespace vitrine
