// vitrine-bench: speeds and recalls, each beside what it is compared with in
// the same run. Groups of rows, as --rows names them:
//
//   batch          scans of drawn rows that the queries of a batch share,
//                  against one scan after the other
//   busy           pictures dropped while the indexer merges drawn rows into
//                  one graph: from the drop to its being found, and time and
//                  memory of the merge
//   churn          a fifth of drawn products replaced, a few a generation:
//                  recall all along, and the disk, against an index built anew
//   decode         a JPEG of 12 megapixels at the size that a model of 256
//                  pixels needs, against decoding it in full
//   drops          a tenth more products published one by one: searches
//                  meanwhile and after, against one index of all products,
//                  publications, and write amplification
//   embed          a bundle's variants against its plain frozen module
//   filtered       filtered searches over drawn rows, by how many rows pass in
//                  per cent and whether these are any, the nearest or the
//                  farthest ones: recall@10, and speed against the exact scan
//                  of the rows that pass
//   freshness      from the drop of a picture into a watched catalogue to its
//                  being found through gRPC, and where that time goes
//   graph          an index's vectors in one forced graph: queries a second and
//                  recall@10 of the walk at its default ef against the exact
//                  scan, each query's own product left out
//   import         a whole import, from the scan to the last merge, and one by
//                  a queue, each against decoding all its pictures and
//                  embedding all of them, each alone on all cores; memory
//                  against that of the first quarter; and the time until it is
//                  ready again, where nothing has changed
//   load           how long single searches take while a server is asked at
//                  half the rate that it can answer, and the slowest of them
//                  while a generation is published each second
//   merge          a tenth of drawn rows added to the graph of the others,
//                  against building the graph of all anew, on one thread;
//                  recall of both, and memory
//   overload       searches with photos at three times the rate that a server
//                  can answer: what it answers then and how soon, against its
//                  capacity and against half of that; memory, and how soon all
//                  is as before
//   pictures       searches with photos, 16 at a time and one at a time,
//                  against decoding and embedding them, each alone
//   ready          of drawn rows: from a server's start to its first answer,
//                  and what it holds in memory
//   recall         what a graph promises to find (min_recall) against what
//                  photos find that it has never seen, by kind of query; speed
//                  against scanning all codes; and the time to measure it
//   recommend      what goes with a product, asked first in a generation that
//                  was just published to drawn rows, against a server's first
//                  question; and the same asked again
//   search         rows drawn to resemble the index's: queries a second at a
//                  recall@10 of 0.99 on one core against hnswlib, built for
//                  this machine, faiss and usearch, each at its best; with it
//                  what a walk touches, file sizes, the build, and how the
//                  drawn rows and the real ones lie around the queries
//   serving        the server over gRPC, on a core of its own, with queries
//                  that are vectors: a stream of batches against the library's
//                  own search, and single calls against an empty handler over
//                  the same gRPC plus that search
//
// --draw writes drawn rows as an index, for load, pictures and serving at sizes
// that the photos at hand do not reach. --json prints an object a line: name,
// value and unit; against and ratio, and recall, where they apply; machine.
// --compare draws the table and the curves of recall against queries a second.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/comparison.h"
#include "benchmarks/report.h"
#include "benchmarks/served_index.h"

ABSL_FLAG(std::string, catalog, "",
          "folder of product photos for freshness, import, overload and "
          "pictures");
ABSL_FLAG(std::string, index, "",
          "index directory for all groups but decode, embed, freshness and "
          "import");
ABSL_FLAG(std::string, model, "models/vitrine-lite0.pt", "bundle for embed");
ABSL_FLAG(std::string, draw, "",
          "draw --size rows from --index, write them to this folder as an "
          "index, and end: to be the --index of load, pictures and serving");
ABSL_FLAG(
    std::string, python, "build/bench-env/bin/python",
    "a Python that has faiss and usearch, for search, and matplotlib, for "
    "--compare; `./dev bench` makes this one");
ABSL_FLAG(std::vector<std::string>, rows, {},
          "only these groups, with commas between: batch, busy, churn, decode, "
          "drops, embed, filtered, freshness, graph, import, load, merge, "
          "overload, pictures, ready, recall, search, serving");
ABSL_FLAG(int, repetitions, 0,
          "runs of each side, of which medians are printed; 0 is 7, or 3 with "
          "--quick");
ABSL_FLAG(
    int, size, 0,
    "rows to draw for batch, busy, churn, drops, filtered, merge, ready, "
    "recall and search; 0 is 50000 with --quick, otherwise 100000, of which "
    "search draws a million too, and busy and ready a million alone");
ABSL_FLAG(bool, quick, false,
          "fewer repetitions, and of each opponent one graph: all groups in a "
          "few minutes");
ABSL_FLAG(std::string, compare, "", "a PNG file to draw what was measured in");
ABSL_FLAG(std::string, split_file, "models/validation_senders.txt",
          "senders, one a line, whose photos ask for drawn rows");
ABSL_FLAG(bool, empty_handler, false,
          "of the program's own: what serving is measured against");
ABSL_FLAG(bool, json, false, "one JSON object a line");

namespace vitrine {
namespace {

// What a group cannot do without.
enum Needs { kNothing, kCatalog, kIndex, kIndexAndCatalog };

struct Group {
  std::string_view name;
  Needs needs;
  absl::Status (*run)(const BenchOptions& options, Report* report);
  // How many rows it draws, a run each, where nothing else was asked for.
  std::vector<size_t> sizes = {100'000};
};

constexpr size_t kMillion = 1'000'000;
constexpr size_t kQuickSize = 50'000;

const Group kGroups[] = {
    {"batch", kIndex, RunBatchRows},
    {"busy", kIndexAndCatalog, RunBusyRows, {kMillion}},
    {"churn", kIndex, RunChurnRows},
    {"decode", kNothing, RunDecodeRows},
    {"drops", kIndex, RunDropRows},
    {"embed", kNothing, RunEmbedRows},
    {"freshness", kCatalog, RunFreshnessRows},
    {"graph", kIndex, RunGraphRows},
    {"import", kCatalog, RunImportRows},
    {"filtered", kIndex, RunFilterRows},
    {"load", kIndex, RunLoadRows},
    {"merge", kIndex, RunMergeRows},
    {"overload", kIndexAndCatalog, RunOverloadRows},
    {"pictures", kIndexAndCatalog, RunPictureRows},
    {"ready", kIndex, RunReadyRows, {kMillion}},
    {"recall", kIndex, RunRecallRows},
    {"recommend", kIndex, RunRecommendRows},
    {"search", kIndex, RunSearchRows, {100'000, kMillion}},
    {"serving", kIndex, RunServingRows},
};

void Complain(std::string_view message) {
  std::fprintf(stderr, "vitrine-bench: %.*s\n",
               static_cast<int>(message.size()), message.data());
}

// INVALID_ARGUMENT for a wrong command line.
absl::StatusOr<BenchOptions> OptionsOfFlags() {
  BenchOptions options;
  options.catalog = absl::GetFlag(FLAGS_catalog);
  options.index = absl::GetFlag(FLAGS_index);
  options.model = absl::GetFlag(FLAGS_model);
  options.python = absl::GetFlag(FLAGS_python);
  options.split_file = absl::GetFlag(FLAGS_split_file);
  options.quick = absl::GetFlag(FLAGS_quick);
  options.repetitions = absl::GetFlag(FLAGS_repetitions);
  if (options.repetitions < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--repetitions=", options.repetitions, ": give 1 or more"));
  }
  if (options.repetitions == 0) options.repetitions = options.quick ? 3 : 7;
  const int size = absl::GetFlag(FLAGS_size);
  if (size != 0 && size < 1000) {
    return absl::InvalidArgumentError(
        absl::StrCat("--size=", size, ": give at least 1000"));
  }
  options.rows = size != 0 ? static_cast<size_t>(size) : kQuickSize;
  for (const std::string& name : absl::GetFlag(FLAGS_rows)) {
    if (std::none_of(std::begin(kGroups), std::end(kGroups),
                     [&](const Group& group) { return group.name == name; })) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--rows=", name, ": there is no such group; see --help"));
    }
  }
  return options;
}

// The flag that `group` needs and does not have; empty for none.
std::string_view MissingFor(const Group& group, const BenchOptions& options) {
  const bool needs_index =
      group.needs == kIndex || group.needs == kIndexAndCatalog;
  const bool needs_catalog =
      group.needs == kCatalog || group.needs == kIndexAndCatalog;
  if (needs_index && options.index.empty()) return "--index=DIR";
  if (needs_catalog && options.catalog.empty()) return "--catalog=DIR";
  return {};
}

// Runs the groups that are wanted: where none is named, all that have the flags
// that they need. Returns whether all went well.
bool RunGroups(const BenchOptions& options, Report* report) {
  const std::vector<std::string> wanted = absl::GetFlag(FLAGS_rows);
  bool ok = true;
  for (const Group& group : kGroups) {
    if (!wanted.empty() &&
        std::find(wanted.begin(), wanted.end(), group.name) == wanted.end()) {
      continue;
    }
    const std::string_view missing = MissingFor(group, options);
    absl::Status status;
    if (missing.empty()) {
      BenchOptions of_size = options;
      const bool chosen = options.quick || absl::GetFlag(FLAGS_size) != 0;
      for (const size_t size :
           chosen ? std::vector<size_t>{options.rows} : group.sizes) {
        of_size.rows = size;
        status.Update(group.run(of_size, report));
      }
    } else if (!wanted.empty()) {
      status = absl::InvalidArgumentError(
          absl::StrCat("needs ", std::string(missing)));
    }
    if (status.ok()) continue;
    Complain(absl::StrCat(std::string(group.name), ": ", status.message()));
    ok = false;
  }
  return ok;
}

int Main() {
  if (absl::GetFlag(FLAGS_empty_handler)) return RunEmptyHandler();
  const auto options = OptionsOfFlags();
  if (!options.ok()) {
    Complain(std::string(options.status().message()));
    return 2;
  }
  if (const std::string folder = absl::GetFlag(FLAGS_draw); !folder.empty()) {
    const absl::Status drawn = DrawIndex(*options, folder);
    if (!drawn.ok()) Complain(std::string(drawn.message()));
    return drawn.ok() ? 0 : 1;
  }
  Report report(absl::GetFlag(FLAGS_json), ThisMachine());
  bool ok = RunGroups(*options, &report);
  if (const std::string file = absl::GetFlag(FLAGS_compare); !file.empty()) {
    const absl::Status drawn = WriteComparison(report, options->python, file);
    if (!drawn.ok()) Complain(std::string(drawn.message()));
    ok = ok && drawn.ok();
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "measures Vitrine against itself and others.\n"
      "  vitrine-bench --rows=embed\n"
      "  vitrine-bench --rows=freshness --catalog=DIR\n"
      "  vitrine-bench --rows=graph --index=DIR --json\n"
      "  vitrine-bench --rows=search --index=DIR --size=100000 "
      "--compare=FILE.png\n"
      "  vitrine-bench --draw=LARGE --index=DIR --size=1000000\n"
      "  vitrine-bench --rows=serving,load --index=LARGE\n"
      "  vitrine-bench --rows=import --catalog=DIR --repetitions=3");
  absl::ParseCommandLine(argc, argv);
  return vitrine::Main();
}
