// From the drop of a picture into a watched catalogue to its being found
// through gRPC: an indexer, idle otherwise, and a server, each as its program
// runs it, on one index.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_folder.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog.h"
#include "common/image/image.h"
#include "common/model/embedder.h"
#include "indexer/indexer.h"
#include "server/server.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

// That of the times in a publication.
using Clock = std::chrono::system_clock;

constexpr size_t kDrops = 50;
constexpr size_t kBeforehand = 500;  // Pictures that are indexed first.
constexpr std::chrono::milliseconds kAskAgain(2);
constexpr std::chrono::seconds kPatience(30);

// One drop, in milliseconds.
struct Stages {
  double decode = 0;
  double embed = 0;
  double publish = 0;  // With noticing the file, and all waits.
  double take_up = 0;  // From the publication to an answer that has it.
  double all = 0;
};

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Pictures that decode, no two with the same bytes, so that each is embedded.
absl::StatusOr<std::vector<std::string>> PicturesOf(
    const std::filesystem::path& root, size_t most) {
  CatalogOptions options;
  options.root = root;
  VITRINE_ASSIGN_OR_RETURN(const auto catalog, Catalog::Open(options));
  VITRINE_ASSIGN_OR_RETURN(const Listing listing, catalog->Scan());
  std::vector<std::string> pictures;
  std::set<Sha256Digest> seen;
  for (const CatalogPicture& picture : listing.pictures) {
    if (pictures.size() == most) break;
    auto bytes = catalog->ReadPicture(picture.path, ImageLimits().max_bytes);
    if (bytes.ok() && DecodeImage(*bytes, {}, 1).ok() &&
        seen.insert(Sha256(*bytes)).second) {
      pictures.push_back(*std::move(bytes));
    }
  }
  if (pictures.size() <= kDrops) {
    return absl::InvalidArgumentError(absl::StrCat(
        root.string(), " holds ", pictures.size(),
        " different pictures; at least ", kDrops + 1, " are needed"));
  }
  return pictures;
}

// A catalogue, its indexer and its server, in a folder that goes with it.
class World {
 public:
  World(ScratchFolder scratch, std::filesystem::path model)
      : scratch_(std::move(scratch)),
        root_(scratch_.path()),
        model_(std::move(model)) {
    std::filesystem::create_directory(catalogue());
  }
  ~World() {
    if (indexing_.joinable()) {
      indexer_->Stop();
      indexing_.join();
    }
  }

  // Writes a picture beside the catalogue and moves it there.
  absl::Status Drop(const std::string& name, const std::string& bytes) {
    const std::filesystem::path arriving = root_ / "arriving";
    std::ofstream(arriving, std::ios::binary) << bytes;
    std::error_code error;
    std::filesystem::rename(arriving, catalogue() / (name + ".jpg"), error);
    if (error) return absl::InternalError(error.message());
    return absl::OkStatus();
  }

  absl::Status Start() {
    const int threads = AvailableCores();
    const auto load = [threads](const std::filesystem::path& bundle) {
      return LoadTorchEmbedder(bundle, threads);
    };
    IndexerOptions indexing;
    indexing.catalog.root = catalogue();
    indexing.index.root = root_ / "index";
    indexing.index.default_model = model_;
    indexing.index.threads = indexing.decode_threads = threads;
    indexing.index.load_embedder = [load](const auto& bundle, int) {
      return load(bundle);
    };
    indexing.on_published = [this](const PublishedBatch& batch) {
      std::lock_guard lock(mutex_);
      published_.push_back(batch);
      changed_.notify_all();
    };
    VITRINE_ASSIGN_OR_RETURN(indexer_, Indexer::Create(std::move(indexing)));
    indexing_ = std::thread([this] { indexer_->Run().IgnoreError(); });
    ServerOptions serving;
    serving.store.paths.root = root_ / "index";
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

  absl::Status WaitForImages(int64_t images) {
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

  // Drops a picture and searches with it until it comes first.
  absl::StatusOr<Stages> Measure(const std::string& name,
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
        Stages stages;
        stages.decode = batch.decode_s * 1000;
        stages.embed = batch.embed_s * 1000;
        stages.all = Milliseconds(found - dropped);
        stages.take_up =
            Milliseconds(found.time_since_epoch()) -
            static_cast<double>(batch.publication.published_unix_ms);
        stages.publish =
            stages.all - stages.decode - stages.embed - stages.take_up;
        return stages;
      }
      std::this_thread::sleep_for(kAskAgain);
    }
    return absl::DeadlineExceededError(absl::StrCat(name, " was not found"));
  }

 private:
  std::filesystem::path catalogue() const { return root_ / "catalogue"; }

  const ScratchFolder scratch_;  // Goes last.
  const std::filesystem::path root_;
  const std::filesystem::path model_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::vector<PublishedBatch> published_;
  std::unique_ptr<Indexer> indexer_;
  std::thread indexing_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

}  // namespace

absl::Status RunFreshnessRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const std::vector<std::string> pictures,
                           PicturesOf(options.catalog, kBeforehand + kDrops));
  VITRINE_ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Make());
  World world(std::move(scratch), options.model);
  const size_t beforehand = pictures.size() - kDrops;
  for (size_t i = 0; i < beforehand; ++i) {
    VITRINE_RETURN_IF_ERROR(world.Drop(absl::StrCat("old", i), pictures[i]));
  }
  VITRINE_RETURN_IF_ERROR(world.Start());
  VITRINE_RETURN_IF_ERROR(
      world.WaitForImages(static_cast<int64_t>(beforehand)));

  std::vector<Stages> drops;
  for (size_t i = 0; i < kDrops; ++i) {
    VITRINE_ASSIGN_OR_RETURN(
        const Stages stages,
        world.Measure(absl::StrCat("new", i), pictures[beforehand + i]));
    drops.push_back(stages);
  }
  std::vector<double> all;
  size_t within_a_second = 0;
  for (const Stages& drop : drops) {
    all.push_back(drop.all);
    within_a_second += drop.all < 1000 ? 1 : 0;
  }
  auto median_of = [&drops](double Stages::*stage) {
    std::vector<double> values;
    for (const Stages& drop : drops) values.push_back(drop.*stage);
    return Median(std::move(values));
  };
  const double own_work =
      median_of(&Stages::decode) + median_of(&Stages::embed);
  report->Add({.name = "freshness",
               .value = Median(all),
               .unit = "ms (median)",
               .against = "decoding and embedding that picture",
               .ratio = Median(all) / own_work});
  report->Add({.name = "freshness_slowest",
               .value = *std::max_element(all.begin(), all.end()),
               .unit = "ms"});
  report->Add({.name = "freshness_within_1_s",
               .value = static_cast<double>(within_a_second),
               .unit = absl::StrCat("of ", kDrops)});
  const std::pair<const char*, double Stages::*> stages[] = {
      {"freshness_decode", &Stages::decode},
      {"freshness_embed", &Stages::embed},
      {"freshness_notice_and_publish", &Stages::publish},
      {"freshness_take_up", &Stages::take_up}};
  for (const auto& [name, stage] : stages) {
    report->Add({.name = name, .value = median_of(stage), .unit = "ms"});
  }
  return absl::OkStatus();
}

}  // namespace vitrine
