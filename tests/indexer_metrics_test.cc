#include "indexer/indexer_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/indexer_world.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using testing::IndexerWorld;
using ::testing::Not;

v1::Receipt Told(v1::Receipt::Outcome outcome, int64_t arrived_s,
                 int64_t searchable_s) {
  v1::Receipt receipt;
  receipt.set_source("directory");
  receipt.set_outcome(outcome);
  if (arrived_s != 0) receipt.mutable_arrived_at()->set_seconds(arrived_s);
  if (searchable_s != 0) {
    receipt.mutable_searchable_at()->set_seconds(searchable_s);
  }
  return receipt;
}

TEST(IndexerMetrics, CountsWhatBecameOfPictures) {
  IndexerMetrics metrics;
  metrics.Count(Told(v1::Receipt::OUTCOME_ACCEPTED, 100, 103));
  v1::Receipt warned = Told(v1::Receipt::OUTCOME_ACCEPTED, 0, 103);
  warned.add_warnings("too small");
  metrics.Count(warned);
  metrics.Count(Told(v1::Receipt::OUTCOME_REMOVED, 100, 103));
  v1::Receipt refused = Told(v1::Receipt::OUTCOME_REFUSED, 100, 0);
  refused.set_source("queue/shop");
  refused.set_reason(v1::ERROR_REASON_IMAGE_TRUNCATED);
  metrics.Count(refused);
  metrics.CountFailedMerge();
  const std::string text = metrics.Text();
  for (const char* line :
       {"vitrine_pictures_total{outcome=\"accepted\",source=\"directory\"} 2",
        "vitrine_pictures_total{outcome=\"removed\",source=\"directory\"} 1",
        "vitrine_pictures_total{outcome=\"refused\",source=\"queue/shop\"} 1",
        "vitrine_pictures_refused_total{reason=\"image_truncated\"} 1",
        "vitrine_pictures_warned_total 1", "vitrine_freshness_seconds_count 1",
        "vitrine_freshness_seconds_sum 3",
        "vitrine_freshness_seconds_bucket{le=\"2\"} 0",
        "vitrine_freshness_seconds_bucket{le=\"5\"} 1",
        "vitrine_merges_failed_total 1",
        "# TYPE vitrine_freshness_seconds histogram"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(IndexerMetrics, BearSendersOfAnyNumberOfNames) {
  IndexerMetrics metrics;
  v1::Receipt receipt = Told(v1::Receipt::OUTCOME_ACCEPTED, 0, 0);
  for (int i = 0; i < 150; ++i) {
    receipt.set_source("queue/" + std::to_string(i));
    metrics.Count(receipt);
  }
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("source=\"queue/99\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("queue/100")));
  EXPECT_THAT(text, HasSubstr("source=\"other\"} 50"));
}

TEST(IndexerMetrics, TellTheIndexAsItIs) {
  IndexerWorld world;
  for (int i = 0; i < 5; ++i) world.Put(std::to_string(i) + ".jpg", i);
  world.Put("bad.jpg", "no picture");
  world.options().merge.graph_rows = 4;
  ASSERT_TRUE(world.Once().ok());
  world.Put("0.jpg", 20);
  world.Remove("1.jpg");
  IndexerOptions options = world.options();
  options.merge.quiet_ms = -1;
  options.merge.dead_rows = 1000;
  const auto indexer = Indexer::Create(options);
  ASSERT_TRUE(indexer.ok()) << indexer.status();
  IndexerMetrics metrics;
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("\nvitrine_images ")))
      << "nobody shall take what is not known for nothing";
  IndexerGauges gauges{(*indexer)->publisher()->view(), {}, 7, false, true};
  gauges.written.published = 1000;
  gauges.written.merged = 500;
  metrics.Set(gauges);
  std::string text = metrics.Text();
  for (const char* line :
       {"vitrine_generation ", "vitrine_images 5",
        "vitrine_shards{kind=\"graph\"} 1", "vitrine_shards{kind=\"flat\"} 0",
        "vitrine_rows_dead 0", "vitrine_waiting 7", "vitrine_queue_lost 1",
        "vitrine_catalog_away 0", "vitrine_write_amplification 1.5",
        "vitrine_written_bytes{for=\"merges\"} 500"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  ASSERT_TRUE((*indexer)->RunOnce().ok());
  gauges.view = (*indexer)->publisher()->view();
  metrics.Set(gauges);
  text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("vitrine_images 4"));
  EXPECT_THAT(text, Not(HasSubstr("vitrine_rows_dead 0")));
}

}  // namespace
}  // namespace vitrine
