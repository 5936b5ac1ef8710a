// vitrine-gallery: a catalogue in the browser, from a vitrine-server.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/connection.h"
#include "clients/gallery/gallery.h"
#include "common/base/listen_address.h"
#include "common/base/status.h"
#include "common/base/termination.h"
#include "common/flags/command_line.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:8080",
          "Where to listen, as HOST:PORT; port 0 takes a free one, which the "
          "first line on standard output names.");
ABSL_FLAG(std::string, server, "",
          "The vitrine-server that is asked, as HOST:PORT; empty is "
          "VITRINE_SERVER in the environment, or 127.0.0.1:50051.");
ABSL_FLAG(std::string, tls_ca, "",
          "Who has signed the server's certificate, a PEM file, or `system`; "
          "or VITRINE_TLS_CA. Empty speaks with it in the clear.");
ABSL_FLAG(std::string, tls_cert, "",
          "The certificate to show to a server that asks for one, a PEM file; "
          "or VITRINE_TLS_CERT.");
ABSL_FLAG(std::string, tls_key, "",
          "The private key of --tls-cert; or VITRINE_TLS_KEY.");
ABSL_FLAG(
    std::string, token_file, "",
    "A file whose first line is the token for the server, of role query; "
    "or VITRINE_TOKEN_FILE. It is read again when it changes. Whoever can "
    "open the gallery asks with it.");
ABSL_FLAG(int32_t, timeout_ms, 30'000, "How long the server may take.");
ABSL_FLAG(int32_t, threads, 16, "Requests that are answered at once.");
ABSL_FLAG(bool, insecure, false,
          "Let other machines open the gallery, in the clear: where the "
          "network is trusted, or behind a proxy that encrypts.");
ABSL_FLAG(std::string, names, "",
          "Names, with commas, by which browsers reach the gallery; its "
          "address and localhost are known. Other names are refused, since a "
          "page of elsewhere could use one to read the catalogue.");

namespace vitrine::gallery {
namespace {

constexpr char kUsage[] =
    R"(vitrine-gallery: visual search in the browser, from a vitrine-server.

  vitrine-server --index=DIR &
  vitrine-gallery                              then open http://127.0.0.1:8080/
  vitrine-gallery --server=search:50051 --tls-ca=ca.crt --token-file=token
  vitrine-gallery --listen=0.0.0.0:8080 --insecure --names=gallery.example

Drop, paste or choose a picture, draw a box on it, and see what is similar and
what goes with it. The page shows products with their titles, attributes and
thumbnails, and nothing else of the machine; docs/gallery.md tells its keys and
what it asks.

Ends with 0 on SIGTERM or SIGINT, with 1 after a failure, with 2 for a wrong
command line.)";

int Fail(int status, std::string_view message) {
  std::fprintf(stderr, "vitrine-gallery: %.*s\n",
               static_cast<int>(message.size()), message.data());
  return status;
}

std::string Or(std::string flag, const char* variable, const char* otherwise) {
  if (!flag.empty()) return flag;
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

absl::Status CheckRange(const char* flag, int value, int most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, "=", value, " is not right; it is 1 to ", most));
}

absl::Status CheckFlags() {
  VITRINE_RETURN_IF_ERROR(
      CheckRange("timeout-ms", absl::GetFlag(FLAGS_timeout_ms), 3'600'000));
  VITRINE_RETURN_IF_ERROR(
      CheckRange("threads", absl::GetFlag(FLAGS_threads), 1024));
  return CheckListenFlag(
      "--listen", absl::GetFlag(FLAGS_listen), absl::GetFlag(FLAGS_insecure),
      "--insecure allows it, where the network is trusted or a proxy encrypts");
}

int Main(const std::vector<std::string>& arguments) {
  // The library's own log would stand beside our messages and say less.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  bool help = false;
  bool version = false;
  absl::Status status = ParseFlags(arguments, &help, &version);
  if (!status.ok()) return Fail(2, std::string(status.message()));
  if (help) {
    std::fputs(FlagsHelp(kUsage).c_str(), stdout);
    return 0;
  }
  if (version) {
    std::printf("vitrine-gallery %s\n", VITRINE_VERSION);
    return 0;
  }
  status = CheckFlags();
  if (!status.ok()) return Fail(2, std::string(status.message()));

  CatchTermination();
  ChannelSecurity security = {
      Or(absl::GetFlag(FLAGS_tls_ca), "VITRINE_TLS_CA", ""),
      Or(absl::GetFlag(FLAGS_tls_cert), "VITRINE_TLS_CERT", ""),
      Or(absl::GetFlag(FLAGS_tls_key), "VITRINE_TLS_KEY", ""),
      Or(absl::GetFlag(FLAGS_token_file), "VITRINE_TOKEN_FILE", "")};
  security.insecure_flag = "";  // The gallery's own is for its --listen.
  auto connection = cli::Connection::Make(
      Or(absl::GetFlag(FLAGS_server), "VITRINE_SERVER", "127.0.0.1:50051"),
      security, absl::GetFlag(FLAGS_timeout_ms));
  if (!connection.ok()) {
    return Fail(2, std::string(connection.status().message()));
  }
  GalleryOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.threads = static_cast<size_t>(absl::GetFlag(FLAGS_threads));
  for (absl::string_view name :
       absl::StrSplit(absl::GetFlag(FLAGS_names), ',', absl::SkipEmpty())) {
    options.names.emplace_back(name);
  }
  const auto server = StartGallery(options, *std::move(connection));
  if (!server.ok()) return Fail(1, std::string(server.status().message()));
  std::printf("vitrine-gallery: listening on %s\n",
              (*server)->address().c_str());
  std::printf("Open http://%s/ in a browser.\n", (*server)->address().c_str());
  std::fflush(stdout);
  AwaitTermination();
  std::thread([] { ::_exit(128 + AwaitTermination()); }).detach();
  return 0;
}

}  // namespace
}  // namespace vitrine::gallery

int main(int argc, char** argv) {
  return vitrine::gallery::Main({argv + 1, argv + argc});
}
