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
#include "common/base/status.h"
#include "common/base/termination.h"
#include "common/base/thread_pool.h"
#include "common/flags/command_line.h"
#include "common/model/embedder.h"
#include "server/server.h"

ABSL_FLAG(std::string, index, "",
          "The folder of the index, as vitrine-indexer writes it. It is only "
          "read; it may come into being later. Several, with commas, are "
          "partitions of one catalogue, and answers are of all of them.");
ABSL_FLAG(
    std::string, backends, "",
    "Other servers, HOST:PORT with commas, each of one or more partitions "
    "of the catalogue: answers are of all of them, and of the folders of "
    "--index.");
ABSL_FLAG(int32_t, backend_timeout_ms, 10'000,
          "How long a partition may take to answer where the caller allows "
          "more; then the answer is given without it, and says so.");
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "Where to listen, as HOST:PORT; port 0 takes a free one, which the "
          "first line on standard output names.");
ABSL_FLAG(bool, require_index, false,
          "End with an error where the index cannot be opened at the start; "
          "otherwise be not ready until it can.");
ABSL_FLAG(int32_t, threads, 0,
          "Threads that search, and that embed; 0 is one a core.");
ABSL_FLAG(std::string, slots, "",
          "A file that says which category is which part of an outfit, in "
          "place of the built-in one; its format is that of "
          "server/default_slots.txt.");
ABSL_FLAG(std::string, verify, "auto",
          "What of a new generation's files is verified before they are "
          "served: `always` all, `background` only their structure, so that "
          "more rows take no more time, and the rest while they are served; "
          "`auto` is `always` below 2 GB and `background` from there on.");
ABSL_FLAG(int32_t, reload_poll_ms, 100,
          "How often to look for a new generation where the file system tells "
          "nothing of it, as NFS does.");
ABSL_FLAG(
    double, shadow_share, 0.001,
    "The share of answers by graphs, 0 to 1, that are compared with exact "
    "scans in the background; fewer where that would take more than half a "
    "per cent of a core, unless it is 1. `vitrine describe` tells how much of "
    "the right hits they held.");
ABSL_FLAG(double, grace_seconds, 10,
          "How long calls in flight may take to end after SIGTERM.");

namespace vitrine {
namespace {

constexpr char kUsage[] =
    R"(vitrine-server: answers visual searches from an index, over gRPC.

  vitrine-server --index=DIR
  vitrine-server --index=DIR --listen=127.0.0.1:0 --require-index
  vitrine-server --index=DIR/0,DIR/1,DIR/2       all partitions of a catalogue
  vitrine-server --backends=HOST:PORT,HOST:PORT  the same, which others serve

Any number of servers may read one index; each takes up a new generation as soon
as the indexer has published it. Ask it with `vitrine search`, or with stubs made
from proto/vitrine/v1/search.proto; gRPC health and reflection are there too: the
service "" is healthy while the server lives, vitrine.v1.SearchService once it
has an index to answer from. What a partition lacks that cannot be asked, an answer
tells in `missing`, unless its request asks for a complete one or none.

SIGTERM: not ready at once, calls in flight may end, then 0. A second signal ends
the server at once. Ends with 1 after a failure, with 2 for a wrong command line.)";

int Fail(int status, std::string_view message) {
  std::fprintf(stderr, "vitrine-server: %.*s\n",
               static_cast<int>(message.size()), message.data());
  return status;
}

void Log(std::string_view line) {
  std::fprintf(stderr, "vitrine-server: %.*s\n", static_cast<int>(line.size()),
               line.data());
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
  VITRINE_RETURN_IF_ERROR(
      PartsOf("index", absl::GetFlag(FLAGS_index)).status());
  VITRINE_RETURN_IF_ERROR(
      PartsOf("backends", absl::GetFlag(FLAGS_backends)).status());
  const int backend_timeout_ms = absl::GetFlag(FLAGS_backend_timeout_ms);
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
  VITRINE_RETURN_IF_ERROR(VerifyModeFromFlag().status());
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
  const double grace_seconds = absl::GetFlag(FLAGS_grace_seconds);
  if (!(grace_seconds >= 0 && grace_seconds <= 3600)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--grace-seconds=", grace_seconds, " is not right; it is 0 to 3600"));
  }
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& arguments) {
  bool help = false;
  bool version = false;
  absl::Status status = ParseFlags(arguments, &help, &version);
  if (!status.ok()) return Fail(2, std::string(status.message()));
  if (help) {
    std::fputs(FlagsHelp(kUsage).c_str(), stdout);
    return 0;
  }
  if (version) {
    std::printf("vitrine-server %s\n", VITRINE_VERSION);
    return 0;
  }
  status = CheckFlags();
  if (!status.ok()) return Fail(2, std::string(status.message()));
  auto slots = SlotsFromFlag();
  if (!slots.ok()) {
    return Fail(2, absl::StrCat("--slots: ", slots.status().message()));
  }

  CatchTermination();
  CatchBusErrors();
  const int threads = absl::GetFlag(FLAGS_threads) > 0
                          ? absl::GetFlag(FLAGS_threads)
                          : AvailableCores();
  ServerOptions options;
  const auto indexes = PartsOf("index", absl::GetFlag(FLAGS_index));
  options.indexes.assign(indexes->begin(), indexes->end());
  options.backends = *PartsOf("backends", absl::GetFlag(FLAGS_backends));
  options.partitions.timeout_ms = absl::GetFlag(FLAGS_backend_timeout_ms);
  if (options.indexes.size() == 1 && options.backends.empty()) {
    options.store.paths.root = options.indexes[0];
    options.indexes.clear();
  }
  options.store.load_model = [threads](const std::filesystem::path& bundle,
                                       const EmbedTrial& trial) {
    return LoadTorchEmbedder(bundle, threads, EmbedVariant::kFastest, trial);
  };
  options.store.slots =
      *slots != nullptr ? slots->get() : &SlotTable::Default();
  options.store.verify = *VerifyModeFromFlag();
  options.store.poll_ms = absl::GetFlag(FLAGS_reload_poll_ms);
  options.store.log = Log;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.threads = threads;
  options.shadow_share = absl::GetFlag(FLAGS_shadow_share);
  options.version = VITRINE_VERSION;
  auto server = Server::Start(std::move(options));
  if (!server.ok()) return Fail(1, std::string(server.status().message()));
  if (absl::GetFlag(FLAGS_require_index)) {
    const absl::Status open = (*server)->CheckOpen();
    if (!open.ok()) return Fail(1, std::string(open.message()));
  }
  std::printf("vitrine-server: listening on %s\n",
              (*server)->address().c_str());
  std::fflush(stdout);

  Log(absl::StrCat(strsignal(AwaitTermination()),
                   ": finishing the calls in flight; a second signal ends the "
                   "server at once"));
  std::thread([] { ::_exit(128 + AwaitTermination()); }).detach();
  (*server)->Shutdown(std::chrono::milliseconds(
      static_cast<int64_t>(absl::GetFlag(FLAGS_grace_seconds) * 1000)));
  return 0;
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  return vitrine::Main({argv + 1, argv + argc});
}
