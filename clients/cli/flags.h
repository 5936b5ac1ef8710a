// The command line of `vitrine`, read into plain values. What the server judges
// (ranges, ids, block names) is passed on to it, so that both say the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/channel_security.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine::cli {

enum class Verb {
  kSearch,
  kRecommend,
  kEmbed,
  kDescribe,
  kExport,
  kPush,
  kPromote,
  kRollback,
  kReceipts,
  kBackup
};
enum class Format { kTable, kJson, kCsv, kHtml };

// The program's exit statuses.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

// An example that every query of the command gets besides its own.
struct ExtraExample {
  bool is_image = false;
  std::string value;  // A path or a product id.
  float weight = 1;   // Negative for "less like this".
};

struct Region {
  float x0 = 0, y0 = 0, x1 = 1, y1 = 1;
};

struct Flags {
  Verb verb = Verb::kSearch;

  // The connection and the output.
  std::string server = "127.0.0.1:50051";
  ChannelSecurity security;
  int64_t timeout_ms = 30000;
  Format format = Format::kTable;
  bool progress = false;
  std::string sheet;  // A path of a PNG, or empty.

  // The queries, each an answer of its own.
  std::vector<std::string> images;  // Files, folders, or "-".
  std::vector<std::string> products;
  std::vector<std::string> vectors;  // Files of JSON lines, or "-".
  std::vector<ExtraExample> extra_examples;
  std::optional<Region> region;

  // search, recommend and export.
  std::vector<v1::Filter> filters;  // All hold.

  // search and recommend.
  std::vector<std::string> exclude;
  std::vector<std::pair<std::string, int32_t>> max_per;
  std::vector<v1::Boost> boosts;
  uint64_t min_generation = 0;
  bool require_complete = false;
  std::string required_model;
  std::string model;
  bool thumbnails = false;
  bool return_vectors = false;  // Of search and export.

  // search.
  std::optional<int32_t> k;
  int32_t offset = 0;
  float min_score = 0;
  std::string metric;
  bool exact = false;
  std::optional<int32_t> ef;
  std::optional<double> min_recall;
  bool collapse = false;
  std::vector<std::pair<std::string, float>> emphasis;
  std::vector<std::string> facets;
  bool group = true;
  bool exclude_query = false;

  // recommend.
  std::string category;
  std::optional<int32_t> k_similar;
  std::optional<int32_t> k_per_slot;
  std::optional<float> min_confidence;
  std::vector<std::string> slots;

  // export.
  std::string after_product_id;

  // receipts and backup.
  std::string index;  // A folder; empty asks the server.

  // receipts.
  std::optional<int64_t> since_unix_ms;
  bool refused = false;
  bool warned = false;
  bool by_folder = false;
  bool follow = false;

  // backup.
  std::string destination;

  // receipts and push.
  std::string catalog;

  // push.
  std::string queue;
  std::string layout = "auto";
  std::string source;
  std::vector<std::string> deletions;  // Product ids.
  bool by_path = false;
  bool wait = false;
  int64_t max_backlog = 1000;  // 0: no bound.
  int partitions = 1;          // Streams that products are dealt to.
  std::string push_server;     // Tells what has become of it; empty: none.
  std::string category_attribute;
  std::string product_pattern;

  // promote and rollback, besides `index`.
  bool no_wait = false;
};

// What a command line asks for: to go on with `flags`; or, where they are
// absent, to print `text` (on standard output where `exit_status` is 0, else on
// standard error) and exit.
struct CommandLine {
  std::optional<Flags> flags;
  int exit_status = kOk;
  std::string text;
};

// `arguments` without the program's own name. Reads VITRINE_SERVER from the
// environment. The verbs that are other programs' (check, sample, eval) are not
// for this function; see helper_program.h.
CommandLine ParseCommandLine(std::vector<std::string> arguments);

}  // namespace vitrine::cli
