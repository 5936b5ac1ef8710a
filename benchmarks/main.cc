// vitrine-bench: speeds and recalls, each beside what it is compared with in
// the same run. Rows:
//
//   batch_*        scans of drawn rows that the queries of a batch share
//   against
//                  one after the other
//   decode_reduced a JPEG of 12 megapixels at the size that a model of 256
//                  pixels needs, against decoding it in full
//   embed_*        a bundle's variants against its plain frozen module
//   filtered_*     filtered searches over drawn rows, by how many rows pass in
//                  per cent and whether these are any, the nearest or the
//                  farthest ones: recall@10, and speed against the exact scan
//                  of the rows that pass
//   freshness_*    from the drop of a picture into a watched catalogue to its
//                  being found through gRPC, and where that time goes
//   graph_vs_scan  an index's vectors in one forced graph: queries a second and
//                  recall@10 of the walk at its default ef against the exact
//                  scan, each query's own product left out
//   import_*       a whole import, from the scan to the last merge, against
//                  decoding all its pictures and embedding all of them, each
//                  alone on all cores
//   recall_*       what a graph promises to find (min_recall) against what
//                  photos find that it has never seen, by kind of query; speed
//                  against scanning all codes; and the time to measure it
//   search_*       rows drawn to resemble the index's: queries a second at a
//                  recall@10 of 0.99 against hnswlib, built for this machine;
//                  with it what a walk touches, file sizes, the build, and how
//                  the drawn rows and the real ones lie around the queries
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/report.h"

ABSL_FLAG(std::string, catalog, "",
          "folder of product photos for freshness and import");
ABSL_FLAG(std::string, index, "", "index directory for graph and search");
ABSL_FLAG(std::string, model, "models/vitrine-lite0.pt", "bundle for embed_*");
ABSL_FLAG(std::string, rows, "",
          "only rows that begin so: batch, decode, embed, filtered, freshness, "
          "graph, "
          "import, recall, search");
ABSL_FLAG(int, repetitions, 7, "runs of each side; medians are printed");
ABSL_FLAG(int, size, 50000,
          "rows to draw for batch, filtered, recall and search");
ABSL_FLAG(
    std::string, split_file, "models/validation_senders.txt",
    "senders, one a line, whose photos ask in search, filtered and recall");
ABSL_FLAG(bool, json, false, "one JSON object a line");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "measures Vitrine against itself and others.\n"
      "  vitrine-bench --rows=embed\n"
      "  vitrine-bench --rows=freshness --catalog=DIR\n"
      "  vitrine-bench --rows=graph --index=DIR --json\n"
      "  vitrine-bench --rows=search --index=DIR --size=100000\n"
      "  vitrine-bench --rows=import --catalog=DIR --repetitions=3");
  absl::ParseCommandLine(argc, argv);
  const std::string rows = absl::GetFlag(FLAGS_rows);
  vitrine::BenchOptions options;
  options.catalog = absl::GetFlag(FLAGS_catalog);
  options.index = absl::GetFlag(FLAGS_index);
  options.model = absl::GetFlag(FLAGS_model);
  options.repetitions = absl::GetFlag(FLAGS_repetitions);
  if (options.repetitions < 1) {
    std::fprintf(stderr, "vitrine-bench: --repetitions=%d: give at least 1\n",
                 options.repetitions);
    return 2;
  }
  if (absl::GetFlag(FLAGS_size) < 1000) {
    std::fprintf(stderr, "vitrine-bench: --size=%d: give at least 1000\n",
                 absl::GetFlag(FLAGS_size));
    return 2;
  }
  options.rows = static_cast<size_t>(absl::GetFlag(FLAGS_size));
  options.split_file = absl::GetFlag(FLAGS_split_file);
  vitrine::Report report(absl::GetFlag(FLAGS_json));
  bool failed = false;
  auto run = [&](const char* group, auto fn) {
    if (!rows.empty() && rows.rfind(group, 0) != 0) return;
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
    } else if (!rows.empty() && rows.rfind(group, 0) == 0) {
      std::fprintf(stderr, "vitrine-bench: %s needs --%s=DIR\n", group, flag);
      failed = true;
    }
  };
  run_with("freshness", "catalog", options.catalog, vitrine::RunFreshnessRows);
  run_with("graph", "index", options.index, vitrine::RunGraphRows);
  run_with("import", "catalog", options.catalog, vitrine::RunImportRows);
  run_with("filtered", "index", options.index, vitrine::RunFilterRows);
  run_with("batch", "index", options.index, vitrine::RunBatchRows);
  run_with("recall", "index", options.index, vitrine::RunRecallRows);
  run_with("search", "index", options.index, vitrine::RunSearchRows);
  return failed ? 1 : 0;
}
