// Callers who ask a server everything that it answers, over and over, while
// products come and go: an answer must hold for the products that stay.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine::testing {

// How a server is reached. Thread-safe.
class SoakedServer {
 public:
  virtual ~SoakedServer() = default;
  virtual absl::Status Search(const v1::SearchRequest& request,
                              v1::SearchResponse* response) = 0;
  virtual absl::Status Searches(const v1::SearchStreamRequest& request,
                                v1::SearchStreamResponse* response) = 0;
  virtual absl::Status Recommend(const v1::RecommendRequest& request,
                                 v1::RecommendResponse* response) = 0;
  virtual absl::Status Embed(const v1::EmbedRequest& request,
                             v1::EmbedResponse* response) = 0;
  virtual absl::Status GetProduct(const v1::GetProductRequest& request,
                                  v1::GetProductResponse* response) = 0;
  virtual absl::Status GetImage(const v1::GetImageRequest& request,
                                v1::GetImageResponse* response) = 0;
  virtual absl::Status Describe(v1::DescribeIndexResponse* response) = 0;
  // The ids of all products, in their order.
  virtual absl::Status List(std::vector<std::string>* ids) = 0;
};

// A product with one picture.
struct SoakProduct {
  std::string id;
  std::string image;
  std::string jpeg;
};

class SoakCallers {
 public:
  // `server` must outlive this. The products of `stay` are there all along.
  SoakCallers(SoakedServer* server, std::vector<SoakProduct> stay, int callers)
      : server_(server), stay_(std::move(stay)) {
    for (int i = 0; i < callers; ++i) {
      callers_.emplace_back([this, i] { Call(static_cast<size_t>(i)); });
    }
  }
  ~SoakCallers() { Stop(); }
  SoakCallers(const SoakCallers&) = delete;
  SoakCallers& operator=(const SoakCallers&) = delete;

  void Stop() {
    stopped_ = true;
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
  }
  int64_t answered() const {
    int64_t sum = 0;
    for (const auto& one : answered_) sum += one;
    return sum;
  }
  int64_t errors() const { return errors_; }
  // The first of them, a line each.
  std::string ErrorLines() const {
    std::lock_guard lock(mutex_);
    return error_lines_;
  }
  // "search by product 120, …".
  std::string Counts() const {
    std::string text;
    for (size_t i = 0; i < kKinds.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", kKinds[i].name, " ",
                      answered_[i].load());
    }
    return text;
  }

 private:
  using Ask = absl::Status (SoakCallers::*)(size_t n);
  struct Kind {
    const char* name;
    Ask ask;
  };
  static constexpr int kMaxLines = 10;

  void Call(size_t caller) {
    for (size_t n = caller; !stopped_; ++n) {
      // Each caller is elsewhere in the round.
      const size_t kind = (n + caller * 5) % kKinds.size();
      const absl::Status status = (this->*kKinds[kind].ask)(n);
      if (status.ok()) {
        ++answered_[kind];
        continue;
      }
      if (++errors_ > kMaxLines) continue;
      std::lock_guard lock(mutex_);
      absl::StrAppend(&error_lines_, kKinds[kind].name, ": ", status.ToString(),
                      "\n");
    }
  }

  const SoakProduct& Stays(size_t n) const { return stay_[n % stay_.size()]; }
  static absl::Status Wrong(const std::string& what) {
    return absl::InternalError(what);
  }
  static v1::SearchRequest ByProduct(const SoakProduct& product) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id(product.id);
    return request;
  }

  absl::Status SearchByProduct(size_t n) {
    v1::SearchResponse response;
    absl::Status status = server_->Search(ByProduct(Stays(n)), &response);
    if (!status.ok()) return status;
    if (response.hits_size() == 0 ||
        response.hits(0).product_id() != Stays(n).id) {
      return Wrong("the product itself is not the first");
    }
    std::set<std::string> seen;
    for (const v1::Hit& hit : response.hits()) {
      if (!seen.insert(hit.product_id()).second) {
        return Wrong(hit.product_id() + " is there twice");
      }
    }
    return status;
  }
  absl::Status SearchByPicture(size_t n) {
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(Stays(n).jpeg);
    request.mutable_fields()->set_thumbnail(true);
    v1::SearchResponse response;
    absl::Status status = server_->Search(request, &response);
    if (!status.ok()) return status;
    for (const v1::Hit& hit : response.hits()) {
      if (hit.product_id() != Stays(n).id) continue;
      return hit.same_content() && !hit.thumbnail().empty()
                 ? status
                 : Wrong("its picture is not told to be the same");
    }
    return Wrong("the picture does not find its product");
  }
  absl::Status SearchWithFilter(size_t n) {
    v1::SearchRequest request = ByProduct(Stays(n));
    auto* condition = request.mutable_filter()->mutable_any()->add_filters();
    condition->mutable_condition()->set_attribute("product_id");
    for (size_t i = 0; i < stay_.size(); i += 2) {
      condition->mutable_condition()->mutable_any_of()->add_values(stay_[i].id);
    }
    request.add_facets("category");
    request.set_k(100);
    request.set_exact(n % 2 == 0);
    v1::SearchResponse response;
    absl::Status status = server_->Search(request, &response);
    if (!status.ok()) return status;
    return static_cast<size_t>(response.hits_size()) == (stay_.size() + 1) / 2
               ? status
               : Wrong(absl::StrCat(response.hits_size(), " of ",
                                    (stay_.size() + 1) / 2, " match"));
  }
  absl::Status SearchInBatch(size_t n) {
    v1::SearchStreamRequest request;
    request.set_batch_id(n);
    for (size_t i = 0; i < 8; ++i)
      *request.add_queries() = ByProduct(Stays(n + i));
    v1::SearchStreamResponse response;
    absl::Status status = server_->Searches(request, &response);
    if (!status.ok()) return status;
    if (response.batch_id() != n || response.items_size() != 8) {
      return Wrong("it is the answer to another batch");
    }
    for (const auto& item : response.items()) {
      if (!item.has_response()) return Wrong(item.error().message());
    }
    return status;
  }
  absl::Status Recommend(size_t n) {
    v1::RecommendRequest request;
    request.set_product_id(Stays(n).id);
    v1::RecommendResponse response;
    absl::Status status = server_->Recommend(request, &response);
    for (const v1::Hit& hit : response.similar()) {
      if (hit.product_id() == Stays(n).id)
        return Wrong("it is similar to itself");
    }
    return status;
  }
  absl::Status Embed(size_t n) {
    v1::EmbedRequest request;
    request.add_images()->set_content(Stays(n).jpeg);
    request.add_images()->set_content("no picture");
    v1::EmbedResponse response;
    absl::Status status = server_->Embed(request, &response);
    if (!status.ok()) return status;
    return response.items_size() == 2 && response.items(0).has_vector() &&
                   response.items(1).has_error()
               ? status
               : Wrong("one of two should have a vector");
  }
  absl::Status GetProduct(size_t n) {
    v1::GetProductRequest request;
    request.set_product_id(Stays(n).id);
    request.set_vectors(true);
    v1::GetProductResponse response;
    absl::Status status = server_->GetProduct(request, &response);
    if (!status.ok()) return status;
    return response.product().images_size() == 1 &&
                   response.product().images(0).has_vector()
               ? status
               : Wrong("it should have one picture");
  }
  absl::Status GetImage(size_t n) {
    v1::GetImageRequest request;
    request.set_product_id(Stays(n).id);
    v1::GetImageResponse response;
    absl::Status status = server_->GetImage(request, &response);
    if (!status.ok()) return status;
    return !response.content().empty() && response.image() == Stays(n).image
               ? status
               : Wrong("it is another picture");
  }
  absl::Status List(size_t) {
    std::vector<std::string> ids;
    absl::Status status = server_->List(&ids);
    if (!status.ok()) return status;
    const std::set<std::string> known(ids.begin(), ids.end());
    if (known.size() != ids.size()) return Wrong("a product is there twice");
    for (const SoakProduct& product : stay_) {
      if (!known.contains(product.id)) return Wrong(product.id + " is missing");
    }
    return status;
  }
  absl::Status Describe(size_t) {
    const uint64_t before = generation_;
    v1::DescribeIndexResponse response;
    absl::Status status = server_->Describe(&response);
    if (!status.ok()) return status;
    if (response.degraded()) return Wrong(response.degraded_reason());
    if (response.generation() < before) {
      return Wrong(absl::StrCat("generation ", response.generation(),
                                " is served after ", before));
    }
    uint64_t known = before;
    while (known < response.generation() &&
           !generation_.compare_exchange_weak(known, response.generation())) {
    }
    return status;
  }
  // What is wrong is told, and costs no more than an answer.
  absl::Status Refused(size_t n) {
    v1::SearchRequest request = ByProduct(Stays(n));
    request.set_k(0);
    v1::SearchResponse response;
    absl::Status status = server_->Search(request, &response);
    if (!absl::IsInvalidArgument(status)) return Wrong("k = 0 is not refused");
    request.mutable_examples(0)->set_product_id("nobody's");
    request.set_k(1);
    status = server_->Search(request, &response);
    return absl::IsNotFound(status) ? absl::OkStatus() : Wrong("it is found");
  }

  static constexpr std::array<Kind, 11> kKinds = {{
      {"search by product", &SoakCallers::SearchByProduct},
      {"by picture", &SoakCallers::SearchByPicture},
      {"with filter", &SoakCallers::SearchWithFilter},
      {"in a batch", &SoakCallers::SearchInBatch},
      {"recommend", &SoakCallers::Recommend},
      {"embed", &SoakCallers::Embed},
      {"get product", &SoakCallers::GetProduct},
      {"get image", &SoakCallers::GetImage},
      {"list", &SoakCallers::List},
      {"describe", &SoakCallers::Describe},
      {"refused", &SoakCallers::Refused},
  }};

  SoakedServer* const server_;
  const std::vector<SoakProduct> stay_;
  std::atomic<bool> stopped_ = false;
  std::atomic<uint64_t> generation_ = 0;  // The newest that was told.
  std::array<std::atomic<int64_t>, 11> answered_ = {};
  std::atomic<int64_t> errors_ = 0;
  mutable std::mutex mutex_;
  std::string error_lines_;
  std::vector<std::thread> callers_;
};

}  // namespace vitrine::testing
