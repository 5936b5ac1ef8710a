#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/thread_pool.h"

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
  server->recall_monitor_ =
      std::make_unique<RecallMonitor>(options.shadow_share);
  options.store.recall_monitor = server->recall_monitor_.get();
  options.store.on_ready = [server = server.get()] { server->SetReady(); };
  const IndexPaths paths = options.store.paths;
  const int poll_ms = options.store.poll_ms;
  server->store_ = std::make_unique<SnapshotStore>(std::move(options.store));
  server->search_service_ = std::make_unique<SearchServiceImpl>(
      server->store_.get(),
      Executors{server->picture_executor_.get(), server->other_executor_.get()},
      options.version);
  server->catalog_service_ = std::make_unique<CatalogServiceImpl>(
      server->store_.get(), server->other_executor_.get(), paths, poll_ms);

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
  server->store_->Start();
  return server;
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
  catalog_service_->Stop();
  grpc_->Shutdown(std::chrono::system_clock::now() + grace);
  grpc_->Wait();
}

}  // namespace vitrine
