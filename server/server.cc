#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "server/fan_out_service.h"
#include "server/local_backend.h"
#include "server/remote_backend.h"
#include "server/shared_model.h"

namespace vitrine {
namespace {

constexpr char kSearchServiceName[] = "vitrine.v1.SearchService";
// Above the largest picture, so that the refusal of a larger one can be ours,
// with its reason and limit.
constexpr int kMaxReceiveBytes = 40 << 20;
// Requests that may wait for a thread, beyond which they are refused at once.
constexpr int kMaxWaitingPictures = 128;
constexpr int kMaxWaitingOthers = 1024;
// Requests with pictures mostly wait for the model: two of its batches can
// form while they do.
constexpr int kPictureThreads = 16;
// Calls that may wait for partitions at a time, each on a thread that does
// little else.
constexpr int kWaitingThreads = 128;

absl::Status CannotListen(const std::string& address) {
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", address,
      ": the port is taken, or the address is not one of this machine; choose "
      "another with --listen=HOST:PORT (port 0 takes a free one)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  const size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.listen,
                     "' is no address to listen on; right is HOST:PORT, such "
                     "as 127.0.0.1:50051"));
  }
  std::unique_ptr<Server> server(new Server());
  const int threads = options.threads > 0 ? options.threads : AvailableCores();
  server->picture_executor_ =
      std::make_unique<Executor>(kPictureThreads, kMaxWaitingPictures);
  server->other_executor_ =
      std::make_unique<Executor>(threads, kMaxWaitingOthers);
  const bool fans_out = !options.indexes.empty() || !options.backends.empty();
  if (!fans_out) options.indexes = {options.store.paths.root};
  const SlotTable* const slots = options.store.slots;
  const int poll_ms = options.store.poll_ms;
  const auto set_ready = [server = server.get()] { server->SetReady(); };
  options.store.on_ready = fans_out ? std::function<void()>() : set_ready;
  server->OpenStores(std::move(options.store), options.shadow_share,
                     std::move(options.indexes));
  const Executors executors = {server->picture_executor_.get(),
                               server->other_executor_.get()};
  if (fans_out) {
    std::vector<std::unique_ptr<Backend>> backends;
    for (size_t i = 0; i < server->stores_.size(); ++i) {
      backends.push_back(NewLocalBackend(server->roots_[i].string(),
                                         server->stores_[i].get(), executors));
    }
    for (std::string& address : options.backends)
      backends.push_back(NewRemoteBackend(std::move(address)));
    options.partitions.on_ready = set_ready;
    server->partitions_ = std::make_unique<Partitions>(
        std::move(backends), std::move(options.partitions));
    server->waiting_executor_ =
        std::make_unique<Executor>(kWaitingThreads, kMaxWaitingOthers);
    server->search_service_ = std::make_unique<FanOutService>(
        server->partitions_.get(), slots, server->waiting_executor_.get(),
        options.version);
    server->catalog_service_ = std::make_unique<NoReceiptsService>();
  } else {
    server->search_service_ = std::make_unique<SearchServiceImpl>(
        server->stores_.front().get(), executors, options.version);
    auto receipts = std::make_unique<CatalogServiceImpl>(
        server->stores_.front().get(), server->other_executor_.get(),
        IndexPaths{server->roots_.front()}, poll_ms);
    server->receipts_ = receipts.get();
    server->catalog_service_ = std::move(receipts);
  }

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Two servers on one port would share its calls between two indexes.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.RegisterService(server->search_service_.get());
  builder.RegisterService(server->catalog_service_.get());
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(),
                           &port);
  server->grpc_ = builder.BuildAndStart();
  if (server->grpc_ == nullptr || port == 0) {
    return CannotListen(options.listen);
  }
  server->address_ = absl::StrCat(options.listen.substr(0, colon), ":", port);
  server->health_ = server->grpc_->GetHealthCheckService();
  server->health_->SetServingStatus(kSearchServiceName, false);
  // Only now, so that a port that is taken is told at once, and health checks
  // are answered while the index is being opened.
  for (const auto& store : server->stores_) store->Start();
  VITRINE_RETURN_IF_ERROR(server->CheckPartitions());
  if (fans_out) server->partitions_->Start();
  return server;
}

void Server::OpenStores(SnapshotStoreOptions options, double shadow_share,
                        std::vector<std::filesystem::path> indexes) {
  if (indexes.size() > 1)
    options.load_model = ShareModels(std::move(options.load_model));
  roots_ = std::move(indexes);
  for (const std::filesystem::path& root : roots_) {
    recall_monitors_.push_back(std::make_unique<RecallMonitor>(shadow_share));
    SnapshotStoreOptions one = options;
    one.paths.root = root;
    one.recall_monitor = recall_monitors_.back().get();
    stores_.push_back(std::make_unique<SnapshotStore>(std::move(one)));
  }
}

absl::Status Server::CheckOpen() const {
  for (const auto& store : stores_)
    VITRINE_RETURN_IF_ERROR(store->Take().status());
  return absl::OkStatus();
}

absl::Status Server::CheckPartitions() const {
  std::map<uint32_t, size_t> store_of;  // By the number of its partition.
  uint32_t of = 0;
  for (size_t i = 0; i < stores_.size() && stores_.size() > 1; ++i) {
    const auto serving = stores_[i]->Take();
    if (!serving.ok()) continue;
    const storage::Manifest& manifest = (*serving)->snapshot().manifest();
    if (!manifest.has_partition()) continue;
    const storage::Partition& partition = manifest.partition();
    const auto [other, is_new] = store_of.try_emplace(partition.number(), i);
    if (is_new && (of == 0 || of == partition.of())) {
      of = partition.of();
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        roots_[i].string(), " is partition ", partition.number(), "/",
        partition.of(),
        is_new ? absl::StrCat(", and others are of ", of)
               : absl::StrCat(", and so is ", roots_[other->second].string()),
        "; name one index of each partition of one catalogue"));
  }
  return absl::OkStatus();
}

Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

void Server::SetReady() {
  std::lock_guard lock(health_mutex_);
  if (health_ != nullptr) {
    health_->SetServingStatus(kSearchServiceName, true);
  }
}

void Server::Shutdown(std::chrono::milliseconds grace) {
  if (grpc_ == nullptr) return;
  {
    // From here on no index that is found makes it ready again.
    std::lock_guard lock(health_mutex_);
    if (health_ == nullptr) return;
    health_->Shutdown();
    health_ = nullptr;
  }
  if (receipts_ != nullptr) receipts_->Stop();
  grpc_->Shutdown(std::chrono::system_clock::now() + grace);
  grpc_->Wait();
}

}  // namespace vitrine
