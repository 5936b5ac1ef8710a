// What an indexer counts, for Prometheus. docs/care.md lists the names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "indexer/index_view.h"
#include "indexer/publisher.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

// What is true at one moment.
struct IndexerGauges {
  IndexView view;
  WriteTotals written;
  int64_t waiting = 0;     // Pictures and entries that wait or are in hand.
  bool is_outage = false;  // The catalogue is away.
  bool queue_is_lost = false;
};

// Thread-safe.
class IndexerMetrics {
 public:
  IndexerMetrics();
  ~IndexerMetrics();
  IndexerMetrics(const IndexerMetrics&) = delete;
  IndexerMetrics& operator=(const IndexerMetrics&) = delete;

  // A receipt whose generation is durable.
  void Count(const v1::Receipt& receipt);
  void CountPublication(double seconds);
  void CountFailedPublication();
  void CountFailedMerge();
  void Set(const IndexerGauges& gauges);

  // In Prometheus's text format.
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace vitrine
