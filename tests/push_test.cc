#include "clients/cli/push.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>

#include "common/base/partition.h"
#include "tests/redis_server.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine::cli {
namespace {

using std::chrono::milliseconds;
using testing::RedisServer;
using testing::TempDir;
using testing::WriteAll;

class PushTest : public ::testing::Test {
 protected:
  PushTest() {
    flags_.verb = Verb::kPush;
    flags_.queue = server_.Url();
    std::filesystem::create_directories(catalog());
  }
  std::filesystem::path catalog() const { return dir_ / "catalog"; }

  int Run() {
    std::ostringstream out;
    err_.str("");
    return Push(flags_, {out, err_, 0, "", Progress::Mode::kOff},
                milliseconds(5));
  }
  std::vector<v1::CatalogEvent> Events() {
    const auto stream = server_.Connect();
    EXPECT_TRUE(stream->MakeGroup().ok());
    std::vector<v1::CatalogEvent> events;
    const auto entries = stream->ReadNew(1000, 100);
    for (const QueueEntry& entry : *entries) {
      EXPECT_TRUE(events.emplace_back().ParseFromString(entry.event));
      ids_.push_back(entry.id);
    }
    return events;
  }
  bool Told(const std::string& what) const {
    return err_.str().find(what) != std::string::npos;
  }

  RedisServer server_;
  TempDir dir_;
  Flags flags_;
  std::ostringstream err_;
  std::vector<std::string> ids_;
};

TEST_F(PushTest, SendsEachProductOfACatalogueWithItsPictures) {
  WriteAll(
      catalog() / "products.jsonl",
      R"({"id":"A","title":"Coat","category":"Coats","images":["1.jpg","2.jpg"],"attributes":{"price":9.5},"visible_from":"2026-03-01"})"
      "\n");
  WriteAll(catalog() / "1.jpg", "one");
  WriteAll(catalog() / "2.jpg", "two");
  WriteAll(catalog() / "B.jpg", "three");
  flags_.catalog = catalog();
  flags_.source = "erp";
  ASSERT_EQ(Run(), kOk) << err_.str();
  EXPECT_TRUE(Told("pushed 2 products with 3 pictures in ")) << err_.str();
  const auto events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].source(), "erp");
  EXPECT_GT(events[0].version(), 1'700'000'000'000'000'000u);
  EXPECT_LT(events[0].version(), events[1].version());
  const v1::ProductUpsert& coat = events[0].upsert();
  EXPECT_EQ(coat.product_id(), "A");
  EXPECT_EQ(coat.title(), "Coat");
  EXPECT_EQ(coat.category(), "Coats");
  EXPECT_EQ(coat.attributes().at("price").number(), 9.5);
  EXPECT_EQ(coat.visible_from().seconds(), 1'772'323'200);
  EXPECT_FALSE(coat.has_visible_until());
  ASSERT_EQ(coat.images_size(), 2);
  EXPECT_EQ(coat.images(0).key(), "1.jpg");
  EXPECT_EQ(coat.images(0).content(), "one");
  EXPECT_EQ(events[1].upsert().product_id(), "B");

  WriteAll(catalog() / "products.jsonl",
           "{\"id\":\"A\",\"images\":[\"1.jpg\",\"2.jpg\"]}\n"
           "{\"id\":\"B\",\"deleted\":true}\n");
  flags_.by_path = true;
  ASSERT_EQ(Run(), kOk) << err_.str();
  const auto paths = Events();
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[0].upsert().images(1).path(), "2.jpg");
  EXPECT_EQ(paths[1].delete_().product_id(), "B");
}

TEST_F(PushTest, SendsPicturesAndDeletions) {
  WriteAll(dir_ / "coat.jpg", "one");
  WriteAll(dir_ / "hat.jpg", "two");
  flags_.images = {dir_ / "coat.jpg", dir_ / "hat.jpg"};
  flags_.deletions = {"17"};
  ASSERT_EQ(Run(), kOk) << err_.str();
  auto events = Events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].upsert().product_id(), "coat");
  EXPECT_EQ(events[1].upsert().product_id(), "hat");
  EXPECT_EQ(events[2].delete_().product_id(), "17");
  flags_.deletions.clear();
  flags_.products = {"both"};
  ASSERT_EQ(Run(), kOk) << err_.str();
  events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].upsert().product_id(), "both");
  EXPECT_EQ(events[0].upsert().images_size(), 2);
  // A product of which one cannot be read stays as it is; others go on.
  flags_.images[0] = dir_ / "gone.jpg";
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("gone.jpg")) << err_.str();
  EXPECT_TRUE(Told("product 'both' is not pushed")) << err_.str();
  EXPECT_EQ(Events().size(), 0u);
  flags_.products.clear();
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("1 products were not, as a picture could not be read"))
      << err_.str();
  ASSERT_EQ(Events().size(), 1u);
}

TEST_F(PushTest, WaitsWhileTheIndexerIsBehind) {
  for (int i = 0; i < 200; ++i) {
    WriteAll(catalog() / (std::to_string(i) + ".jpg"), "x");
  }
  flags_.catalog = catalog();
  flags_.max_backlog = 40;
  flags_.wait = true;
  const auto stream = server_.Connect();
  ASSERT_TRUE(stream->MakeGroup().ok());
  size_t taken = 0, most = 0;
  std::thread indexer([&] {
    while (taken < 200) {
      const auto entries = stream->ReadNew(1000, 2000);
      ASSERT_TRUE(entries.ok() && !entries->empty());
      most = std::max(most, entries->size());
      taken += entries->size();
      std::vector<std::string> ids;
      for (const QueueEntry& entry : *entries) ids.push_back(entry.id);
      // The last of all takes the longest.
      ASSERT_TRUE(stream->Acknowledge(ids, false).ok());
    }
  });
  EXPECT_EQ(Run(), kOk) << err_.str();
  indexer.join();
  EXPECT_EQ(taken, 200u);
  EXPECT_LE(most, 40u + 32u);
  EXPECT_TRUE(Told("the indexer has taken all")) << err_.str();
  EXPECT_EQ(stream->Backlog()->pending, 0);
}

TEST_F(PushTest, SaysWhenTheIndexerHasRefused) {
  flags_.deletions = {"17"};
  flags_.wait = true;
  const auto stream = server_.Connect();
  ASSERT_TRUE(stream->MakeGroup().ok());
  std::thread indexer([&] {
    const auto entries = stream->ReadNew(1, 10'000);
    ASSERT_TRUE(entries.ok() && !entries->empty());
    ASSERT_TRUE(stream->Bury(entries->front(), "bad", false).ok());
  });
  EXPECT_EQ(Run(), kFailed);
  indexer.join();
  EXPECT_TRUE(Told("1 events were refused as a whole")) << err_.str();
  EXPECT_TRUE(Told("catalogue:dead")) << err_.str();
}

TEST_F(PushTest, SaysWhatIsWrong) {
  flags_.catalog = dir_ / "nowhere";
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("nowhere")) << err_.str();
  flags_.catalog = catalog();
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("holds no picture")) << err_.str();
  WriteAll(catalog() / "a.jpg", "x");
  flags_.queue = "redis://127.0.0.1/";
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("it names no stream")) << err_.str();
  flags_.queue =
      "redis://127.0.0.1:" + std::to_string(testing::FreePort()) + "/catalogue";
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("cannot connect to redis://127.0.0.1:")) << err_.str();
}

TEST_F(PushTest, SendsEachProductToTheStreamOfItsPartition) {
  for (int i = 0; i < 20; ++i)
    WriteAll(catalog() / ("p" + std::to_string(i) + ".jpg"), "picture");
  flags_.catalog = catalog();
  flags_.deletions = {"gone"};
  flags_.queue = "redis://127.0.0.1:" + std::to_string(server_.Address().port) +
                 "/cut-{partition}";
  EXPECT_EQ(Run(), kFailed);
  EXPECT_TRUE(Told("--partitions")) << err_.str();
  flags_.partitions = 3;
  ASSERT_EQ(Run(), kOk) << err_.str();
  std::set<std::string> products;
  for (uint32_t number = 0; number < 3; ++number) {
    const auto stream = server_.Connect("cut-" + std::to_string(number));
    ASSERT_TRUE(stream->MakeGroup().ok());
    const auto entries = stream->ReadNew(1000, 100);
    EXPECT_GT(entries->size(), 1u);
    for (const QueueEntry& entry : *entries) {
      v1::CatalogEvent event;
      ASSERT_TRUE(event.ParseFromString(entry.event));
      const std::string id = event.has_delete_() ? event.delete_().product_id()
                                                 : event.upsert().product_id();
      EXPECT_EQ(PartitionOf(id, 3), number);
      EXPECT_TRUE(products.insert(id).second);
    }
  }
  EXPECT_EQ(products.size(), 21u);
}

}  // namespace
}  // namespace vitrine::cli
