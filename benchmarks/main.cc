// vitrine-bench: speeds and recalls, each beside what it is compared with in
// the same run. Groups of rows, as --rows names them:
//
//   decode         a JPEG of 12 megapixels at the size that a model of 256
//                  pixels needs, against decoding it in full
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
//   import         a whole import, from the scan to the last merge, against
//                  decoding all its pictures and embedding all of them, each
//                  alone on all cores
//   load           how long single searches take while a server is asked at
//   half
//                  the rate that it can answer, and the slowest of them while a
//                  generation is published each second
//   pictures       searches with photos, 16 at a time and one at a time,
//   against
//                  decoding and embedding them, each alone
//   ready          of drawn rows: from a server's start to its first answer,
//   and
//                  what it holds in memory
//   search         rows drawn to resemble the index's: queries a second at a
//                  recall@10 of 0.99 on one core against hnswlib, built for
//                  this machine, faiss and usearch, each at its best; with it
//                  what a walk touches, file sizes, the build, and how the
//                  drawn rows and the real ones lie around the queries
//   serving        the server over gRPC, on a core of its own, with queries
//   that
//                  are vectors: a stream of batches against the library's own
//                  search, and single calls against an empty handler over the
//                  same gRPC plus that search
//
// --json prints an object a line: name, value and unit; against and ratio, and
// recall, where they apply; machine. --compare draws the table and the curves
// of recall against queries a second.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/comparison.h"
#include "benchmarks/report.h"
#include "benchmarks/served_index.h"

ABSL_FLAG(std::string, catalog, "",
          "folder of product photos for freshness, import and pictures");
ABSL_FLAG(std::string, index, "",
          "index directory for filtered, graph, load, pictures, ready, search "
          "and serving");
ABSL_FLAG(std::string, model, "models/vitrine-lite0.pt", "bundle for embed");
ABSL_FLAG(
    std::string, python, "build/bench-env/bin/python",
    "a Python that has faiss and usearch, for search, and matplotlib, for "
    "--compare; `./dev bench` makes this one");
ABSL_FLAG(std::vector<std::string>, rows, {},
          "only these groups, with commas between: decode, embed, filtered, "
          "freshness, graph, import, load, pictures, ready, search, serving");
ABSL_FLAG(int, repetitions, 0,
          "runs of each side, of which medians are printed; 0 is 7, or 3 with "
          "--quick");
ABSL_FLAG(int, size, 50000, "rows to draw for filtered, ready and search");
ABSL_FLAG(bool, quick, false,
          "fewer repetitions, and of each opponent one graph: all groups in a "
          "few minutes");
ABSL_FLAG(std::string, compare, "", "a PNG file to draw what was measured in");
ABSL_FLAG(
    std::string, split_file, "models/validation_senders.txt",
    "senders, one a line, whose photos ask in filtered, ready and search");
ABSL_FLAG(bool, empty_handler, false,
          "of the program's own: what serving is measured against");
ABSL_FLAG(bool, json, false, "one JSON object a line");

namespace {

constexpr std::string_view kGroups[] = {
    "decode", "embed",    "filtered", "freshness", "graph",  "import",
    "load",   "pictures", "ready",    "search",    "serving"};

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "measures Vitrine against itself and others.\n"
      "  vitrine-bench --rows=embed\n"
      "  vitrine-bench --rows=freshness --catalog=DIR\n"
      "  vitrine-bench --rows=graph --index=DIR --json\n"
      "  vitrine-bench --rows=search --index=DIR --size=100000 "
      "--compare=FILE.png\n"
      "  vitrine-bench --rows=import --catalog=DIR --repetitions=3");
  absl::ParseCommandLine(argc, argv);
  if (absl::GetFlag(FLAGS_empty_handler)) return vitrine::RunEmptyHandler();
  const std::vector<std::string> wanted = absl::GetFlag(FLAGS_rows);
  for (const std::string& group : wanted) {
    if (std::find(std::begin(kGroups), std::end(kGroups), group) ==
        std::end(kGroups)) {
      std::fprintf(stderr,
                   "vitrine-bench: --rows=%s: there is no such group; see "
                   "--help\n",
                   group.c_str());
      return 2;
    }
  }
  const auto is_wanted = [&wanted](std::string_view group) {
    return std::find(wanted.begin(), wanted.end(), group) != wanted.end();
  };
  vitrine::BenchOptions options;
  options.catalog = absl::GetFlag(FLAGS_catalog);
  options.index = absl::GetFlag(FLAGS_index);
  options.model = absl::GetFlag(FLAGS_model);
  options.python = absl::GetFlag(FLAGS_python);
  options.quick = absl::GetFlag(FLAGS_quick);
  options.repetitions = absl::GetFlag(FLAGS_repetitions);
  if (options.repetitions < 0) {
    std::fprintf(stderr, "vitrine-bench: --repetitions=%d: give 1 or more\n",
                 options.repetitions);
    return 2;
  }
  if (options.repetitions == 0) options.repetitions = options.quick ? 3 : 7;
  if (absl::GetFlag(FLAGS_size) < 1000) {
    std::fprintf(stderr, "vitrine-bench: --size=%d: give at least 1000\n",
                 absl::GetFlag(FLAGS_size));
    return 2;
  }
  options.rows = static_cast<size_t>(absl::GetFlag(FLAGS_size));
  options.split_file = absl::GetFlag(FLAGS_split_file);
  vitrine::Report report(absl::GetFlag(FLAGS_json), vitrine::ThisMachine());
  bool failed = false;
  auto run = [&](const char* group, auto fn) {
    if (!wanted.empty() && !is_wanted(group)) return;
    const absl::Status status = fn(options, &report);
    if (status.ok()) return;
    std::fprintf(stderr, "vitrine-bench: %s: %s\n", group,
                 std::string(status.message()).c_str());
    failed = true;
  };
  run("decode", vitrine::RunDecodeRows);
  run("embed", vitrine::RunEmbedRows);
  // Those that need a flag are left out without it, unless they are asked for.
  auto run_with = [&](const char* group, const char* flag,
                      const std::filesystem::path& value, auto fn) {
    if (!value.empty()) {
      run(group, fn);
    } else if (is_wanted(group)) {
      std::fprintf(stderr, "vitrine-bench: %s needs --%s=DIR\n", group, flag);
      failed = true;
    }
  };
  run_with("freshness", "catalog", options.catalog, vitrine::RunFreshnessRows);
  run_with("graph", "index", options.index, vitrine::RunGraphRows);
  run_with("import", "catalog", options.catalog, vitrine::RunImportRows);
  run_with("filtered", "index", options.index, vitrine::RunFilterRows);
  run_with("load", "index", options.index, vitrine::RunLoadRows);
  run_with("ready", "index", options.index, vitrine::RunReadyRows);
  run_with("search", "index", options.index, vitrine::RunSearchRows);
  run_with("serving", "index", options.index, vitrine::RunServingRows);
  run_with("pictures", options.index.empty() ? "index" : "catalog",
           options.index.empty() ? options.index : options.catalog,
           vitrine::RunPictureRows);
  if (const std::string file = absl::GetFlag(FLAGS_compare); !file.empty()) {
    const absl::Status drawn =
        vitrine::WriteComparison(report, options.python, file);
    if (!drawn.ok()) {
      std::fprintf(stderr, "vitrine-bench: %s\n",
                   std::string(drawn.message()).c_str());
      failed = true;
    }
  }
  return failed ? 1 : 0;
}
