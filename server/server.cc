#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/listen_address.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "server/fan_out_service.h"
#include "server/local_backend.h"
#include "server/message_arena.h"
#include "server/remote_backend.h"
#include "server/shared_model.h"

namespace vitrine {
namespace {

constexpr char kSearchServiceName[] = "vitrine.v1.SearchService";
// Above the largest picture, so that the refusal of a larger one can be ours,
// with its reason and limit.
constexpr int kMaxReceiveBytes = 40 << 20;
constexpr int kMaxCallsOfConnection = 1000;
// What gRPC holds of messages that are under way, all together: it reads one to
// its end before it looks at its size. Past it, calls end RESOURCE_EXHAUSTED.
constexpr size_t kMaxTransportBytes = 512 << 20;
// A client that has gone without a word is found out after so long, and one
// may ask so often whether its server still lives.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kLeastPingIntervalMs = 5'000;
// Requests that may wait for a thread, beyond which they are refused at once.
constexpr int kMaxWaitingPictures = 128;
constexpr int kMaxWaitingOthers = 1024;
// Requests with pictures mostly wait for the model: two of its batches can
// form while they do.
constexpr int kPictureThreads = 16;
// So many requests of a kind are taken however long they may have to wait: what
// one caller with a few threads sends is not refused.
constexpr int kOthersAlwaysPerThread = 8;
constexpr int kFansOutAlways = 16;
// Receipts are read from the index's volume, which may hang: on threads that
// nothing else waits for.
constexpr int kReceiptThreads = 2;
constexpr int kMaxWaitingReceipts = 64;
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
  VITRINE_RETURN_IF_ERROR(ParseListenAddress(options.listen).status());
  std::unique_ptr<Server> server(new Server());
  if (!options.tokens.empty()) {
    VITRINE_ASSIGN_OR_RETURN(
        server->access_, Access::Open(options.tokens, options.store.poll_ms,
                                      options.store.log, options.store.warn));
  }
  const int threads = options.threads > 0 ? options.threads : AvailableCores();
  const std::chrono::milliseconds max_wait(options.max_wait_ms);
  server->picture_executor_ = std::make_unique<Executor>(
      kPictureThreads,
      Executor::Limits{.max_waiting = kMaxWaitingPictures,
                       .max_wait = max_wait,
                       .at_once = std::min(threads, kPictureThreads),
                       .always_admitted = kPicturesAlways});
  server->other_executor_ = std::make_unique<Executor>(
      threads,
      Executor::Limits{.max_waiting = kMaxWaitingOthers,
                       .max_wait = max_wait,
                       .at_once = threads,
                       .always_admitted = kOthersAlwaysPerThread * threads});
  const bool fans_out = !options.indexes.empty() || !options.backends.empty();
  if (!fans_out) options.indexes = {options.store.paths.root};
  const SlotTable* const slots = options.store.slots;
  const int poll_ms = options.store.poll_ms;
  const auto set_ready = [server = server.get()] { server->SetReady(); };
  options.store.on_ready = fans_out ? std::function<void()>() : set_ready;
  VITRINE_RETURN_IF_ERROR(
      server->OpenStores(std::move(options.store), options.shadow_share,
                         !options.status_listen.empty(),
                         std::move(options.indexes), options.cache));
  const Executors executors = {server->picture_executor_.get(),
                               server->other_executor_.get()};
  if (fans_out) {
    std::vector<std::unique_ptr<Backend>> backends;
    for (size_t i = 0; i < server->stores_.size(); ++i) {
      backends.push_back(NewLocalBackend(server->roots_[i].string(),
                                         server->stores_[i].get(), executors));
    }
    for (std::string& address : options.backends) {
      VITRINE_ASSIGN_OR_RETURN(
          backends.emplace_back(),
          NewRemoteBackend(std::move(address), options.backend_security));
    }
    options.partitions.on_ready = set_ready;
    server->partitions_ = std::make_unique<Partitions>(
        std::move(backends), std::move(options.partitions));
    // Backends' own threads do the work; that of indexes here is done here.
    const int at_once = server->stores_.empty()
                            ? kWaitingThreads
                            : std::min(threads, kWaitingThreads);
    server->waiting_executor_ = std::make_unique<Executor>(
        kWaitingThreads, Executor::Limits{.max_waiting = kMaxWaitingOthers,
                                          .max_wait = max_wait,
                                          .at_once = at_once,
                                          .always_admitted = kFansOutAlways});
    server->search_calls_ = std::make_unique<FanOutService>(
        server->partitions_.get(), slots, server->waiting_executor_.get(),
        options.version);
    server->catalog_calls_ = std::make_unique<NoReceiptsService>();
  } else {
    server->search_calls_ = std::make_unique<SearchServiceImpl>(
        server->stores_.front().get(), executors, options.version);
    server->receipt_executor_ = std::make_unique<Executor>(
        kReceiptThreads, Executor::Limits{.max_waiting = kMaxWaitingReceipts});
    auto receipts = std::make_unique<CatalogServiceImpl>(
        server->stores_.front().get(), server->receipt_executor_.get(),
        IndexPaths{server->roots_.front()}, poll_ms);
    server->receipts_ = receipts.get();
    server->catalog_calls_ = std::move(receipts);
  }

  VITRINE_RETURN_IF_ERROR(server->Listen(options));
  if (!options.status_listen.empty()) {
    VITRINE_RETURN_IF_ERROR(
        server->StartStatusPort(std::move(options.status_listen), options.log));
  }
  // Only now, so that a port that is taken is told at once, and health checks
  // are answered while the index is being opened.
  for (const auto& store : server->stores_) store->Start();
  VITRINE_RETURN_IF_ERROR(server->CheckPartitions());
  if (fans_out) server->partitions_->Start();
  return server;
}

absl::Status Server::Listen(const ServerOptions& options) {
  VITRINE_ASSIGN_OR_RETURN(const auto credentials,
                           ServerCredentialsOf(options.tls));
  search_service_ =
      std::make_unique<GrpcSearchService>(search_calls_.get(), access_.get());
  catalog_service_ =
      std::make_unique<GrpcCatalogService>(catalog_calls_.get(), access_.get());
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Two servers on one port would share its calls between two indexes.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      kLeastPingIntervalMs);
  if (options.max_connection_age_ms > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               options.max_connection_age_ms);
  }
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxCallsOfConnection);
  builder.SetResourceQuota(
      grpc::ResourceQuota("server").Resize(kMaxTransportBytes));
  builder.RegisterService(search_service_.get());
  builder.RegisterService(catalog_service_.get());
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      interceptors;
  if (!options.status_listen.empty()) {
    interceptors.push_back(metrics_.NewCallCounter());
  }
  if (options.log != nullptr && options.log_requests != LoggedRequests::kNone) {
    interceptors.push_back(NewRequestLogger(options.log_requests, options.log));
  }
  if (!interceptors.empty()) {
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
  }
  int port = 0;
  builder.AddListeningPort(options.listen, credentials, &port);
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port == 0) {
    return CannotListen(options.listen);
  }
  if (!options.tls.certificate.empty()) {
    tls_watch_ = std::make_unique<TlsWatch>(TlsWatchOptions{
        .files = options.tls,
        .on_read = [this](const TlsEnds& ends) { metrics_.SetTlsEnds(ends); },
        .log =
            [log = options.log](std::string_view line) {
              if (log != nullptr) log->Info(line);
            },
        .warn =
            [log = options.log](std::string_view line) {
              if (log != nullptr) log->Warn(line);
            }});
  }
  address_ = absl::StrCat(options.listen.substr(0, options.listen.rfind(':')),
                          ":", port);
  health_ = grpc_->GetHealthCheckService();
  health_->SetServingStatus(kSearchServiceName, false);
  return absl::OkStatus();
}

absl::Status Server::OpenStores(SnapshotStoreOptions options,
                                double shadow_share, bool is_watched,
                                std::vector<std::filesystem::path> indexes,
                                const std::filesystem::path& cache) {
  if (is_watched) {
    options.on_batch = [this](size_t pictures) {
      metrics_.CountBatch(pictures);
    };
  }
  if (indexes.size() > 1)
    options.load_model = ShareModels(std::move(options.load_model));
  roots_ = std::move(indexes);
  for (const std::filesystem::path& root : roots_) {
    recall_monitors_.push_back(std::make_unique<RecallMonitor>(shadow_share));
    SnapshotStoreOptions one = options;
    one.paths.root = root;
    one.recall_monitor = recall_monitors_.back().get();
    if (!cache.empty()) {
      VITRINE_ASSIGN_OR_RETURN(
          auto copies,
          IndexCache::Open(
              one.paths,
              roots_.size() > 1 ? IndexCache::FolderOf(cache, root) : cache,
              one.log));
      one.cache = copies.get();
      caches_.push_back(std::move(copies));
    }
    if (is_watched) {
      one.on_reload = [this,
                       name = root.string()](const ReloadOutcome& reload) {
        metrics_.CountReload(name, reload);
      };
    }
    stores_.push_back(std::make_unique<SnapshotStore>(std::move(one)));
  }
  return absl::OkStatus();
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
    is_ready_ = true;
  }
}

absl::Status Server::Readiness() {
  {
    std::lock_guard lock(health_mutex_);
    if (health_ == nullptr) return absl::UnavailableError("it is ending");
    if (is_ready_) return absl::OkStatus();
  }
  VITRINE_RETURN_IF_ERROR(CheckOpen());
  return absl::UnavailableError(partitions_ == nullptr
                                    ? "the index is being opened"
                                    : "no partition has answered yet");
}

absl::Status Server::StartStatusPort(std::string listen, const Log* log) {
  std::vector<ServerMetrics::Index> indexes;
  for (size_t i = 0; i < stores_.size(); ++i) {
    indexes.push_back(
        {roots_[i].string(), stores_[i].get(), recall_monitors_[i].get()});
  }
  auto port = StatusPort::Start({.listen = std::move(listen),
                                 .metrics =
                                     [this, log, indexes = std::move(indexes)] {
                                       return metrics_.Text(
                                           indexes, Readiness().ok(),
                                           log == nullptr ? 0 : log->lost());
                                     },
                                 .readiness = [this] { return Readiness(); }});
  if (!port.ok()) return Annotate(port.status(), "--status");
  status_port_ = *std::move(port);
  return absl::OkStatus();
}

std::string Server::status_address() const {
  return status_port_ != nullptr ? status_port_->address() : "";
}

void Server::TellNotReady() {
  // From here on no index that is found makes it ready again.
  std::lock_guard lock(health_mutex_);
  if (health_ == nullptr) return;
  health_->Shutdown();
  health_ = nullptr;
  is_ready_ = false;
}

void Server::Shutdown(std::chrono::milliseconds grace) {
  if (grpc_ == nullptr || is_shut_.exchange(true)) return;
  TellNotReady();
  if (receipts_ != nullptr) receipts_->Stop();
  grpc_->Shutdown(std::chrono::system_clock::now() + grace);
  grpc_->Wait();
}

}  // namespace vitrine
