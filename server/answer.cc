#include "server/answer.h"

#include <algorithm>
#include <optional>

#include "common/base/utf8.h"
#include "common/index/product_record.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

// Fills in what of a hit its product's record tells.
void FillFromRecord(std::string_view record, const v1::ReturnFields& fields,
                    v1::Hit* hit) {
  ProductRecordView view;
  if (!ReadProductRecord(record, &view)) return;
  // Until the file is verified it may hold what no message may.
  if (IsUtf8(view.category))
    hit->set_category(view.category.data(), view.category.size());
  if (!fields.omit_title() && IsUtf8(view.title))
    hit->set_title(view.title.data(), view.title.size());
  if (fields.omit_attributes()) return;
  std::string_view name, value;
  for (std::string_view entry : view.attributes) {
    if (!ReadAttributeEntry(entry, &name, &value) || !IsUtf8(name)) continue;
    // An Attribute is stored as an AttributeValue is sent.
    const std::string key(name);
    if (!(*hit->mutable_attributes())[key].ParseFromArray(
            value.data(), static_cast<int>(value.size()))) {
      hit->mutable_attributes()->erase(key);
    }
  }
}

// `record` is the product's, where it has one.
void FillHit(const Snapshot& snapshot, const SearchHit& found,
             std::optional<std::string_view> record,
             const v1::ReturnFields& fields,
             std::span<const std::string> sha256s, v1::Hit* hit) {
  const RowKey key = found.key();
  hit->set_product_id(key.product_id.data(), key.product_id.size());
  hit->set_image(key.image_key.data(), key.image_key.size());
  // Rounding of stored vectors may pass 1 by a little.
  hit->set_score(std::clamp(found.score, 0.0f, 1.0f));
  hit->set_distance(std::max(found.distance, 0.0f));
  for (size_t b = 0; b < found.block_cosines.size(); ++b) {
    v1::BlockScore* score = hit->add_block_scores();
    score->set_block(snapshot.blocks()[b].name);
    score->set_cosine(std::clamp(found.block_cosines[b], -1.0f, 1.0f));
  }
  hit->set_same_content(std::find(sha256s.begin(), sha256s.end(), key.sha256) !=
                        sha256s.end());
  for (const RowRef& duplicate : found.near_duplicates) {
    const RowKey of = duplicate.shard->key(duplicate.row);
    v1::NearDuplicate* told = hit->add_near_duplicates();
    told->set_product_id(of.product_id.data(), of.product_id.size());
    told->set_image(of.image_key.data(), of.image_key.size());
  }
  // A picture may be searchable before its product's record has come.
  if (record) FillFromRecord(*record, fields, hit);
  if (fields.thumbnail()) {
    hit->set_thumbnail(std::string(snapshot.FindThumbnail(key.sha256)));
  }
  if (fields.vector()) {
    FillVector(snapshot, found.shard->vector(found.row), hit->mutable_vector());
  }
}

}  // namespace

v1::Metric ToProto(Metric metric) {
  switch (metric) {
    case Metric::kCosine:
      return v1::METRIC_COSINE;
    case Metric::kEuclidean:
      return v1::METRIC_EUCLIDEAN;
    case Metric::kManhattan:
      return v1::METRIC_MANHATTAN;
  }
  return v1::METRIC_UNSPECIFIED;
}

v1::AttributeValue ToProto(const storage::Attribute& attribute) {
  v1::AttributeValue value;
  switch (attribute.kind_case()) {
    case storage::Attribute::kText:
      value.set_text(attribute.text());
      break;
    case storage::Attribute::kNumber:
      value.set_number(attribute.number());
      break;
    case storage::Attribute::kFlag:
      value.set_flag(attribute.flag());
      break;
    case storage::Attribute::kList:
      *value.mutable_list()->mutable_values() = attribute.list().values();
      break;
    case storage::Attribute::KIND_NOT_SET:
      break;
  }
  return value;
}

void FillVector(const Snapshot& snapshot, const uint16_t* stored,
                v1::Vector* vector) {
  vector->mutable_values()->Resize(snapshot.dim(), 0);
  FloatsFromHalves(stored, snapshot.dim(),
                   vector->mutable_values()->mutable_data());
}

void AddHits(const Snapshot& snapshot, std::span<const SearchHit> found,
             const v1::ReturnFields& fields,
             std::span<const std::string> sha256s,
             google::protobuf::RepeatedPtrField<v1::Hit>* hits) {
  std::vector<std::string_view> products;
  products.reserve(found.size());
  for (const SearchHit& one : found) products.push_back(one.key().product_id);
  const auto records = snapshot.products().FindAll(products);
  for (size_t i = 0; i < found.size(); ++i)
    FillHit(snapshot, found[i], records[i], fields, sha256s, hits->Add());
}

v1::QueryPlan MakePlan(const Snapshot& snapshot, const SearchResult& result) {
  v1::QueryPlan plan;
  switch (result.plan) {
    case SearchResult::Plan::kExactScan:
      plan.set_kind(v1::QueryPlan::KIND_EXACT_SCAN);
      break;
    case SearchResult::Plan::kGraphWalk:
      plan.set_kind(v1::QueryPlan::KIND_GRAPH_WALK);
      break;
    case SearchResult::Plan::kFilteredScan:
      plan.set_kind(v1::QueryPlan::KIND_FILTERED_SCAN);
      break;
    case SearchResult::Plan::kFilteredWalk:
      plan.set_kind(v1::QueryPlan::KIND_FILTERED_WALK);
      break;
  }
  switch (result.recall_basis) {
    case SearchResult::RecallBasis::kScanned:
      plan.set_recall_basis(v1::QueryPlan::RECALL_BASIS_SCANNED);
      break;
    case SearchResult::RecallBasis::kMeasured:
      plan.set_recall_basis(v1::QueryPlan::RECALL_BASIS_MEASURED);
      break;
    case SearchResult::RecallBasis::kUnmeasured:
      plan.set_recall_basis(v1::QueryPlan::RECALL_BASIS_UNMEASURED);
      break;
  }
  plan.set_recall(static_cast<float>(result.recall));
  plan.set_ef(result.ef);
  plan.set_rows_visited(result.rows_visited);
  plan.set_rows_matching(result.rows_matching);
  plan.set_shards(static_cast<int>(snapshot.shards().size()));
  return plan;
}

}  // namespace vitrine
