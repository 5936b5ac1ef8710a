// Requests, which anybody who can connect may send: answered by the handlers
// from a small index. Each gets an answer that holds what the API promises, or
// an error that says what was wrong.
#include <google/protobuf/stubs/logging.h>

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/image/image.h"
#include "server/product_stream.h"
#include "server/products.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "server/snapshot_store.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_requests.h"
#include "tests/test_util/serving_index.h"

#ifdef VITRINE_FUZZ
#include "tests/fuzz/message_mutator.h"
#endif

namespace vitrine {
namespace {

constexpr int kDim = 192;
constexpr int kProducts = 20;
constexpr int kWalked = 40;
// A batch and its queries one by one take twice the time.
constexpr int kMaxBatch = 8;
// What decoders do with larger pictures is the image target's.
constexpr int64_t kMaxPixels = 1 << 16;

std::string Jpeg(int i) {
  return DrawPicture(i, static_cast<uint8_t>(25 * i), 90, 120);
}

// Products of each kind: with and without pictures' bytes, of all types of
// attributes, outside their windows, in a graph, and deleted from it.
void Fill(ServingIndex* index) {
  std::mt19937 random(1);
  const char* const categories[] = {"Dress", "Casual Shoes", "Handbags",
                                    "Shirts"};
  std::vector<TestProduct> products;
  for (int i = 0; i < kProducts; ++i) {
    const std::string id = "p" + std::to_string(i);
    TestProduct product = {id, categories[i % 4], {}, {}};
    product.attributes["baseColour"] = i % 3 == 0 ? "Red" : "Blue";
    product.attributes["gender"] = i % 2 == 0 ? "Women" : "Men";
    if (i % 5 == 0) {
      product.pictures.push_back({id + ".jpg", {}, Jpeg(i)});
    } else {
      product.pictures.push_back({id + ".jpg", DrawVector(i % 3, &random)});
      product.pictures.push_back({id + "b.jpg", DrawVector(i % 3, &random)});
    }
    products.push_back(std::move(product));
  }
  IndexBuilder& builder = index->builder();
  const std::vector<Row> walked = DrawRows(kWalked, 7);
  const GraphParams graph;
  Require(builder.AddShard(walked, &graph).ok());
  Require(builder.DeleteRows(0, {1, 2, 30}).ok());
  std::map<std::string, std::optional<storage::ProductRecord>> records;
  for (int i = 0; i < kWalked; ++i) {
    if (i == 1 || i == 2 || i == 30) continue;
    const Row& row = walked[static_cast<size_t>(i)];
    storage::ProductRecord record;
    record.set_title("Title of " + row.product_id);
    record.set_category(categories[i % 3]);
    auto& attributes = *record.mutable_attributes();
    attributes["price"].set_number(i * 1.5);
    attributes["sale"].set_flag(i % 2 == 0);
    attributes["sizes"].mutable_list()->add_values("S");
    attributes["sizes"].mutable_list()->add_values(i % 2 == 0 ? "M" : "L");
    if (i % 7 == 3) attributes["baseColour"].set_number(i);
    if (i == 5) record.set_visible_until_unix_ms(1);
    if (i == 6) record.set_visible_from_unix_ms(4'102'444'800'000);
    // As a file may have it that was not verified yet.
    if (i == 8) record.set_visible_until_unix_ms(int64_t{1} << 50);
    storage::ImageRecord* image = record.add_images();
    image->set_key(row.image_key);
    image->set_sha256(std::string(row.sha256.begin(), row.sha256.end()));
    records[row.product_id] = std::move(record);
  }
  Require(builder.PutProducts(records).ok());
  Require(index->Add(products).ok());
}

const SnapshotStore& Store() {
  static ServingIndex index;
  static const auto store = [] {
    // It writes a line for each text that is no UTF-8.
    google::protobuf::SetLogHandler(nullptr);
    Fill(&index);
    SnapshotStoreOptions options = index.StoreOptions();
    options.poll_ms = 3'600'000;
    auto made = std::make_unique<SnapshotStore>(std::move(options));
    made->Start();
    return made;
  }();
  return *store;
}

// That it can be sent: text which is no UTF-8 cannot be read.
template <typename Message>
void RequireSendable(const Message& message) {
  Message back;
  Require(back.ParseFromString(message.SerializeAsString()));
}

// An error of the caller's, in words.
void RequireRefusal(const v1::Error& error) {
  Require(!error.message().empty());
  Require(error.reason() != v1::ERROR_REASON_UNSPECIFIED);
  Require(error.reason() != v1::ERROR_REASON_INTERNAL);
  const auto code = static_cast<absl::StatusCode>(error.code());
  Require(code == absl::StatusCode::kInvalidArgument ||
          code == absl::StatusCode::kNotFound ||
          code == absl::StatusCode::kFailedPrecondition);
  RequireSendable(error);
}

// Whether there is an answer, which must be able to be sent.
template <typename Answer>
bool Check(const absl::StatusOr<Answer>& answer) {
  if (!answer.ok()) {
    RequireRefusal(ErrorOf(answer.status()));
    return false;
  }
  RequireSendable(*answer);
  return true;
}

void RequireVector(const v1::Vector& vector) {
  Require(vector.values_size() == kDim);
  double length = 0;
  for (const float value : vector.values()) length += double{value} * value;
  Require(std::abs(length - 1) < 0.01);
}

// At most `k` good hits, best first, none twice.
void RequireHits(
    const google::protobuf::RepeatedPtrField<v1::Hit>& hits, int k,
    bool by_product, const v1::ReturnFields& fields,
    const google::protobuf::RepeatedPtrField<std::string>& not_in) {
  Require(hits.size() <= k);
  std::set<std::pair<std::string, std::string>> seen;
  float last = 10;
  for (const v1::Hit& hit : hits) {
    Require(hit.score() >= 0 && hit.score() <= 1);
    Require(!hit.has_boost() || (hit.boost() >= 0.1f && hit.boost() <= 10));
    const float rank = hit.score() * (hit.has_boost() ? hit.boost() : 1);
    Require(rank <= last);
    // A product that is asked for is the first whatever its boost.
    if (&hit != &hits[0] || !hit.has_boost()) last = rank;
    Require(std::isfinite(hit.distance()) && hit.distance() >= 0);
    for (const v1::BlockScore& block : hit.block_scores()) {
      Require(block.cosine() >= -1 && block.cosine() <= 1);
    }
    Require(!hit.product_id().empty() && !hit.image().empty());
    Require(
        seen.emplace(hit.product_id(), by_product ? "" : hit.image()).second);
    Require(std::find(not_in.begin(), not_in.end(), hit.product_id()) ==
            not_in.end());
    if (fields.vector()) RequireVector(hit.vector());
    Require(fields.thumbnail() || hit.thumbnail().empty());
    Require(!fields.omit_title() || hit.title().empty());
    Require(!fields.omit_attributes() || hit.attributes().empty());
  }
}

void RequireSearch(const v1::SearchRequest& request,
                   const absl::StatusOr<v1::SearchResponse>& answer) {
  if (!Check(answer)) return;
  RequireHits(answer->hits(), request.has_k() ? request.k() : 10,
              !request.has_group_by_product() || request.group_by_product(),
              request.fields(), request.exclude_product_ids());
  for (const v1::Hit& hit : answer->hits()) {
    Require(hit.score() >= request.min_score());
  }
  Require(answer->generation() > 0 && answer->model().size() == 64);
  Require(answer->facets_size() == request.facets_size());
  const int values = request.has_facet_values() ? request.facet_values() : 100;
  for (const v1::Facet& facet : answer->facets()) {
    Require(facet.counts_size() <= values);
    int64_t last = kProducts + kWalked;
    for (const v1::Facet::Count& count : facet.counts()) {
      Require(count.count() > 0 && count.count() <= last);
      last = count.count();
    }
  }
}

absl::StatusOr<v1::SearchResponse> Search(const Serving& serving,
                                          const v1::SearchRequest& request) {
  auto answer = AnswerOf(serving, request);
  RequireSearch(request, answer);
  return answer;
}

// Each query of a batch is answered as it is by itself.
void Searches(const Serving& serving, const v1::SearchStreamRequest& batch) {
  std::vector<const v1::SearchRequest*> requests;
  std::vector<v1::SearchResponse> responses(
      static_cast<size_t>(std::min(batch.queries_size(), kMaxBatch)));
  std::vector<v1::SearchResponse*> into;
  for (size_t i = 0; i < responses.size(); ++i) {
    requests.push_back(&batch.queries(static_cast<int>(i)));
    into.push_back(&responses[i]);
  }
  const auto statuses = HandleSearches(serving, requests, Call(), into);
  Require(statuses.size() == responses.size());
  for (size_t i = 0; i < responses.size(); ++i) {
    const auto alone = Search(serving, *requests[i]);
    Require(alone.status().code() == statuses[i].code());
    if (!alone.ok()) continue;
    Require(alone->hits_size() == responses[i].hits_size());
    for (int h = 0; h < alone->hits_size(); ++h) {
      const v1::Hit& one = alone->hits(h);
      const v1::Hit& other = responses[i].hits(h);
      Require(one.product_id() == other.product_id());
      Require(one.image() == other.image() && one.score() == other.score());
    }
  }
}

void Recommend(const Serving& serving, const v1::RecommendRequest& request) {
  const auto answer = HandleRecommend(serving, request, Call());
  if (!Check(answer)) return;
  auto not_in = request.exclude_product_ids();
  if (request.has_product_id()) *not_in.Add() = request.product_id();
  RequireHits(answer->similar(),
              request.has_k_similar() ? request.k_similar() : 10,
              /*by_product=*/true, request.fields(), not_in);
  for (const v1::SlotRecommendation& slot : answer->complements()) {
    Require(!slot.slot().empty() && slot.hits_size() > 0);
    RequireHits(slot.hits(),
                request.candidates_per_slot() > 0
                    ? request.candidates_per_slot()
                : request.has_k_per_slot() ? request.k_per_slot()
                                           : 3,
                /*by_product=*/true, request.fields(), not_in);
  }
  Require(answer->category_confidence() >= 0 &&
          answer->category_confidence() <= 1);
}

void Embed(const Serving& serving, const v1::EmbedRequest& request) {
  const auto answer = HandleEmbed(serving, request, Call());
  if (!Check(answer)) return;
  Require(answer->items_size() == request.images_size());
  for (const v1::EmbedResponse::Item& item : answer->items()) {
    if (item.has_vector()) {
      RequireVector(item.vector());
    } else {
      RequireRefusal(item.error());
    }
  }
}

void GetProduct(const Serving& serving, const v1::GetProductRequest& request) {
  const auto answer = HandleGetProduct(serving, request);
  if (!Check(answer)) return;
  Require(answer->product().product_id() == request.product_id());
  for (const v1::ProductImage& image : answer->product().images()) {
    if (request.vectors()) RequireVector(image.vector());
    Require(request.vectors() || !image.has_vector());
  }
}

void GetImage(const Serving& serving, const v1::GetImageRequest& request) {
  const auto answer = HandleGetImage(serving, request);
  if (!Check(answer)) return;
  Require(!answer->content().empty());
  Require(request.image().empty() || answer->image() == request.image());
}

void ListProducts(const v1::ListProductsRequest& request) {
  const auto products = ListStore(request, &Store(), Call());
  std::string last = request.after_product_id();
  while (true) {
    const auto answer = products->Next();
    if (!Check(answer) || answer->products().empty()) return;
    for (const v1::Product& product : answer->products()) {
      Require(product.product_id() > last);
      last = product.product_id();
    }
  }
}

bool IsLarge(const v1::ImageInput& image) {
  const auto info = ProbeImage(image.content());
  return info.ok() && int64_t{info->width} * info->height > kMaxPixels;
}

bool HasLarge(const v1::SearchRequest& request) {
  return std::any_of(
      request.examples().begin(), request.examples().end(),
      [](const v1::Example& example) { return IsLarge(example.image()); });
}

// The request, or nothing where the bytes are none.
template <typename Request>
std::optional<Request> Parse(std::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  return request;
}

void Ask(FuzzedCall call, std::string_view bytes) {
  const auto taken = Store().Take();
  Require(taken.ok());
  const Serving& serving = **taken;
  switch (call) {
    case FuzzedCall::kSearch:
      if (const auto request = Parse<v1::SearchRequest>(bytes);
          request && !HasLarge(*request)) {
        (void)Search(serving, *request);
      }
      return;
    case FuzzedCall::kSearches:
      if (const auto request = Parse<v1::SearchStreamRequest>(bytes);
          request && std::none_of(request->queries().begin(),
                                  request->queries().end(), HasLarge)) {
        Searches(serving, *request);
      }
      return;
    case FuzzedCall::kRecommend:
      if (const auto request = Parse<v1::RecommendRequest>(bytes);
          request && !IsLarge(request->image())) {
        Recommend(serving, *request);
      }
      return;
    case FuzzedCall::kEmbed:
      if (const auto request = Parse<v1::EmbedRequest>(bytes);
          request && std::none_of(request->images().begin(),
                                  request->images().end(), IsLarge)) {
        Embed(serving, *request);
      }
      return;
    case FuzzedCall::kGetProduct:
      if (const auto request = Parse<v1::GetProductRequest>(bytes)) {
        GetProduct(serving, *request);
      }
      return;
    case FuzzedCall::kGetImage:
      if (const auto request = Parse<v1::GetImageRequest>(bytes)) {
        GetImage(serving, *request);
      }
      return;
    case FuzzedCall::kListProducts:
      if (const auto request = Parse<v1::ListProductsRequest>(bytes)) {
        ListProducts(*request);
      }
      return;
  }
}

#ifdef VITRINE_FUZZ
// What means something in one field or another.
const std::vector<std::string>& Words() {
  static const auto* const words = [] {
    const auto sha256 = Sha256("p1/p1.jpg");
    return new std::vector<std::string>{
        "p0",
        "p5",
        "p5.jpg",
        "p00003",
        "p00003.jpg",
        "category",
        "product_id",
        "price",
        "sale",
        "sizes",
        "gender",
        "baseColour",
        "Red",
        "Women",
        "Dress",
        "Shirts",
        "Handbags",
        "colour",
        "shape",
        "shoes",
        "bag",
        "true",
        "M",
        "12",
        std::string(sha256.begin(), sha256.end()),
        Jpeg(5),
        Jpeg(6),
        std::string(32, 'x'),
        (*Store().Take())->snapshot().set().model()};
  }();
  return *words;
}
#endif

}  // namespace
}  // namespace vitrine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  vitrine::Ask(vitrine::FuzzedCallOf(data[0]),
               {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}

#ifdef VITRINE_FUZZ
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned int seed) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  // Now and then bytes, which may be no message at all.
  if (size == 0 || seed % 16 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  const FuzzedCall call =
      FuzzedCallOf(seed % 64 == 1 ? static_cast<uint8_t>(seed / 64) : data[0]);
  const auto request = NewRequestOf(call);
  // What cannot be read is begun anew, with what could be.
  (void)request->ParsePartialFromArray(data + 1, static_cast<int>(size) - 1);
  MessageMutator mutator(seed, Words(), kDim);
  for (unsigned i = 0; i <= seed % 5; ++i) mutator.Mutate(request.get());
  const std::string bytes = FuzzedBytesOf(call, *request);
  if (bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  bytes.copy(reinterpret_cast<char*>(data), bytes.size());
  return bytes.size();
}
#endif
