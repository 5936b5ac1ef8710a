// vitrine-indexer: keeps an index of a catalogue directory or a queue.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/base/bus_error.h"
#include "common/base/listen_address.h"
#include "common/base/partition.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/flags/command_line.h"
#include "common/http/status_port.h"
#include "common/log/log.h"
#include "common/model/embedder.h"
#include "common/model/trusted_models.h"
#include "indexer/indexer.h"
#include "indexer/partition_supervisor.h"
#include "indexer/signal_waiter.h"
#include "indexer/usage.h"
#include "indexer/verify.h"

ABSL_FLAG(std::string, catalog, "",
          "The folder of product photos; see the layouts above. It is never "
          "written to. Left out: there is a queue alone.");
ABSL_FLAG(std::string, queue, "",
          "A Redis Stream of catalogue events: "
          "redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME]"
          "[&database=N]. What cannot be used goes to STREAM:dead, with the "
          "reason.");
ABSL_FLAG(std::string, queue_files, "",
          "The folder of the files that events name by path; left out: the "
          "catalogue's.");
ABSL_FLAG(bool, queue_trim, false,
          "Remove entries from the stream when what they ask for is durable. "
          "Otherwise whoever fills the stream trims it.");
ABSL_FLAG(std::string, index, "",
          "The folder of the index; made where there is none. One indexer at a "
          "time may have it, any number of servers may read it.");
ABSL_FLAG(
    std::string, partition, "",
    "Index one part of the catalogue alone, NUMBER/OF: 0/3, 1/3 or 2/3. "
    "Or several, as 0,1/3 or all/3, each by a process of its own, with "
    "{partition} for the number in --index and --queue: the first as soon "
    "as no other indexer has it, the others when they are left alone.");
ABSL_FLAG(double, takeover_seconds, 5,
          "How long a partition must have been without an indexer before this "
          "one takes it beside its first.");
ABSL_FLAG(std::string, model, "",
          "A model bundle (*.pt) that turns photos into vectors. Left out: the "
          "index's own, and for a new index the one that comes with Vitrine. "
          "For another one than the index has, the vectors of all its pictures "
          "are built beside those that serve; see --promote.");
ABSL_FLAG(std::string, trusted_models, "",
          "A file with the SHA-256s of the model bundles that may run, one a "
          "line, as sha256sum prints them; any other is refused. Left out: "
          "--model and the index's own model run, whatever they are.");
ABSL_FLAG(
    std::string, complements, "",
    "A file of learned complements, which `python -m vitrine_models "
    "complements` has fitted to this index's model: it is copied into the "
    "index, and Recommend goes by it. none takes it away; left out: it "
    "stays as it is.");
ABSL_FLAG(std::string, metric, "",
          "How vectors are compared: cosine, euclidean or manhattan. Left out: "
          "the index's own, and cosine for a new one. Another one is built as "
          "another model is.");
ABSL_FLAG(
    std::string, promote, "",
    "When the vectors of another model serve: auto, as soon as there are "
    "those of every picture, or manual, when `vitrine promote` asks. Left "
    "out: as it was begun, and auto for a new one.");
ABSL_FLAG(double, keep_previous_hours, 72,
          "For so long the vectors that served before are kept up to date, so "
          "that `vitrine rollback` can return to them; 0 keeps none. They cost "
          "disk, and each new photo goes through both models.");
ABSL_FLAG(bool, once, false,
          "Bring the index up to date, merge it, and end; otherwise go on and "
          "follow what changes.");
ABSL_FLAG(std::string, layout, "auto",
          "How the catalogue is laid out: auto, fashion, clothing, folders, "
          "plain or jsonl.");
ABSL_FLAG(std::string, category_attribute, "",
          "Which column or attribute is the category. Left out: it is found.");
ABSL_FLAG(std::string, product_pattern, "",
          "A regular expression whose group 1, found in a file's name, is the "
          "product: '([^_]+)_[0-9]+' takes SKU1_2.jpg for SKU1.");
ABSL_FLAG(std::string, on_delete, "remove",
          "What happens to a picture that is gone from the catalogue: remove "
          "it, or keep it (for teams that clear their drop folder).");
ABSL_FLAG(bool, allow_mass_delete, false,
          "Delete even more than 100 products and 20 % of the catalogue at "
          "once, or all of it. Otherwise that is taken for a mistake.");
ABSL_FLAG(bool, repair, false,
          "Mend a damaged index: keep what verifies, read every picture of the "
          "catalogue again, and those of a queue whose rows were lost, and "
          "publish what comes of it.");
ABSL_FLAG(bool, verify, false,
          "Check every checksum of the newest generation, name each file that "
          "is damaged, and end: with 0 where none is, else with 1. Needs "
          "--index alone, writes nothing, and may run beside an indexer.");
ABSL_FLAG(double, rescan_seconds, 60,
          "How often to look through the whole catalogue for what the system "
          "did not tell of; 0 is never.");
ABSL_FLAG(std::string, status, "",
          "Where to tell over HTTP how it is, as HOST:PORT: /metrics for "
          "Prometheus, /healthz, /readyz. Whoever can connect may read them.");
ABSL_FLAG(std::string, log_format, "text",
          "How standard error is written: text, lines for people, or json, an "
          "object a line.");
ABSL_FLAG(bool, insecure_status, false,
          "Let other machines connect to --status, which is in the clear.");
ABSL_FLAG(int32_t, batch, 0,
          "Photos at a time through the model; 0 is what it runs best with.");
ABSL_FLAG(int32_t, threads, 0,
          "Threads that decode, and that embed; 0 is one a core of those that "
          "the process's affinity and its cgroup's CPU quota grant.");
ABSL_FLAG(int64_t, publish_rows, 512,
          "While many photos come in, so many are published at a time, or what "
          "has come in 2 seconds; changes that need no model, in half a "
          "second.");
ABSL_FLAG(int64_t, graph_rows, 2000,
          "From so many fresh rows on, an HNSW graph is built of them.");
ABSL_FLAG(int32_t, flat_shards, 8, "More fresh shards than these are merged.");
ABSL_FLAG(double, merge_mb_per_s, 100,
          "Merges write no faster, so that the disk is free for fresh photos; "
          "0 is no limit.");
ABSL_FLAG(int32_t, keep_generations, 3,
          "So many generations are kept at the least, …");
ABSL_FLAG(double, keep_minutes, 60,
          "… and each for so long after the next one was published, for the "
          "servers that still read it.");

namespace vitrine {
namespace {

int Fail(Log* log, int status, std::string_view message) {
  log->Error(message);
  return status;
}

// The bundle that comes with this program: in the source tree, or installed.
std::filesystem::path ShippedModel() {
  constexpr char kName[] = "vitrine-lite0.pt";
  std::error_code error;
  const std::filesystem::path bin =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  std::filesystem::path shared =
      bin.parent_path() / "share" / "vitrine" / "models" / kName;
  if (std::filesystem::exists(shared, error)) return shared;
  return (bin / ".." / ".." / "models" / kName).lexically_normal();
}

// What --partition asks for; one that is the whole where it is left out.
absl::StatusOr<std::vector<Partition>> PartitionsFromFlags() {
  const std::string flag = absl::GetFlag(FLAGS_partition);
  const std::string index = absl::GetFlag(FLAGS_index);
  const std::string queue = absl::GetFlag(FLAGS_queue);
  if (flag.empty()) {
    if (!HasPartitionPlace(index) && !HasPartitionPlace(queue))
      return std::vector<Partition>(1);
    return absl::InvalidArgumentError(
        "{partition} in --index or --queue goes with --partition=NUMBER/OF");
  }
  auto partitions = ParsePartitions(flag);
  if (!partitions.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--partition: ", partitions.status().message()));
  }
  if (partitions->size() > 1 &&
      (!HasPartitionPlace(index) ||
       (!queue.empty() && !HasPartitionPlace(queue)))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "several partitions need an index and a stream each: put {partition} "
        "into ",
        HasPartitionPlace(index) ? "--queue" : "--index", ", such as ",
        HasPartitionPlace(index) ? "redis://HOST/catalogue-{partition}"
                                 : "DIR/{partition}"));
  }
  if (!(absl::GetFlag(FLAGS_takeover_seconds) >= 0 &&
        absl::GetFlag(FLAGS_takeover_seconds) <= 86'400)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--takeover-seconds=", absl::GetFlag(FLAGS_takeover_seconds),
        " is not right; it is 0 to 86400"));
  }
  return partitions;
}

absl::Status CheckStatusFlag(const std::vector<Partition>& partitions) {
  const std::string flag = absl::GetFlag(FLAGS_status);
  if (flag.empty()) return absl::OkStatus();
  if (partitions.size() > 1 && !HasPartitionPlace(flag)) {
    return absl::InvalidArgumentError(
        "several partitions need a port each: put {partition} for the number "
        "into --status, as in 127.0.0.1:910{partition}");
  }
  for (const Partition& partition : partitions) {
    VITRINE_RETURN_IF_ERROR(CheckListenFlag(
        "--status", FillPartition(flag, partition),
        absl::GetFlag(FLAGS_insecure_status),
        "--insecure-status allows it, where the network is trusted"));
  }
  return absl::OkStatus();
}

absl::StatusOr<IndexerOptions> OptionsFromFlags(const Partition& partition) {
  IndexerOptions options;
  const bool has_source = !absl::GetFlag(FLAGS_catalog).empty() ||
                          !absl::GetFlag(FLAGS_queue).empty();
  if (!has_source || absl::GetFlag(FLAGS_index).empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        has_source ? "--index" : "--catalog",
        " is missing; vitrine-indexer --catalog=DIR --index=DIR, and see "
        "--help"));
  }
  if (!absl::GetFlag(FLAGS_queue).empty()) {
    auto queue =
        ParseQueueUrl(FillPartition(absl::GetFlag(FLAGS_queue), partition));
    if (!queue.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--queue: ", queue.status().message()));
    }
    options.queue = *std::move(queue);
  }
  options.queue_files = absl::GetFlag(FLAGS_queue_files);
  options.queue_trim = absl::GetFlag(FLAGS_queue_trim);
  const int threads = absl::GetFlag(FLAGS_threads);
  const int batch = absl::GetFlag(FLAGS_batch);
  if (threads < 0 || threads > 1024 || batch < 0 || batch > 1024) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--threads=", threads, " --batch=", batch, ": both are 0 to 1024"));
  }
  const int flat_shards = absl::GetFlag(FLAGS_flat_shards);
  if (flat_shards < 1 || flat_shards > 100) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--flat-shards=", flat_shards, " is not right; it is 1 to 100"));
  }
  const std::tuple<const char*, double, int> at_least[] = {
      {"graph-rows", absl::GetFlag(FLAGS_graph_rows), 1},
      {"publish-rows", absl::GetFlag(FLAGS_publish_rows), 1},
      {"keep-generations", absl::GetFlag(FLAGS_keep_generations), 1},
      {"keep-minutes", absl::GetFlag(FLAGS_keep_minutes), 0},
      {"rescan-seconds", absl::GetFlag(FLAGS_rescan_seconds), 0}};
  for (const auto& [name, value, least] : at_least) {
    if (value >= least) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--", name, "=", value, " is not right; it is at least ", least));
  }
  const double merge_mb_per_s = absl::GetFlag(FLAGS_merge_mb_per_s);
  if (merge_mb_per_s != 0 && !(merge_mb_per_s >= 1 && merge_mb_per_s <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--merge-mb-per-s=", merge_mb_per_s,
                     " is not right; it is 1 to 1,000,000, or 0 for no limit"));
  }
  const std::string promote = absl::GetFlag(FLAGS_promote);
  if (!promote.empty() && promote != "auto" && promote != "manual") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--promote=", promote, " is not known; choose auto or manual"));
  }
  const double keep_previous_hours = absl::GetFlag(FLAGS_keep_previous_hours);
  if (!(keep_previous_hours >= 0 && keep_previous_hours <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--keep-previous-hours=", keep_previous_hours,
                     " is not right; it is 0 to 1,000,000"));
  }
  const std::string on_delete = absl::GetFlag(FLAGS_on_delete);
  if (on_delete != "remove" && on_delete != "keep") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--on-delete=", on_delete, " is not known; choose remove or keep"));
  }
  if (!absl::GetFlag(FLAGS_metric).empty()) {
    auto metric = ParseMetric(absl::GetFlag(FLAGS_metric));
    if (!metric.ok()) return metric.status();
    options.index.metric = *metric;
  }
  auto layout = ParseLayout(absl::GetFlag(FLAGS_layout));
  if (!layout.ok()) return layout.status();

  options.catalog.root = absl::GetFlag(FLAGS_catalog);
  options.catalog.layout = *layout;
  options.catalog.category_attribute = absl::GetFlag(FLAGS_category_attribute);
  options.catalog.product_pattern = absl::GetFlag(FLAGS_product_pattern);
  options.index.root = FillPartition(absl::GetFlag(FLAGS_index), partition);
  options.index.partition = partition;
  options.index.model = absl::GetFlag(FLAGS_model);
  options.index.default_model = ShippedModel();
  options.index.complements = absl::GetFlag(FLAGS_complements);
  if (!promote.empty()) options.index.promote_manually = promote == "manual";
  options.keep_previous_ms =
      static_cast<int64_t>(keep_previous_hours * 3'600'000);
  options.index.repair = absl::GetFlag(FLAGS_repair);
  options.index.threads = threads > 0 ? threads : AvailableCores();
  CheckBundleFn check;
  if (const std::string list = absl::GetFlag(FLAGS_trusted_models);
      !list.empty()) {
    if (const auto trusted = ReadTrustedModels(list); !trusted.ok()) {
      return Annotate(trusted.status(), "--trusted-models");
    }
    check = [list](std::string_view sha256) {
      return CheckTrusted(list, sha256);
    };
  }
  options.index.load_embedder = [check](const std::filesystem::path& bundle,
                                        const EmbedTrial& trial,
                                        int embed_threads) {
    return LoadTorchEmbedder(bundle, embed_threads, EmbedVariant::kFastest,
                             trial, check);
  };
  options.index.publisher.retention.generations =
      static_cast<size_t>(absl::GetFlag(FLAGS_keep_generations));
  options.index.publisher.retention.superseded_ms =
      static_cast<int64_t>(absl::GetFlag(FLAGS_keep_minutes) * 60'000);
  options.watch.rescan_interval_ms =
      static_cast<int64_t>(absl::GetFlag(FLAGS_rescan_seconds) * 1000);
  options.publish_rows = static_cast<size_t>(absl::GetFlag(FLAGS_publish_rows));
  options.merge.graph_rows =
      static_cast<uint64_t>(absl::GetFlag(FLAGS_graph_rows));
  options.merge.flat_shards = static_cast<size_t>(flat_shards);
  options.merge.bytes_per_second = static_cast<uint64_t>(merge_mb_per_s * 1e6);
  options.status_listen = FillPartition(absl::GetFlag(FLAGS_status), partition);
  options.keep_deleted = on_delete == "keep";
  options.allow_mass_delete = absl::GetFlag(FLAGS_allow_mass_delete);
  options.decode_threads = options.index.threads;
  options.batch = batch;
  return options;
}

// Runs this program again for each of several partitions.
int RunPartitions(const std::vector<Partition>& partitions,
                  const std::vector<std::string>& arguments, Log* log) {
  std::error_code error;
  const std::string self =
      std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return Fail(log, 1, "cannot find this program in /proc/self/exe");
  SupervisorOptions options;
  for (const Partition& partition : partitions) {
    PartitionJob job;
    job.name = partition.Name();
    job.index = FillPartition(absl::GetFlag(FLAGS_index), partition);
    job.argv = {self};
    job.argv.insert(job.argv.end(), arguments.begin(), arguments.end());
    // Of a flag that is given twice the last one counts.
    job.argv.push_back("--partition=" + job.name);
    if (absl::GetFlag(FLAGS_threads) == 0) {
      job.argv.push_back(absl::StrCat(
          "--threads=",
          std::max(1, AvailableCores() / static_cast<int>(partitions.size()))));
    }
    options.jobs.push_back(std::move(job));
  }
  options.takeover = std::chrono::milliseconds(
      static_cast<int64_t>(absl::GetFlag(FLAGS_takeover_seconds) * 1000));
  options.once = absl::GetFlag(FLAGS_once);
  options.log = [log](const std::string& line) { log->Info(line); };
  return SuperviseIndexers(std::move(options));
}

int Run(const std::vector<std::string>& arguments, Log* log) {
  if (const absl::Status status = CheckFlagRules(FlagRules()); !status.ok()) {
    return Fail(log, 2, std::string(status.message()));
  }
  if (absl::GetFlag(FLAGS_verify)) {
    if (absl::GetFlag(FLAGS_index).empty()) {
      return Fail(log, 2, "--verify needs --index=DIR");
    }
    CatchBusErrors();
    const absl::Status sound = VerifyIndex({absl::GetFlag(FLAGS_index)}, log);
    return sound.ok() ? 0 : Fail(log, 1, std::string(sound.message()));
  }
  const auto partitions = PartitionsFromFlags();
  if (!partitions.ok())
    return Fail(log, 2, std::string(partitions.status().message()));
  if (const absl::Status status = CheckStatusFlag(*partitions); !status.ok()) {
    return Fail(log, 2, std::string(status.message()));
  }
  auto options = OptionsFromFlags(partitions->front());
  if (!options.ok())
    return Fail(log, 2, std::string(options.status().message()));
  if (partitions->size() > 1) return RunPartitions(*partitions, arguments, log);

  options->log = log;
  CatchBusErrors();
  static auto* const signals = new SignalWaiter(log);
  auto indexer = Indexer::Create(*std::move(options));
  if (!indexer.ok())
    return Fail(log, 1, std::string(indexer.status().message()));
  signals->SetTarget(indexer->get());
  const absl::Status status =
      absl::GetFlag(FLAGS_once) ? (*indexer)->RunOnce() : (*indexer)->Run();
  signals->SetTarget(nullptr);
  return status.ok() ? 0 : Fail(log, 1, std::string(status.message()));
}

int Main(const std::vector<std::string>& arguments) {
  bool help = false;
  bool version = false;
  const absl::Status parsed = ParseFlags(arguments, &help, &version);
  const auto format = ParseLogFormat(absl::GetFlag(FLAGS_log_format));
  // For ever, as the thread that waits for signals.
  static Log* const log =
      new Log({.program = "vitrine-indexer",
               .format = format.value_or(LogFormat::kText)});
  if (!parsed.ok()) return Fail(log, 2, std::string(parsed.message()));
  if (help) {
    std::fputs(FlagsHelp(kUsage, HelpGroups()).c_str(), stdout);
    return 0;
  }
  if (version) {
    std::printf("vitrine-indexer %s\n", VITRINE_VERSION);
    return 0;
  }
  if (!format.ok()) {
    return Fail(log, 2,
                absl::StrCat("--log-format: ", format.status().message()));
  }
  return Run(arguments, log);
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  return vitrine::Main({argv + 1, argv + argc});
}
