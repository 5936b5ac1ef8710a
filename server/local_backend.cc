#include "server/local_backend.h"

#include <atomic>
#include <utility>

#include "server/products.h"
#include "server/recommend.h"
#include "server/search_handler.h"

namespace vitrine {
namespace {

class LocalBackend final : public Backend {
 public:
  LocalBackend(std::string name, const SnapshotStore* store,
               Executors executors)
      : name_(std::move(name)), store_(store), executors_(executors) {}

  const std::string& name() const override { return name_; }

  Cancel Ask(const v1::SearchRequest& request, const Call& call,
             v1::SearchResponse* response, Done done) override {
    return Run(
        HasPictures(request) ? executors_.pictures : executors_.others, call,
        done, [&request, response](const Serving& serving, const Call& own) {
          return serving.Checked(HandleSearch(serving, request, own, response));
        });
  }
  Cancel Ask(const v1::RecommendRequest& request, const Call& call,
             v1::RecommendResponse* response, Done done) override {
    return Run(request.has_image() ? executors_.pictures : executors_.others,
               call, done,
               [&request, response](const Serving& serving, const Call& own) {
                 return PutInto(response, serving.Checked(HandleRecommend(
                                              serving, request, own)));
               });
  }
  Cancel Ask(const v1::EmbedRequest& request, const Call& call,
             v1::EmbedResponse* response, Done done) override {
    return Run(executors_.pictures, call, done,
               [&request, response](const Serving& serving, const Call& own) {
                 return PutInto(response, HandleEmbed(serving, request, own));
               });
  }
  Cancel Ask(const v1::GetProductRequest& request, const Call& call,
             v1::GetProductResponse* response, Done done) override {
    return Run(executors_.others, call, done,
               [&request, response](const Serving& serving, const Call&) {
                 return PutInto(response, serving.Checked(HandleGetProduct(
                                              serving, request)));
               });
  }
  Cancel Ask(const v1::GetImageRequest& request, const Call& call,
             v1::GetImageResponse* response, Done done) override {
    return Run(executors_.others, call, done,
               [&request, response](const Serving& serving, const Call&) {
                 return PutInto(response, serving.Checked(HandleGetImage(
                                              serving, request)));
               });
  }
  Cancel Ask(const v1::DescribeIndexRequest&, const Call& call,
             v1::DescribeIndexResponse* response, Done done) override {
    return Run(executors_.others, call, done,
               [store = store_, response](const Serving& serving, const Call&) {
                 *response = HandleDescribeIndex(serving, store->degraded(),
                                                 /*version=*/{});
                 return absl::OkStatus();
               });
  }

  std::unique_ptr<ProductStream> List(const v1::ListProductsRequest& request,
                                      const Call& call) override {
    return ListStore(request, store_, call);
  }

 private:
  template <typename Handler>
  Cancel Run(Executor* executor, const Call& call, const Done& done,
             Handler handler) {
    // The caller, and this, may be gone before a thread is free.
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    Call own = call;
    own.cancelled = [cancelled] { return cancelled->load(); };
    // The question that this is a part of was admitted.
    executor->Schedule([store = store_, own = std::move(own), done,
                        handler = std::move(handler)] {
      absl::Status status = own.Check();
      if (status.ok()) {
        const auto serving = store->Take();
        status = serving.ok() ? handler(**serving, own) : serving.status();
      }
      done(status);
    });
    return [cancelled] { *cancelled = true; };
  }

  const std::string name_;
  const SnapshotStore* const store_;
  const Executors executors_;
};

}  // namespace

std::unique_ptr<Backend> NewLocalBackend(std::string name,
                                         const SnapshotStore* store,
                                         Executors executors) {
  return std::make_unique<LocalBackend>(std::move(name), store, executors);
}

}  // namespace vitrine
