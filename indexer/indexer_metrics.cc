#include "indexer/indexer_metrics.h"

#include <google/protobuf/util/time_util.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "common/catalog/receipt_json.h"
#include "common/index/shard_counts.h"

namespace vitrine {
namespace {

using google::protobuf::util::TimeUtil;
using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

// From a drop that is alone to one behind an import.
const prometheus::Histogram::BucketBoundaries kFreshness = {
    .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200};
const prometheus::Histogram::BucketBoundaries kPublication = {
    .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

constexpr size_t kMostSources = 100;

}  // namespace

struct IndexerMetrics::Families {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;

  Counters& NewCounters(const std::string& name, const std::string& help) {
    return BuildCounter().Name(name).Help(help).Register(registry);
  }
  Gauges& NewGauges(const std::string& name, const std::string& help) {
    return BuildGauge().Name(name).Help(help).Register(registry);
  }

  // The source, or "other": senders choose their names, and each costs memory.
  std::string SourceOf(const v1::Receipt& receipt) {
    std::lock_guard lock(mutex);
    if (sources.size() < kMostSources) sources.insert(receipt.source());
    return sources.contains(receipt.source()) ? receipt.source() : "other";
  }

  std::mutex mutex;
  std::set<std::string> sources;  // Guarded by it.

  prometheus::Registry registry;
  Counters& pictures = NewCounters(
      "vitrine_pictures_total", "Pictures by source and what became of them.");
  Counters& refused = NewCounters("vitrine_pictures_refused_total",
                                  "Pictures that were refused, by reason.");
  prometheus::Counter& warned =
      NewCounters("vitrine_pictures_warned_total",
                  "Pictures that are searchable, and were warned of.")
          .Add({});
  prometheus::Histogram& freshness =
      BuildHistogram()
          .Name("vitrine_freshness_seconds")
          .Help("From a picture's being seen to its being searchable.")
          .Register(registry)
          .Add({}, kFreshness);
  prometheus::Histogram& publications =
      BuildHistogram()
          .Name("vitrine_publication_seconds")
          .Help("What publishing a generation takes.")
          .Register(registry)
          .Add({}, kPublication);
  prometheus::Counter& failed_publications =
      NewCounters("vitrine_publications_failed_total",
                  "Publications that failed and are tried again.")
          .Add({});
  prometheus::Counter& failed_merges =
      NewCounters("vitrine_merges_failed_total",
                  "Merges that failed and are tried again.")
          .Add({});
  Gauges& generation =
      NewGauges("vitrine_generation", "The newest generation.");
  Gauges& images = NewGauges("vitrine_images", "Pictures that can be found.");
  Gauges& missing = NewGauges(
      "vitrine_images_missing",
      "Pictures that the vectors of the other model lack; 0 without one.");
  Gauges& shards =
      NewGauges("vitrine_shards", "Shards of the serving vectors, by kind.");
  Gauges& dead =
      NewGauges("vitrine_rows_dead", "Rows that are deleted or replaced.");
  Gauges& written = NewGauges("vitrine_written_bytes",
                              "Bytes written since the start, by what for.");
  Gauges& amplification =
      NewGauges("vitrine_write_amplification",
                "How often each published byte was written, since the start.");
  Gauges& waiting =
      NewGauges("vitrine_waiting",
                "Pictures and entries of the queue that wait or are in hand.");
  Gauges& outage =
      NewGauges("vitrine_catalog_away", "1 while the catalogue is away.");
  Gauges& queue_lost =
      NewGauges("vitrine_queue_lost", "1 while the queue does not answer.");
};

IndexerMetrics::IndexerMetrics() : families_(std::make_unique<Families>()) {}
IndexerMetrics::~IndexerMetrics() = default;

void IndexerMetrics::Count(const v1::Receipt& receipt) {
  const std::string outcome = OutcomeName(receipt.outcome());
  families_->pictures
      .Add({{"source", families_->SourceOf(receipt)}, {"outcome", outcome}})
      .Increment();
  if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
    families_->refused
        .Add({{"reason", absl::AsciiStrToLower(ReasonName(receipt.reason()))}})
        .Increment();
  }
  if (!receipt.warnings().empty()) families_->warned.Increment();
  if (receipt.has_arrived_at() && receipt.has_searchable_at() &&
      receipt.outcome() != v1::Receipt::OUTCOME_REMOVED) {
    const int64_t ms =
        TimeUtil::TimestampToMilliseconds(receipt.searchable_at()) -
        TimeUtil::TimestampToMilliseconds(receipt.arrived_at());
    families_->freshness.Observe(static_cast<double>(std::max<int64_t>(0, ms)) /
                                 1000);
  }
}

void IndexerMetrics::CountPublication(double seconds) {
  families_->publications.Observe(seconds);
}

void IndexerMetrics::CountFailedPublication() {
  families_->failed_publications.Increment();
}

void IndexerMetrics::CountFailedMerge() {
  families_->failed_merges.Increment();
}

void IndexerMetrics::Set(const IndexerGauges& gauges) {
  const Snapshot& snapshot = *gauges.view.snapshot;
  const ShardCounts shards = CountShards(snapshot);
  // None of them is there before it is known.
  const auto set = [](Families::Gauges& gauges_of, double value,
                      const prometheus::Labels& labels = {}) {
    gauges_of.Add(labels).Set(value);
  };
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  set(families_->generation, number(snapshot.generation()));
  set(families_->images, number(snapshot.images()));
  set(families_->missing, number(gauges.view.missing()));
  set(families_->shards, number(shards.graphs), {{"kind", "graph"}});
  set(families_->shards, number(shards.flat), {{"kind", "flat"}});
  set(families_->dead, number(shards.dead_rows));
  set(families_->written, number(gauges.written.published),
      {{"for", "publication"}});
  set(families_->written, number(gauges.written.merged), {{"for", "merges"}});
  set(families_->written, number(gauges.written.manifests),
      {{"for", "manifests"}});
  set(families_->amplification, gauges.written.Amplification());
  set(families_->waiting, static_cast<double>(gauges.waiting));
  set(families_->outage, gauges.is_outage ? 1 : 0);
  set(families_->queue_lost, gauges.queue_is_lost ? 1 : 0);
}

std::string IndexerMetrics::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_->registry.Collect());
  return out.str();
}

}  // namespace vitrine
