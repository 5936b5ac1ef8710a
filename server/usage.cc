#include "server/usage.h"

#include <vector>

namespace vitrine {

const char kUsage[] =
    R"(vitrine-server: answers visual searches from an index, over gRPC.

  vitrine-server --index=DIR
  vitrine-server --index=DIR --listen=127.0.0.1:0 --require-index
  vitrine-server --index=DIR/0,DIR/1,DIR/2       all partitions of a catalogue
  vitrine-server --backends=HOST:PORT,HOST:PORT  the same, which others serve
  vitrine-server --index=/mnt/nfs/DIR --cache=/var/cache/vitrine

Any number of servers may read one index; each takes up a new generation as soon
as the indexer has published it. Ask it with `vitrine search`, or with stubs made
from proto/vitrine/v1/search.proto; gRPC health and reflection are there too: the
service "" is healthy while the server lives, vitrine.v1.SearchService once it
has an index to answer from. --status=HOST:PORT tells the same over HTTP, and counts
calls for Prometheus (docs/care.md). What a partition lacks that cannot be asked, an answer
tells in `missing`, unless its request asks for a complete one or none.

SIGTERM: not ready at once, answers go on for --drain-seconds, calls in flight may end,
then 0. A second signal ends the server at once. Ends with 1 after a failure, with 2 for
a wrong command line.)";

std::span<const FlagGroup> HelpGroups() {
  static const std::vector<FlagGroup>* const groups =
      new std::vector<FlagGroup>{
          {"Index",
           {"index", "require-index", "verify", "reload-poll-ms", "cache",
            "slots"}},
          {"Serving",
           {"listen", "threads", "max-wait-ms", "max-connection-age-seconds"}},
          {"Partitions",
           {"backends", "backend-timeout-ms", "backend-ca", "backend-cert",
            "backend-key", "backend-token-file"}},
          {"Security",
           {"tls-cert", "tls-key", "tls-client-ca", "tokens", "insecure",
            "trusted-models"}},
          {"Watching",
           {"status", "insecure-status", "log-requests", "log-format",
            "shadow-share"}},
          {"Life cycle", {"drain-seconds", "grace-seconds"}}};
  return *groups;
}

std::span<const FlagRule> FlagRules() {
  // A certificate without its key, and the like, is told by who reads the
  // files.
  static const std::vector<FlagRule>* const rules =
      new std::vector<FlagRule>{{"backend-ca", {"backends"}},
                                {"backend-cert", {"backends"}},
                                {"backend-cert", {"backend-key"}},
                                {"backend-cert", {"backend-ca"}},
                                {"backend-key", {"backend-cert"}},
                                {"backend-token-file", {"backends"}},
                                {"require-index", {"index"}},
                                {"verify", {"index"}},
                                {"shadow-share", {"index"}},
                                {"reload-poll-ms", {"index", "tokens"}},
                                {"tls-client-ca", {"tls-cert"}},
                                {"insecure-status", {"status"}}};
  return *rules;
}

}  // namespace vitrine
