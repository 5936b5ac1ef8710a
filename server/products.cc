#include "server/products.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/manifest.h"
#include "common/index/search.h"
#include "server/answer.h"
#include "server/preconditions.h"
#include "server/query.h"
#include "server/recall_monitor.h"

namespace vitrine {
namespace {

using google::protobuf::util::TimeUtil;

// A message of so many products stays far below gRPC's default limit of 4 MB,
// vectors included.
constexpr int kProductsPerMessage = 64;
constexpr size_t kBytesPerMessage = 1 << 20;

const char* ResizeName(ResizeMode mode) {
  switch (mode) {
    case ResizeMode::kSquash:
      return "squash";
    case ResizeMode::kLetterbox:
      return "letterbox";
    case ResizeMode::kCrop:
      return "crop";
  }
  return "";
}

struct ProductRow {
  const Shard* shard;
  uint32_t row;
};

// The live rows of a product, by image key.
std::vector<ProductRow> RowsOf(const Snapshot& snapshot,
                               std::string_view product_id) {
  std::vector<ProductRow> rows;
  snapshot.ForEachRowOf(product_id, [&rows](const Shard& shard, uint32_t row) {
    rows.push_back({&shard, row});
  });
  std::sort(
      rows.begin(), rows.end(), [](const ProductRow& a, const ProductRow& b) {
        return a.shard->key(a.row).image_key < b.shard->key(b.row).image_key;
      });
  return rows;
}

// Until the file is verified it may hold a time that no message may, for which
// TimeUtil throws.
bool IsTold(int64_t unix_ms) {
  return unix_ms != 0 && unix_ms >= TimeUtil::kTimestampMinSeconds * 1000 &&
         unix_ms <= TimeUtil::kTimestampMaxSeconds * 1000;
}

void FillProduct(const Snapshot& snapshot, std::string_view id,
                 const storage::ProductRecord& record, bool vectors,
                 v1::Product* product) {
  product->set_product_id(std::string(id));
  product->set_title(record.title());
  product->set_category(record.category());
  for (const auto& [name, attribute] : record.attributes()) {
    (*product->mutable_attributes())[name] = ToProto(attribute);
  }
  if (const int64_t from = record.visible_from_unix_ms(); IsTold(from)) {
    *product->mutable_visible_from() = TimeUtil::MillisecondsToTimestamp(from);
  }
  if (const int64_t until = record.visible_until_unix_ms(); IsTold(until)) {
    *product->mutable_visible_until() =
        TimeUtil::MillisecondsToTimestamp(until);
  }
  for (const ProductRow& found : RowsOf(snapshot, id)) {
    const RowKey key = found.shard->key(found.row);
    v1::ProductImage* image = product->add_images();
    image->set_key(std::string(key.image_key));
    image->set_sha256(Sha256ToHex(key.sha256));
    if (vectors) {
      FillVector(snapshot, found.shard->vector(found.row),
                 image->mutable_vector());
    }
  }
}

absl::Status CheckProductId(const std::string& product_id) {
  if (!product_id.empty()) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      "product_id is empty; give the id of a product", "product_id");
}

v1::VectorSetSummary::State StateOf(const storage::VectorSet& set) {
  switch (set.state()) {
    case storage::VectorSet::STATE_SERVING:
      return v1::VectorSetSummary::STATE_SERVING;
    case storage::VectorSet::STATE_BUILDING:
      return set.filled_unix_ms() == 0 ? v1::VectorSetSummary::STATE_BUILDING
                                       : v1::VectorSetSummary::STATE_WAITING;
    case storage::VectorSet::STATE_RETAINED:
      return v1::VectorSetSummary::STATE_RETAINED;
    default:
      return v1::VectorSetSummary::STATE_UNSPECIFIED;
  }
}

void FillCard(const Serving& serving, v1::ModelCard* card) {
  const ModelCard& own = serving.embedder().card();
  card->set_id(serving.snapshot().set().model());
  card->set_name(own.name);
  card->set_version(own.version);
  card->set_input_size(own.input_size);
  card->set_resize(ResizeName(own.resize));
  card->set_precision(own.precision);
  card->set_origin(own.origin);
  card->set_licence(own.licence);
  card->set_trained_on(own.trained_on);
  for (const Block& block : own.blocks) {
    v1::Block* to = card->add_blocks();
    to->set_name(block.name);
    to->set_dim(block.dim);
    to->set_weight(block.weight);
  }
}

v1::VectorSetSummary& AddSet(const storage::VectorSet& set,
                             v1::DescribeIndexResponse& response) {
  v1::VectorSetSummary& summary = *response.add_vector_sets();
  summary.set_state(StateOf(set));
  summary.set_metric(ToProto(MetricOf(set)));
  summary.set_images(static_cast<int64_t>(LiveRows(set)));
  return summary;
}

}  // namespace

absl::StatusOr<v1::GetProductResponse> HandleGetProduct(
    const Serving& serving, const v1::GetProductRequest& request) {
  VITRINE_ASSIGN_OR_RETURN(const Serving* const asked,
                           ServingOf(serving, request.model()));
  const Snapshot& snapshot = asked->snapshot();
  VITRINE_RETURN_IF_ERROR(CheckPreconditions(snapshot, request.min_generation(),
                                             /*required_model=*/{}));
  VITRINE_RETURN_IF_ERROR(CheckProductId(request.product_id()));
  VITRINE_ASSIGN_OR_RETURN(storage::ProductRecord record,
                           snapshot.FindProduct(request.product_id()));
  v1::GetProductResponse response;
  FillProduct(snapshot, request.product_id(), record, request.vectors(),
              response.mutable_product());
  response.set_generation(snapshot.generation());
  response.set_model(snapshot.set().model());
  return CheckedOf<absl::StatusOr<v1::GetProductResponse>>(serving, *asked,
                                                           std::move(response));
}

absl::StatusOr<v1::GetImageResponse> HandleGetImage(
    const Serving& serving, const v1::GetImageRequest& request) {
  const Snapshot& snapshot = serving.snapshot();
  VITRINE_RETURN_IF_ERROR(CheckProductId(request.product_id()));
  VITRINE_RETURN_IF_ERROR(snapshot.FindProduct(request.product_id()).status());
  auto unknown = [&request](const std::string& message) {
    return MakeError(
        absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_IMAGE,
        absl::StrCat("product '", request.product_id(), "' ", message),
        "image");
  };
  const std::vector<ProductRow> rows = RowsOf(snapshot, request.product_id());
  if (rows.empty()) return unknown("has no searchable picture");
  auto row = rows.begin();
  if (!request.image().empty()) {
    row = std::find_if(rows.begin(), rows.end(), [&](const ProductRow& r) {
      return r.shard->key(r.row).image_key == request.image();
    });
    if (row == rows.end()) {
      std::string keys;
      for (const ProductRow& r : rows) {
        absl::StrAppend(&keys, keys.empty() ? "" : ", ",
                        std::string(r.shard->key(r.row).image_key));
      }
      return unknown(absl::StrCat("has no picture '", request.image(),
                                  "'; it has ", keys));
    }
  }
  const RowKey key = row->shard->key(row->row);
  const std::string_view thumbnail = snapshot.FindThumbnail(key.sha256);
  if (thumbnail.empty()) {
    return unknown(absl::StrCat("has no thumbnail of its picture '",
                                std::string(key.image_key), "'"));
  }
  v1::GetImageResponse response;
  response.set_content(std::string(thumbnail));
  response.set_media_type("image/jpeg");
  response.set_image(std::string(key.image_key));
  return response;
}

absl::StatusOr<v1::ListProductsResponse> NextProducts(const Snapshot& snapshot,
                                                      std::string_view after,
                                                      const RecordSet* records,
                                                      bool vectors) {
  v1::ListProductsResponse response;
  response.set_generation(snapshot.generation());
  response.set_model(snapshot.set().model());
  size_t bytes = 0;
  absl::Status status;
  const auto add = [&](std::string_view id, std::string_view value) {
    storage::ProductRecord record;
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      status =
          MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INDEX_DAMAGED,
                    absl::StrCat("the record of product '", std::string(id),
                                 "' does not parse"));
      return false;
    }
    v1::Product* product = response.add_products();
    FillProduct(snapshot, id, record, vectors, product);
    bytes += product->ByteSizeLong();
    return response.products_size() < kProductsPerMessage &&
           bytes < kBytesPerMessage;
  };
  if (records != nullptr) {
    snapshot.selector().ForEach(*records, after, add);
  } else {
    snapshot.products().ForEach(after, add);
  }
  if (!status.ok()) return status;
  return response;
}

v1::DescribeIndexResponse HandleDescribeIndex(const Serving& serving,
                                              const std::string& degraded,
                                              const std::string& version) {
  const Snapshot& snapshot = serving.snapshot();
  const Catalogue& catalogue = serving.catalogue();
  v1::DescribeIndexResponse response;
  response.set_generation(snapshot.generation());
  *response.mutable_published_at() = TimeUtil::MillisecondsToTimestamp(
      snapshot.manifest().published_unix_ms());
  FillCard(serving, response.mutable_model());
  response.set_metric(ToProto(MetricOf(snapshot.set())));
  response.set_dim(snapshot.dim());
  response.set_images(static_cast<int64_t>(snapshot.images()));
  response.set_products(catalogue.products());
  std::vector<Catalogue::Category> categories = catalogue.categories();
  // Those of as many products stay by name.
  std::stable_sort(
      categories.begin(), categories.end(),
      [](const auto& a, const auto& b) { return a.products > b.products; });
  for (const Catalogue::Category& category : categories) {
    v1::CategorySummary* summary = response.add_categories();
    summary->set_category(category.name);
    summary->set_products(category.products);
    summary->set_slot(std::string(category.slot));
  }
  for (const v1::AttributeSummary& attribute : catalogue.attributes()) {
    *response.add_attributes() = attribute;
  }
  for (const LiveShard& live : snapshot.shards()) {
    if (live.shard->graph() == nullptr) {
      response.set_flat_shards(response.flat_shards() + 1);
    } else {
      response.set_hnsw_shards(response.hnsw_shards() + 1);
    }
  }
  response.set_degraded(!degraded.empty());
  response.set_degraded_reason(degraded);
  response.set_server_version(version);
  AddSet(snapshot.set(), response).mutable_model()->CopyFrom(response.model());
  if (const auto* other = OtherSet(snapshot.manifest())) {
    v1::ModelCard* const card = AddSet(*other, response).mutable_model();
    card->set_id(other->model());
    if (serving.other() != nullptr) FillCard(*serving.other(), card);
  }
  if (serving.recall_monitor() != nullptr) {
    for (const auto& found : serving.recall_monitor()->found()) {
      v1::RecallFound* recall = response.add_recall_found();
      recall->set_passing_from(static_cast<float>(found.from));
      recall->set_passing_to(static_cast<float>(found.to));
      recall->set_queries(found.queries);
      recall->set_recall(static_cast<float>(found.recall));
    }
  }
  return response;
}

}  // namespace vitrine
