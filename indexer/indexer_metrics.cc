#include "indexer/indexer_metrics.h"

#include <google/protobuf/util/time_util.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "absl/strings/ascii.h"

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

std::string LowerName(const std::string& name, size_t prefix) {
  return absl::AsciiStrToLower(name.substr(prefix));
}

}  // namespace

struct IndexerMetrics::Families {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;

  Counters& NewCounters(const std::string& name, const std::string& help) {
    return BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Gauge& NewGauge(const std::string& name,
                              const std::string& help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

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
  prometheus::Gauge& generation =
      NewGauge("vitrine_generation", "The newest generation.");
  prometheus::Gauge& images =
      NewGauge("vitrine_images", "Pictures that can be found.");
  prometheus::Gauge& missing = NewGauge(
      "vitrine_images_missing",
      "Pictures that the vectors of the other model lack; 0 without one.");
  Gauges& shards = BuildGauge()
                       .Name("vitrine_shards")
                       .Help("Shards of the serving vectors, by kind.")
                       .Register(registry);
  prometheus::Gauge& dead =
      NewGauge("vitrine_rows_dead", "Rows that are deleted or replaced.");
  Gauges& written = BuildGauge()
                        .Name("vitrine_written_bytes")
                        .Help("Bytes written since the start, by what for.")
                        .Register(registry);
  prometheus::Gauge& amplification =
      NewGauge("vitrine_write_amplification",
               "How often each published byte was written, since the start.");
  prometheus::Gauge& waiting =
      NewGauge("vitrine_waiting",
               "Pictures and entries of the queue that wait or are in hand.");
  prometheus::Gauge& outage =
      NewGauge("vitrine_catalog_away", "1 while the catalogue is away.");
  prometheus::Gauge& queue_lost =
      NewGauge("vitrine_queue_lost", "1 while the queue does not answer.");
};

IndexerMetrics::IndexerMetrics() : families_(std::make_unique<Families>()) {}
IndexerMetrics::~IndexerMetrics() = default;

void IndexerMetrics::Count(const v1::Receipt& receipt) {
  const std::string outcome =
      LowerName(v1::Receipt::Outcome_Name(receipt.outcome()), 8);
  families_->pictures.Add({{"source", receipt.source()}, {"outcome", outcome}})
      .Increment();
  if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
    families_->refused
        .Add(
            {{"reason", LowerName(v1::ErrorReason_Name(receipt.reason()), 13)}})
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
  uint64_t rows = 0, graphs = 0;
  for (const LiveShard& live : snapshot.shards()) {
    rows += live.shard->rows();
    graphs += live.shard->graph() != nullptr ? 1 : 0;
  }
  const auto set = [](prometheus::Gauge& gauge, uint64_t value) {
    gauge.Set(static_cast<double>(value));
  };
  set(families_->generation, snapshot.generation());
  set(families_->images, snapshot.images());
  set(families_->missing, gauges.view.missing());
  set(families_->shards.Add({{"kind", "graph"}}), graphs);
  set(families_->shards.Add({{"kind", "flat"}}),
      snapshot.shards().size() - graphs);
  set(families_->dead, rows - std::min(rows, snapshot.images()));
  set(families_->written.Add({{"for", "publication"}}),
      gauges.written.published);
  set(families_->written.Add({{"for", "merges"}}), gauges.written.merged);
  set(families_->written.Add({{"for", "manifests"}}), gauges.written.manifests);
  families_->amplification.Set(gauges.written.Amplification());
  families_->waiting.Set(static_cast<double>(gauges.waiting));
  families_->outage.Set(gauges.is_outage ? 1 : 0);
  families_->queue_lost.Set(gauges.queue_is_lost ? 1 : 0);
}

std::string IndexerMetrics::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_->registry.Collect());
  return out.str();
}

}  // namespace vitrine
