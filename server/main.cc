// vitrine-server: answers from an index directory over gRPC.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/bus_error.h"
#include "common/base/file.h"
#include "common/base/listen_address.h"
#include "common/base/status.h"
#include "common/base/termination.h"
#include "common/base/thread_pool.h"
#include "common/flags/command_line.h"
#include "common/http/status_port.h"
#include "common/log/log.h"
#include "common/model/embedder.h"
#include "common/model/trusted_models.h"
#include "server/grpc_log.h"
#include "server/request_log.h"
#include "server/server.h"
#include "server/usage.h"

ABSL_FLAG(std::string, index, "",
          "The folder of the index, as vitrine-indexer writes it. It is only "
          "read; it may come into being later. Several, with commas, are "
          "partitions of one catalogue, and answers are of all of them.");
ABSL_FLAG(
    std::string, backends, "",
    "Other servers, HOST:PORT with commas, each of one or more partitions "
    "of the catalogue: answers are of all of them, and of the folders of "
    "--index.");
ABSL_FLAG(std::string, backend_ca, "",
          "Who has signed the backends' certificates, a PEM file, or `system`; "
          "empty speaks with them in the clear. It is read again when it "
          "changes, as are --backend-cert and --backend-key.");
ABSL_FLAG(std::string, backend_cert, "",
          "The certificate to show to backends that ask for one, a PEM file.");
ABSL_FLAG(std::string, backend_key, "", "The private key of --backend-cert.");
ABSL_FLAG(std::string, backend_token_file, "",
          "A file whose first line is the token for the backends, of role "
          "catalogue where products are listed through this server. It is "
          "read again when it changes.");
ABSL_FLAG(int32_t, backend_timeout_ms, 10'000,
          "How long a partition may take to answer where the caller allows "
          "more; then the answer is given without it, and says so.");
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "Where to listen, as HOST:PORT; port 0 takes a free one, which the "
          "first line on standard output names.");
ABSL_FLAG(std::string, tls_cert, "",
          "The server's certificate as a PEM file, with those between it and "
          "its CA: calls are encrypted then, and none in the clear is taken. "
          "It and the key are read again when they change.");
ABSL_FLAG(std::string, tls_key, "",
          "The private key of --tls-cert, a PEM file without a password.");
ABSL_FLAG(std::string, tls_client_ca, "",
          "Callers must show a certificate signed by one of this PEM file, "
          "which is read again when it changes.");
ABSL_FLAG(std::string, tokens, "",
          "A file of `ROLE TOKEN NAME` lines: only calls with one of these "
          "bearer tokens are answered. A role is query, catalogue (which also "
          "lists products and reads receipts) or admin. It is read again when "
          "it changes.");
ABSL_FLAG(bool, insecure, false,
          "Let other machines connect to --listen in the clear, and send "
          "--backend-token-file to them so: where the network is trusted.");
ABSL_FLAG(std::string, status, "",
          "Where to tell over HTTP how it is, as HOST:PORT: /metrics for "
          "Prometheus, /healthz, /readyz. Whoever can connect may read them.");
ABSL_FLAG(bool, insecure_status, false,
          "Let other machines connect to --status, which is in the clear.");
ABSL_FLAG(std::string, log_format, "text",
          "How standard error is written: text, lines for people, or json, an "
          "object a line.");
ABSL_FLAG(std::string, log_requests, "none",
          "Which calls have a line in the log, when they have ended: none, "
          "errors or all.");
ABSL_FLAG(bool, require_index, false,
          "End with an error where the index cannot be opened at the start; "
          "otherwise be not ready until it can.");
ABSL_FLAG(int32_t, threads, 0,
          "Threads that search, and that embed; 0 is one a core of those that "
          "the process's affinity and its cgroup's CPU quota grant.");
ABSL_FLAG(int32_t, max_wait_ms, 200,
          "How long a request may have to wait for others, about: one that "
          "would wait longer is refused at once, RESOURCE_EXHAUSTED, unless "
          "only a few are there.");
ABSL_FLAG(std::string, slots, "",
          "A file that says which category is which part of an outfit, in "
          "place of the built-in one; its format is that of "
          "server/default_slots.txt.");
ABSL_FLAG(std::string, trusted_models, "",
          "A file with the SHA-256s of the model bundles that may run, one a "
          "line, as sha256sum prints them; an index of any other model is not "
          "served. Left out: each index's own model runs, whatever it is.");
ABSL_FLAG(std::string, verify, "auto",
          "What of a new generation's files is verified before they are "
          "served: `always` all, `background` only their structure, so that "
          "more rows take no more time, and the rest while they are served; "
          "`auto` is `always` below 2 GB and `background` from there on.");
ABSL_FLAG(std::string, cache, "",
          "A folder of a local disk, for this server alone, to which each "
          "generation of the index is copied and verified before it is served "
          "from there: for an index on a network file system, which may be "
          "away then. Takes the room of two generations.");
ABSL_FLAG(int32_t, reload_poll_ms, 100,
          "How often to look for a new generation where the file system tells "
          "nothing of it, as NFS does.");
ABSL_FLAG(
    double, shadow_share, 0.001,
    "The share of answers by graphs, 0 to 1, that are compared with exact "
    "scans in the background; fewer where that would take more than half a "
    "per cent of a core, unless it is 1. `vitrine describe` tells how much of "
    "the right hits they held.");
ABSL_FLAG(double, max_connection_age_seconds, 0,
          "How long a connection lasts, about; then its client connects anew, "
          "perhaps to another server behind the same address. 0 is for ever.");
ABSL_FLAG(double, drain_seconds, 0,
          "How long to go on answering after SIGTERM, while health checks and "
          "/readyz say not ready: as long as callers and proxies take to hear "
          "of it. A call that comes later is CANCELLED.");
ABSL_FLAG(double, grace_seconds, 10,
          "How long calls in flight may take to end after SIGTERM.");

namespace vitrine {
namespace {

// Lines that wait where standard error takes none: some 2 MB.
constexpr size_t kMostWaitingLines = 4096;
// How long the program's end waits for it.
constexpr std::chrono::seconds kLogPatience(2);
constexpr std::chrono::milliseconds kHastyLogPatience(100);

int Fail(Log* log, int status, std::string_view message) {
  log->Error(message);
  return status;
}

// Null and OK where the built-in table is to be used.
absl::StatusOr<std::unique_ptr<SlotTable>> SlotsFromFlag() {
  const std::string path = absl::GetFlag(FLAGS_slots);
  if (path.empty()) return std::unique_ptr<SlotTable>();
  VITRINE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  VITRINE_ASSIGN_OR_RETURN(SlotTable slots, SlotTable::Parse(text, path));
  return std::make_unique<SlotTable>(std::move(slots));
}

absl::StatusOr<VerifyMode> VerifyModeFromFlag() {
  const std::string mode = absl::GetFlag(FLAGS_verify);
  if (mode == "auto") return VerifyMode::kAuto;
  if (mode == "always") return VerifyMode::kAlways;
  if (mode == "background") return VerifyMode::kBackground;
  return absl::InvalidArgumentError(absl::StrCat(
      "--verify=", mode, " is not right; it is auto, always or background"));
}

// What stands between the commas of a flag.
absl::StatusOr<std::vector<std::string>> PartsOf(const char* flag,
                                                 const std::string& list) {
  std::vector<std::string> parts;
  if (list.empty()) return parts;
  for (absl::string_view part : absl::StrSplit(list, ',')) {
    const std::string one(part);
    if (one.empty() ||
        std::find(parts.begin(), parts.end(), one) != parts.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", flag, "=", list, " names ",
          one.empty() ? "nothing between two commas" : one + " twice",
          "; name each part once"));
    }
    parts.push_back(one);
  }
  return parts;
}

absl::Status CheckFlags() {
  if (absl::GetFlag(FLAGS_index).empty() &&
      absl::GetFlag(FLAGS_backends).empty()) {
    return absl::InvalidArgumentError(
        "--index is missing; vitrine-server --index=DIR, and see --help");
  }
  VITRINE_RETURN_IF_ERROR(CheckFlagRules(FlagRules()));
  VITRINE_RETURN_IF_ERROR(
      PartsOf("index", absl::GetFlag(FLAGS_index)).status());
  if (!absl::GetFlag(FLAGS_cache).empty() &&
      absl::GetFlag(FLAGS_index).empty()) {
    return absl::InvalidArgumentError(
        "--cache is for the indexes of --index; the servers of --backends have "
        "caches of their own");
  }
  VITRINE_RETURN_IF_ERROR(
      PartsOf("backends", absl::GetFlag(FLAGS_backends)).status());
  const int backend_timeout_ms = absl::GetFlag(FLAGS_backend_timeout_ms);
  if (backend_timeout_ms != 10'000 && absl::GetFlag(FLAGS_backends).empty() &&
      absl::GetFlag(FLAGS_index).find(',') == std::string::npos) {
    return absl::InvalidArgumentError(
        "--backend-timeout-ms does nothing without --backends or several "
        "folders of --index; leave it out");
  }
  if (backend_timeout_ms < 1 || backend_timeout_ms > 3'600'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("--backend-timeout-ms=", backend_timeout_ms,
                     " is not right; it is 1 to 3600000"));
  }
  const int threads = absl::GetFlag(FLAGS_threads);
  if (threads < 0 || threads > 1024) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads=", threads, " is not right; it is 0 to 1024"));
  }
  const int max_wait_ms = absl::GetFlag(FLAGS_max_wait_ms);
  if (max_wait_ms < 1 || max_wait_ms > 3'600'000) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--max-wait-ms=", max_wait_ms, " is not right; it is 1 to 3600000"));
  }
  if (absl::GetFlag(FLAGS_insecure) && !absl::GetFlag(FLAGS_tls_cert).empty() &&
      absl::GetFlag(FLAGS_backend_token_file).empty()) {
    return absl::InvalidArgumentError(
        "--insecure and --tls-cert contradict each other; leave one of them "
        "out");
  }
  VITRINE_RETURN_IF_ERROR(CheckListenFlag(
      "--listen", absl::GetFlag(FLAGS_listen),
      absl::GetFlag(FLAGS_insecure) || !absl::GetFlag(FLAGS_tls_cert).empty(),
      "encrypt with --tls-cert=FILE --tls-key=FILE, or allow it with "
      "--insecure where the network is trusted"));
  if (const std::string listen = absl::GetFlag(FLAGS_status); !listen.empty()) {
    VITRINE_RETURN_IF_ERROR(CheckListenFlag(
        "--status", listen, absl::GetFlag(FLAGS_insecure_status),
        "--insecure-status allows it, where the network is trusted"));
  }
  VITRINE_RETURN_IF_ERROR(VerifyModeFromFlag().status());
  if (const std::string list = absl::GetFlag(FLAGS_trusted_models);
      !list.empty()) {
    VITRINE_RETURN_IF_ERROR(
        Annotate(ReadTrustedModels(list).status(), "--trusted-models"));
  }
  if (const auto which = ParseLoggedRequests(absl::GetFlag(FLAGS_log_requests));
      !which.ok()) {
    return Annotate(which.status(), "--log-requests");
  }
  const int poll_ms = absl::GetFlag(FLAGS_reload_poll_ms);
  if (poll_ms < 1 || poll_ms > 3'600'000) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--reload-poll-ms=", poll_ms, " is not right; it is 1 to 3600000"));
  }
  const double shadow_share = absl::GetFlag(FLAGS_shadow_share);
  if (!(shadow_share >= 0 && shadow_share <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--shadow-share=", shadow_share, " is not right; it is 0 to 1"));
  }
  const double age_seconds = absl::GetFlag(FLAGS_max_connection_age_seconds);
  if (!(age_seconds >= 0 && age_seconds <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max-connection-age-seconds=", age_seconds,
                     " is not right; it is 0 to 1000000"));
  }
  const std::pair<const char*, double> patience[] = {
      {"drain", absl::GetFlag(FLAGS_drain_seconds)},
      {"grace", absl::GetFlag(FLAGS_grace_seconds)}};
  for (const auto& [name, seconds] : patience) {
    if (!(seconds >= 0 && seconds <= 3600)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", name, "-seconds=", seconds, " is not right; it is 0 to 3600"));
    }
  }
  return absl::OkStatus();
}

int Run(Log* log) {
  const absl::Status status = CheckFlags();
  if (!status.ok()) return Fail(log, 2, std::string(status.message()));
  auto slots = SlotsFromFlag();
  if (!slots.ok()) {
    return Fail(log, 2, absl::StrCat("--slots: ", slots.status().message()));
  }

  if (log->format() == LogFormat::kJson) TakeGrpcLog(log);
  CatchTermination();
  CatchBusErrors();
  const int threads = absl::GetFlag(FLAGS_threads) > 0
                          ? absl::GetFlag(FLAGS_threads)
                          : AvailableCores();
  ServerOptions options;
  const auto indexes = PartsOf("index", absl::GetFlag(FLAGS_index));
  options.indexes.assign(indexes->begin(), indexes->end());
  options.backends = *PartsOf("backends", absl::GetFlag(FLAGS_backends));
  options.backend_security = {
      absl::GetFlag(FLAGS_backend_ca),  absl::GetFlag(FLAGS_backend_cert),
      absl::GetFlag(FLAGS_backend_key), absl::GetFlag(FLAGS_backend_token_file),
      absl::GetFlag(FLAGS_insecure),    "--backend-ca"};
  options.partitions.timeout_ms = absl::GetFlag(FLAGS_backend_timeout_ms);
  if (options.indexes.size() == 1 && options.backends.empty()) {
    options.store.paths.root = options.indexes[0];
    options.indexes.clear();
  }
  CheckBundleFn check;
  if (const std::string list = absl::GetFlag(FLAGS_trusted_models);
      !list.empty()) {
    check = [list](std::string_view sha256) {
      return CheckTrusted(list, sha256);
    };
  }
  options.store.load_model = [threads, check](
                                 const std::filesystem::path& bundle,
                                 const EmbedTrial& trial) {
    return LoadTorchEmbedder(bundle, threads, EmbedVariant::kFastest, trial,
                             check);
  };
  options.store.slots =
      *slots != nullptr ? slots->get() : &SlotTable::Default();
  options.store.verify = *VerifyModeFromFlag();
  options.store.await_cache = absl::GetFlag(FLAGS_require_index);
  options.cache = absl::GetFlag(FLAGS_cache);
  options.store.poll_ms = absl::GetFlag(FLAGS_reload_poll_ms);
  options.store.log = [log](std::string_view line) { log->Info(line); };
  options.store.warn = [log](std::string_view line) { log->Warn(line); };
  options.log = log;
  options.log_requests =
      *ParseLoggedRequests(absl::GetFlag(FLAGS_log_requests));
  options.listen = absl::GetFlag(FLAGS_listen);
  options.max_connection_age_ms =
      static_cast<int>(absl::GetFlag(FLAGS_max_connection_age_seconds) * 1000);
  options.tls = {absl::GetFlag(FLAGS_tls_cert), absl::GetFlag(FLAGS_tls_key),
                 absl::GetFlag(FLAGS_tls_client_ca)};
  options.tokens = absl::GetFlag(FLAGS_tokens);
  options.status_listen = absl::GetFlag(FLAGS_status);
  options.threads = threads;
  options.max_wait_ms = absl::GetFlag(FLAGS_max_wait_ms);
  options.shadow_share = absl::GetFlag(FLAGS_shadow_share);
  options.version = VITRINE_VERSION;
  auto server = Server::Start(std::move(options));
  if (!server.ok()) return Fail(log, 1, std::string(server.status().message()));
  if (absl::GetFlag(FLAGS_require_index)) {
    const absl::Status open = (*server)->CheckOpen();
    if (!open.ok()) return Fail(log, 1, std::string(open.message()));
  }
  std::printf("vitrine-server: listening on %s\n",
              (*server)->address().c_str());
  std::fflush(stdout);
  if (const std::string address = (*server)->status_address();
      !address.empty()) {
    log->Info(absl::StrCat("status at http://", address,
                           "/metrics, /healthz and /readyz"));
  }

  log->Info(
      absl::StrCat(strsignal(AwaitTermination()),
                   ": finishing the calls in flight; a second signal ends the "
                   "server at once"));
  std::thread([log] {
    const int second = AwaitTermination();
    log->Flush(kHastyLogPatience);
    ::_exit(128 + second);
  }).detach();
  (*server)->TellNotReady();
  std::this_thread::sleep_for(
      std::chrono::duration<double>(absl::GetFlag(FLAGS_drain_seconds)));
  (*server)->Shutdown(std::chrono::milliseconds(
      static_cast<int64_t>(absl::GetFlag(FLAGS_grace_seconds) * 1000)));
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  bool help = false;
  bool version = false;
  const absl::Status parsed = ParseFlags(arguments, &help, &version);
  const auto format = ParseLogFormat(absl::GetFlag(FLAGS_log_format));
  // For ever: a thread may stand in a write to it at the end.
  static Log* const log = new Log({.program = "vitrine-server",
                                   .format = format.value_or(LogFormat::kText),
                                   .most_waiting = kMostWaitingLines});
  int status = 0;
  if (!parsed.ok()) {
    status = Fail(log, 2, std::string(parsed.message()));
  } else if (help) {
    std::fputs(FlagsHelp(kUsage, HelpGroups()).c_str(), stdout);
  } else if (version) {
    std::printf("vitrine-server %s\n", VITRINE_VERSION);
  } else if (!format.ok()) {
    status =
        Fail(log, 2, absl::StrCat("--log-format: ", format.status().message()));
  } else {
    status = Run(log);
  }
  log->Flush(kLogPatience);
  return status;
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  return vitrine::Main({argv + 1, argv + argc});
}
