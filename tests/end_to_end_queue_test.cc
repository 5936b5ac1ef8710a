// An indexer that follows a real queue, alone and beside a folder.
#include <gtest/gtest.h>

#include <sstream>

#include "clients/cli/index_copy.h"
#include "clients/cli/push.h"
#include "tests/indexer_world.h"
#include "tests/redis_server.h"
#include "tests/test_util/narrow_embedder.h"

namespace vitrine {
namespace {

using std::chrono::seconds;
using testing::Eventually;
using testing::IndexerWorld;
using testing::JpegOf;
using testing::RedisServer;
using testing::RunningIndexer;
using Strings = std::set<std::string>;

v1::CatalogEvent Upsert(const std::string& product, uint64_t version,
                        const std::map<std::string, std::string>& pictures,
                        const std::string& title = "") {
  v1::CatalogEvent event;
  event.set_version(version);
  v1::ProductUpsert* upsert = event.mutable_upsert();
  upsert->set_product_id(product);
  upsert->set_title(title);
  for (const auto& [key, bytes] : pictures) {
    v1::CatalogImage* image = upsert->add_images();
    image->set_key(key);
    image->set_content(bytes);
  }
  return event;
}

v1::CatalogEvent Delete(const std::string& product, uint64_t version) {
  v1::CatalogEvent event;
  event.set_version(version);
  event.mutable_delete_()->set_product_id(product);
  return event;
}

class QueueWorld : public ::testing::Test {
 protected:
  QueueWorld() {
    world_.options().queue = server_.Address();
    world_.options().catalog.root.clear();
  }

  std::string Send(const v1::CatalogEvent& event) {
    const auto id = server_.Connect()->Add(event.SerializeAsString());
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or("");
  }
  // Nothing waits and nothing is unacknowledged.
  bool Answered() {
    return Eventually(
        [this] {
          const auto backlog = server_.Connect()->Backlog();
          return backlog.ok() && backlog->pending == 0 && backlog->waiting == 0;
        },
        seconds(30));
  }
  Strings Indexed() {
    Strings names;
    for (const auto& [name, sha256] : world_.Indexed()) names.insert(name);
    return names;
  }
  std::string TitleOf(const std::string& product) {
    const auto record = world_.Newest()->FindProduct(product);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? record->title() : "";
  }

  RedisServer server_;
  IndexerWorld world_;
};

TEST_F(QueueWorld, FollowsWhatIsSent) {
  RunningIndexer indexer(&world_);
  Send(Upsert("coat", 1, {{"front", JpegOf(1)}, {"back", JpegOf(2)}}, "Coat"));
  ASSERT_TRUE(indexer.UntilProducts({"coat"}));
  EXPECT_EQ(Indexed(), (Strings{"coat/front", "coat/back"}));
  EXPECT_EQ(TitleOf("coat"), "Coat");
  const uint64_t generation = world_.Newest()->generation();
  ASSERT_TRUE(Answered());

  v1::CatalogEvent cheaper = Upsert("coat", 2, {}, "Coat, now cheaper");
  cheaper.mutable_upsert()->set_attributes_only(true);
  Send(cheaper);
  ASSERT_TRUE(
      indexer.Until([&] { return TitleOf("coat") == "Coat, now cheaper"; }));
  EXPECT_EQ(Indexed().size(), 2u);
  // One generation, with no shard of its own.
  EXPECT_EQ(world_.Newest()->generation(), generation + 1);
  EXPECT_EQ(world_.Newest()->set().shards_size(), 1);

  Send(Delete("coat", 4));
  ASSERT_TRUE(indexer.UntilProducts({}));
  // What comes late brings nothing back.
  Send(Upsert("coat", 3, {{"front", JpegOf(1)}}));
  Send(Upsert("hat", 1, {{"front", JpegOf(3)}}));
  ASSERT_TRUE(indexer.UntilProducts({"hat"}));
  ASSERT_TRUE(Answered());
  EXPECT_EQ(Indexed(), Strings{"hat/front"});
  EXPECT_EQ(world_.ReceiptOf("back")["outcome"], "removed");
  const nlohmann::json receipt = world_.ReceiptOf("front");
  EXPECT_EQ(receipt["outcome"], "accepted");
  EXPECT_EQ(receipt["source"], "queue");
  EXPECT_EQ(receipt["product_id"], "hat");
  EXPECT_LE(receipt["arrived_at"], receipt["searchable_at"]);
}

TEST_F(QueueWorld, OnceTakesAllThatWaits) {
  Strings wanted;
  for (int i = 0; i < 300; ++i) {
    const std::string product = "p" + std::to_string(i);
    Send(Upsert(product, 1, {{"a", JpegOf(i)}}));
    wanted.insert(product + "/a");
  }
  for (int i = 0; i < 300; i += 3) {
    Send(Delete("p" + std::to_string(i), 2));
    wanted.erase("p" + std::to_string(i) + "/a");
  }
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), wanted);
  ASSERT_TRUE(Answered());
  // Nothing is done twice.
  const uint64_t generation = world_.Newest()->generation();
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(world_.Newest()->generation(), generation);
  // A queue that was emptied is no reason to delete.
  server_.Cli({"FLUSHALL"});
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), wanted);
}

TEST_F(QueueWorld, RefusesWhatIsWrongAndGoesOn) {
  server_.Cli({"XADD", "catalogue", "*", "event", "no event"});
  server_.Cli({"XADD", "catalogue", "*", "other", "field"});
  const std::string jpeg = JpegOf(1);
  v1::CatalogEvent path = Upsert("p", 1, {{"a", ""}});
  path.mutable_upsert()->mutable_images(0)->set_path("a.jpg");
  const std::string by_path = Send(path);
  Send(Upsert("cut", 1, {{"a", jpeg.substr(0, jpeg.size() / 2)}, {"b", jpeg}}));
  Send(Upsert("empty", 1, {{"a", ""}}));
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), Strings{"cut/b"});
  ASSERT_TRUE(Answered());
  EXPECT_EQ(server_.Cli({"XLEN", "catalogue:dead"}), "3\n");
  const std::string dead = server_.Cli({"XRANGE", "catalogue:dead", "-", "+"});
  for (const char* reason :
       {"these 8 bytes are no vitrine.v1.CatalogEvent",
        "change: is neither upsert nor delete",
        "upsert.images[0]: is a path, and the indexer has no --queue-files"}) {
    EXPECT_NE(dead.find(reason), std::string::npos) << dead;
  }
  EXPECT_EQ(world_.ReceiptOf(by_path)["reason"], "INVALID_EVENT");
  int truncated = 0, none = 0;
  for (const nlohmann::json& receipt : world_.Receipts()) {
    if (receipt.value("reason", "") == "IMAGE_TRUNCATED") ++truncated;
    if (receipt.value("reason", "") == "IMAGE_EMPTY") ++none;
  }
  EXPECT_EQ(truncated, 1);
  EXPECT_EQ(none, 1);
}

TEST_F(QueueWorld, ReadsFilesThatAreNamed) {
  world_.options().queue_files = world_.root() / "files";
  std::filesystem::create_directories(world_.root() / "files" / "sub");
  testing::WriteAll(world_.root() / "files" / "sub" / "a.jpg", JpegOf(1));
  testing::WriteAll(world_.root() / "outside.jpg", JpegOf(2));
  std::filesystem::create_symlink(world_.root() / "outside.jpg",
                                  world_.root() / "files" / "link.jpg");
  v1::CatalogEvent event =
      Upsert("p", 1, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}});
  auto* images = event.mutable_upsert()->mutable_images();
  images->at(0).set_path("sub/a.jpg");
  images->at(1).set_uri("file://" +
                        (world_.root() / "files/sub/a.jpg").string());
  images->at(2).set_path("not/there.jpg");
  images->at(3).set_path("link.jpg");
  Send(event);
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), (Strings{"p/a", "p/b"}));
  EXPECT_EQ(world_.ReceiptOf("c")["reason"], "IMAGE_UNREADABLE");
  EXPECT_EQ(world_.ReceiptOf("d")["reason"], "IMAGE_UNREADABLE");
  // Files can be read again: nothing of them is kept.
  EXPECT_EQ(world_.Newest()->manifest().original_packs_size(), 0);
}

TEST_F(QueueWorld, AFolderOfFilesThatIsAwayTakesNothingWithIt) {
  world_.options().queue_files = world_.root() / "files";
  std::filesystem::create_directories(world_.root() / "files");
  testing::WriteAll(world_.root() / "files" / "a.jpg", JpegOf(1));
  v1::CatalogEvent event = Upsert("p", 1, {{"a", ""}});
  event.mutable_upsert()->mutable_images(0)->set_path("a.jpg");
  RunningIndexer indexer(&world_);
  Send(event);
  ASSERT_TRUE(indexer.UntilProducts({"p"}));
  ASSERT_TRUE(Answered());
  std::filesystem::rename(world_.root() / "files", world_.root() / "away");
  event.set_version(2);
  event.mutable_upsert()->set_title("seen");
  Send(event);
  Send(Upsert("q", 1, {{"a", JpegOf(2)}}));
  ASSERT_TRUE(indexer.UntilProducts({"p", "q"}));
  EXPECT_TRUE(Eventually(
      [&] { return server_.Connect()->Backlog()->pending == 1; }, seconds(30)));
  std::filesystem::rename(world_.root() / "away", world_.root() / "files");
  ASSERT_TRUE(indexer.Until([&] { return TitleOf("p") == "seen"; }));
  EXPECT_TRUE(Answered());
  EXPECT_EQ(world_.Receipts().size(), 2u);
}

TEST_F(QueueWorld, AFolderAndAQueueShareAnIndex) {
  world_.options().catalog.root = world_.catalog();
  world_.Put("folder.jpg", 1);
  Send(Upsert("queued", 1, {{"a", JpegOf(2)}}, "Queued"));
  RunningIndexer indexer(&world_);
  ASSERT_TRUE(indexer.UntilProducts({"folder", "queued"}));
  Send(Upsert("folder", 1, {{"a", JpegOf(3)}}));
  world_.Put("queued.jpg", 4);
  world_.Put("new.jpg", 5);
  Send(Upsert("more", 1, {{"a", JpegOf(6)}}));
  ASSERT_TRUE(indexer.UntilProducts({"folder", "queued", "new", "more"}));
  ASSERT_TRUE(Answered());
  EXPECT_EQ(Indexed(), (Strings{"folder/folder.jpg", "queued/a", "new/new.jpg",
                                "more/a"}));
  EXPECT_EQ(TitleOf("queued"), "Queued");
  EXPECT_NE(server_.Cli({"XRANGE", "catalogue:dead", "-", "+"})
                .find("product 'folder' belongs to directory"),
            std::string::npos);
  ASSERT_TRUE(
      Eventually([this] { return !world_.ReceiptOf("queued.jpg").is_null(); },
                 seconds(30)));
  EXPECT_EQ(world_.ReceiptOf("queued.jpg")["reason"], "OTHER_SOURCE");
  // What leaves the folder takes nothing of the queue's along.
  world_.Remove("queued.jpg");
  world_.Remove("new.jpg");
  ASSERT_TRUE(indexer.UntilProducts({"folder", "queued", "more"}));
  EXPECT_EQ(TitleOf("queued"), "Queued");
}

TEST_F(QueueWorld, WhatIsPushedFromAFolderIsWhatTheFolderHolds) {
  IndexerWorld folder;
  for (int i = 0; i < 40; ++i) {
    folder.Put("coats/" + std::to_string(i) + ".jpg", i);
  }
  folder.Put("hats/a.jpg", 100);
  folder.Put("hats/b.jpg", "no picture");
  ASSERT_TRUE(folder.Once().ok());
  RunningIndexer indexer(&world_);
  cli::Flags flags;
  flags.verb = cli::Verb::kPush;
  flags.queue = server_.Url();
  flags.catalog = folder.catalog();
  flags.wait = true;
  std::ostringstream out, err;
  ASSERT_EQ(cli::Push(flags, {out, err, 0, "", cli::Progress::Mode::kOff}),
            cli::kOk)
      << err.str();
  EXPECT_EQ(world_.Indexed(), folder.Indexed());
  folder.Newest()->products().ForEach(
      "", [&](std::string_view id, std::string_view) {
        const auto wanted = folder.Newest()->FindProduct(id);
        const auto found = world_.Newest()->FindProduct(id);
        EXPECT_EQ(found->category(), wanted->category());
        EXPECT_EQ(found->attributes_size(), wanted->attributes_size());
        return true;
      });
  EXPECT_EQ(world_.ReceiptOf("hats/b.jpg")["reason"],
            folder.ReceiptOf("hats/b.jpg")["reason"]);
}

TEST_F(QueueWorld, TakesOverFromADeadIndexer) {
  Send(Upsert("a", 1, {{"a", JpegOf(1)}}));
  ASSERT_TRUE(world_.Once().ok());
  // Handed out to an indexer that has died with it.
  Send(Upsert("b", 1, {{"a", JpegOf(2)}}));
  ASSERT_EQ(server_.Connect()->ReadNew(9, 1000)->size(), 1u);
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), (Strings{"a/a", "b/a"}));
  EXPECT_TRUE(Answered());
}

TEST_F(QueueWorld, WhatMayHaveEndedEarlierRunsIsTakenAloneAndThenNoMore) {
  Send(Upsert("a", 1, {{"a", JpegOf(1)}}));
  Send(Upsert("b", 1, {{"a", JpegOf(2)}}));
  const auto stream = server_.Connect();
  ASSERT_TRUE(stream->MakeGroup().ok());
  ASSERT_EQ(stream->ReadNew(9, 1000)->size(), 2u);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(stream->ReadPending("0", 9).ok());
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), (Strings{"a/a", "b/a"}));
  // Each came in a generation of its own.
  std::set<int64_t> generations;
  for (const nlohmann::json& receipt : world_.Receipts()) {
    generations.insert(receipt["generation"].get<int64_t>());
  }
  EXPECT_EQ(generations.size(), 2u);

  EXPECT_FALSE(std::filesystem::exists(world_.paths().suspect()));

  // Of two that were handed out often, one was in hand when three runs ended.
  const std::string poison = Send(Upsert("c", 1, {{"a", JpegOf(3)}}));
  Send(Upsert("d", 1, {{"a", JpegOf(4)}}));
  ASSERT_EQ(stream->ReadNew(9, 1000)->size(), 2u);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(stream->ReadPending("0", 9).ok());
  testing::WriteAll(world_.paths().suspect(), poison + " 3");
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), (Strings{"a/a", "b/a", "d/a"}));
  EXPECT_FALSE(std::filesystem::exists(world_.paths().suspect()));
  EXPECT_TRUE(Answered());
  EXPECT_EQ(server_.Cli({"XLEN", "catalogue:dead"}), "1\n");
  EXPECT_NE(server_.Cli({"XRANGE", "catalogue:dead", "-", "+"}).find(poison),
            std::string::npos);
}

TEST_F(QueueWorld, WritesReceiptsThatACrashHasKept) {
  Send(Upsert("a", 1, {{"x", JpegOf(1)}, {"y", "no picture"}}));
  ASSERT_TRUE(world_.Once().ok());
  ASSERT_EQ(world_.Receipts().size(), 2u);
  testing::WriteAll(world_.paths().receipts(), "");
  ASSERT_TRUE(world_.Once().ok());
  ASSERT_EQ(world_.Receipts().size(), 2u);
  EXPECT_EQ(world_.ReceiptOf("x")["outcome"], "accepted");
  EXPECT_EQ(world_.ReceiptOf("x")["source"], "queue");
  EXPECT_EQ(world_.ReceiptOf("x")["product_id"], "a");
  EXPECT_EQ(world_.ReceiptOf("y")["outcome"], "refused");
}

TEST_F(QueueWorld, TrimsTheStreamWhereAsked) {
  world_.options().queue_trim = true;
  Send(Upsert("a", 1, {{"x", JpegOf(1)}}));
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(server_.Cli({"XLEN", "catalogue"}), "0\n");
  EXPECT_EQ(Indexed(), Strings{"a/x"});
}

TEST_F(QueueWorld, ASecondIndexNeedsAGroupOfItsOwn) {
  Send(Upsert("a", 1, {{"x", JpegOf(1)}}));
  ASSERT_TRUE(world_.Once().ok());
  IndexerWorld other;
  other.options().catalog.root.clear();
  other.options().queue = server_.Address();
  EXPECT_TRUE(absl::IsFailedPrecondition(other.Once()));
  other.options().queue->group = "other";
  ASSERT_TRUE(other.Once().ok());
  EXPECT_EQ(other.Indexed(), world_.Indexed());
}

// A look through the folder that is due waits for the pictures in hand; events
// wait for neither.
TEST_F(QueueWorld, EventsAreTakenWhileALookWaitsForALongImport) {
  constexpr uint64_t kPictures = 400;
  IndexerOptions& options = world_.options();
  options.catalog.root = world_.catalog();
  options.publish_rows = 4;
  options.watch.rescan_interval_ms = 1;
  for (uint64_t i = 0; i < kPictures; ++i) {
    world_.Put("shirts/" + std::to_string(i) + ".jpg", static_cast<int>(i));
  }
  uint64_t embedded = 0, seen_at = 0;
  const std::function<absl::Status(const uint8_t*)> check =
      [&](const uint8_t*) {
        // No further ahead of what is published.
        uint64_t images = 0;
        EXPECT_TRUE(Eventually(
            [&] {
              images = world_.Newest()->images();
              return embedded <= images + 40;
            },
            seconds(30)));
        if (++embedded == kPictures / 4) {
          Send(Upsert("coat", 1, {{"x", JpegOf(kPictures)}}));
          EXPECT_TRUE(Eventually(
              [this] { return server_.Connect()->Backlog()->waiting == 0; },
              seconds(30)));
        }
        if (seen_at == 0 && world_.Products().contains("coat")) {
          seen_at = images;
        }
        return absl::OkStatus();
      };
  options.index.load_embedder = [&check](const std::filesystem::path& bundle,
                                         const EmbedTrial&, int) {
    return NarrowEmbedder::Load(bundle, nullptr, &check);
  };
  RunningIndexer indexer(&world_);
  ASSERT_TRUE(indexer.Until(
      [this] { return world_.Newest()->images() == kPictures + 1; }));
  EXPECT_GT(seen_at, 0u) << "it was taken after the last picture only";
  EXPECT_LT(seen_at, kPictures * 3 / 4);
}

TEST_F(QueueWorld, FollowsItsFolderWhileTheQueueIsAway) {
  world_.options().catalog.root = world_.catalog();
  server_.Kill();
  world_.Put("a.jpg", 1);
  RunningIndexer indexer(&world_);
  ASSERT_TRUE(indexer.UntilProducts({"a"}));
  world_.Put("b.jpg", 2);
  ASSERT_TRUE(indexer.UntilProducts({"a", "b"}));
  server_.Start();
  Send(Upsert("c", 1, {{"x", JpegOf(3)}}));
  ASSERT_TRUE(indexer.UntilProducts({"a", "b", "c"}));
}

// Put on trial beside its index, it would share the stream with it.
TEST_F(QueueWorld, ARestoredCopyTakesNothingFromTheStream) {
  Send(Upsert("a", 1, {{"x", JpegOf(1)}}));
  ASSERT_TRUE(world_.Once().ok());
  IndexerWorld copy;
  copy.options().catalog.root.clear();
  copy.options().queue = server_.Address();
  ASSERT_TRUE(cli::CopyIndex(world_.paths(), copy.paths(), {}).ok());
  Send(Upsert("b", 1, {{"x", JpegOf(2)}}));
  for (int run = 0; run < 2; ++run) {
    EXPECT_TRUE(absl::IsFailedPrecondition(copy.Once())) << "run " << run;
  }
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(Indexed(), (Strings{"a/x", "b/x"}));
  // Where the other index is gone.
  server_.Cli({"DEL", "catalogue:vitrine:index"});
  Send(Upsert("c", 1, {{"x", JpegOf(3)}}));
  ASSERT_TRUE(copy.Once().ok());
  EXPECT_EQ(copy.Indexed().size(), 2u);
  EXPECT_TRUE(absl::IsFailedPrecondition(world_.Once()));
}

}  // namespace
}  // namespace vitrine
