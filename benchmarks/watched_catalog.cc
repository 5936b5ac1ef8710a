#include "benchmarks/watched_catalog.h"

#include <grpcpp/grpcpp.h>

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/embedder.h"

namespace vitrine {
namespace {

constexpr std::chrono::milliseconds kAskAgain(2);
constexpr std::chrono::seconds kPatience(30);

double Milliseconds(std::chrono::system_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

WatchedCatalog::WatchedCatalog(ScratchFolder scratch)
    : scratch_(std::move(scratch)), root_(scratch_.path()) {
  std::filesystem::create_directory(catalogue());
}

absl::StatusOr<std::unique_ptr<WatchedCatalog>> WatchedCatalog::Make() {
  VITRINE_ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Make());
  return std::unique_ptr<WatchedCatalog>(
      new WatchedCatalog(std::move(scratch)));
}

WatchedCatalog::~WatchedCatalog() {
  if (!indexing_.joinable()) return;
  indexer_->Stop();
  indexing_.join();
}

absl::Status WatchedCatalog::Drop(const std::string& name,
                                  const std::string& bytes) {
  const std::filesystem::path arriving = root_ / "arriving";
  std::ofstream(arriving, std::ios::binary) << bytes;
  std::error_code error;
  std::filesystem::rename(arriving, catalogue() / (name + ".jpg"), error);
  if (error) return absl::InternalError(error.message());
  return absl::OkStatus();
}

absl::Status WatchedCatalog::Start(const std::filesystem::path& model) {
  const int threads = AvailableCores();
  const auto load = [threads](const std::filesystem::path& bundle) {
    return LoadTorchEmbedder(bundle, threads);
  };
  IndexerOptions indexing;
  indexing.catalog.root = catalogue();
  indexing.index.root = index().root;
  indexing.index.default_model = model;
  indexing.index.threads = indexing.decode_threads = threads;
  indexing.index.load_embedder = [load](const auto& bundle, const EmbedTrial&,
                                        int) { return load(bundle); };
  indexing.on_published = [this](const PublishedBatch& batch) {
    std::lock_guard lock(mutex_);
    published_.push_back(batch);
    changed_.notify_all();
  };
  VITRINE_ASSIGN_OR_RETURN(indexer_, Indexer::Create(std::move(indexing)));
  indexing_ = std::thread([this] { indexer_->Run().IgnoreError(); });
  ServerOptions serving;
  serving.store.paths = index();
  serving.store.load_model = [load](const auto& bundle, const auto&) {
    return load(bundle);
  };
  serving.store.slots = &SlotTable::Default();
  serving.listen = "127.0.0.1:0";
  serving.threads = threads;
  VITRINE_ASSIGN_OR_RETURN(server_, Server::Start(std::move(serving)));
  stub_ = v1::SearchService::NewStub(grpc::CreateChannel(
      server_->address(), grpc::InsecureChannelCredentials()));
  return absl::OkStatus();
}

absl::Status WatchedCatalog::WaitForImages(int64_t images) {
  const Clock::time_point end = Clock::now() + 10 * kPatience;
  while (Clock::now() < end) {
    grpc::ClientContext context;
    v1::DescribeIndexResponse index;
    if (stub_->DescribeIndex(&context, {}, &index).ok() &&
        index.images() == images) {
      return absl::OkStatus();
    }
    std::this_thread::sleep_for(10 * kAskAgain);
  }
  return absl::DeadlineExceededError("the first pictures were not indexed");
}

absl::StatusOr<DropStages> WatchedCatalog::Measure(const std::string& name,
                                                   const std::string& bytes) {
  v1::SearchRequest request;
  request.set_k(1);
  {
    grpc::ClientContext context;
    v1::EmbedRequest embed;
    embed.add_images()->set_content(bytes);
    v1::EmbedResponse embedded;
    const grpc::Status status = stub_->Embed(&context, embed, &embedded);
    if (!status.ok() || embedded.items_size() != 1) {
      return absl::InternalError(
          absl::StrCat("Embed: ", status.error_message()));
    }
    *request.add_examples()->mutable_vector() = embedded.items(0).vector();
  }
  size_t batches = 0;
  {
    std::lock_guard lock(mutex_);
    batches = published_.size();
  }
  const auto dropped = Clock::now();
  VITRINE_RETURN_IF_ERROR(Drop(name, bytes));
  while (Clock::now() - dropped < kPatience) {
    grpc::ClientContext context;
    v1::SearchResponse response;
    const grpc::Status status = stub_->Search(&context, request, &response);
    if (!status.ok()) {
      return absl::InternalError(
          absl::StrCat("Search: ", status.error_message()));
    }
    if (response.hits_size() > 0 && response.hits(0).product_id() == name) {
      const auto found = Clock::now();
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return published_.size() > batches; });
      const PublishedBatch& batch = published_[batches];
      DropStages stages;
      stages.decode = batch.decode_s * 1000;
      stages.embed = batch.embed_s * 1000;
      stages.all = Milliseconds(found - dropped);
      stages.take_up = Milliseconds(found.time_since_epoch()) -
                       static_cast<double>(batch.publication.published_unix_ms);
      stages.publish =
          stages.all - stages.decode - stages.embed - stages.take_up;
      return stages;
    }
    std::this_thread::sleep_for(kAskAgain);
  }
  return absl::DeadlineExceededError(absl::StrCat(name, " was not found"));
}

}  // namespace vitrine
