#include "indexer/event_applier.h"

#include <gtest/gtest.h>

#include "common/base/status.h"
#include "indexer/picture_batch.h"
#include "indexer/queued_product.h"
#include "tests/event_applier_fixture.h"

namespace vitrine {
namespace {

using testing::ContentOnDisk;
using testing::EventApplierTest;
using testing::FakeVector;
using testing::MakeChange;
using Kind = ProductChange::Kind;
using Rows = std::map<std::string, std::string>;

constexpr int64_t kDayMs = 24ll * 60 * 60 * 1000;

using Strings = std::vector<std::string>;

TEST_F(EventApplierTest, PutsAProductAndReplacesItsPictures) {
  Apply(MakeChange(Kind::kPut, "p", 1, "Coat", {{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(Outcomes(), (Strings{"p/a ACCEPTED", "p/b ACCEPTED"}));
  Publish();
  EXPECT_EQ(Find("p")->title(), "Coat");
  EXPECT_EQ(Find("p")->source(), "queue");
  EXPECT_EQ(Find("p")->version(), 1u);
  // "a" stays as it is, "b" changes, and "c" is new.
  Apply(MakeChange(Kind::kPut, "p", 2, "Coat",
                   {{"a", "1"}, {"b", "3"}, {"c", "4"}}));
  EXPECT_EQ(Outcomes(), (Strings{"p/b CHANGED", "p/c ACCEPTED"}));
  Publish();
  Apply(MakeChange(Kind::kPut, "p", 3, "Coat", {{"c", "4"}}));
  EXPECT_EQ(Outcomes(), (Strings{"p/a REMOVED", "p/b REMOVED"}));
  Publish();
  EXPECT_EQ(ContentOnDisk(index_.paths()), (Rows{{"p/c", ToHex(Sha256("4"))}}));
}

TEST_F(EventApplierTest, KeepsTheBytesThatWereSent) {
  Apply(MakeChange(Kind::kPut, "p", 1, "", {{"a", "one"}, {"b", "bad"}}));
  Publish();
  Settle();
  const IndexView view = index_.publisher()->view();
  EXPECT_EQ(view.FindOriginal(BytesOf(Sha256("one"))), "one");
  EXPECT_EQ(view.FindOriginal(BytesOf(Sha256("bad"))), std::nullopt);
  ASSERT_TRUE(index_.Reopen().ok());
  EXPECT_EQ(index_.publisher()->view().FindOriginal(BytesOf(Sha256("one"))),
            "one");
}

TEST_F(EventApplierTest, ForgetsTheBytesOfPicturesThatAreGone) {
  Apply(MakeChange(Kind::kPut, "p", 1, "", {{"a", "one"}}));
  Publish();
  Apply(MakeChange(Kind::kPut, "q", 1, "", {{"a", "two"}}));
  Apply(MakeChange(Kind::kDelete, "p", 2));
  Publish();
  Settle();
  // The first packs are merged when the rows are.
  Apply(MakeChange(Kind::kPut, "r", 1, "", {{"a", "three"}}));
  Publish();
  Settle();
  const IndexView view = index_.publisher()->view();
  ASSERT_EQ(view.originals.size(), 1u);
  EXPECT_EQ(view.originals[0]->size(), 2u);
}

TEST_F(EventApplierTest, DescribesWithoutTouchingPictures) {
  Apply(MakeChange(Kind::kPut, "p", 1, "Coat", {{"a", "1"}}));
  Publish();
  EXPECT_TRUE(Apply(MakeChange(Kind::kDescribe, "p", 2, "Blue coat")));
  EXPECT_EQ(draft_->changes.rows(), 0u);
  EXPECT_EQ(Outcomes(), Strings());
  Publish();
  EXPECT_EQ(Find("p")->title(), "Blue coat");
  // Its pictures come late; what is said of it is older than what is known.
  EXPECT_TRUE(Apply(MakeChange(Kind::kDescribe, "q", 5, "Hat")));
  EXPECT_FALSE(Find("q"));
  Publish();
  EXPECT_TRUE(Apply(MakeChange(Kind::kPut, "q", 4, "Cap", {{"a", "2"}})));
  EXPECT_EQ(Find("q")->title(), "Hat");
  EXPECT_EQ(Find("q")->version(), 5u);
}

TEST_F(EventApplierTest, IgnoresWhatIsOlderOrKnown) {
  EXPECT_TRUE(Apply(MakeChange(Kind::kPut, "p", 7, "Coat", {{"a", "1"}})));
  EXPECT_FALSE(Apply(MakeChange(Kind::kPut, "p", 7, "Coat", {{"a", "1"}})));
  EXPECT_FALSE(Apply(MakeChange(Kind::kPut, "p", 6, "x", {{"a", "2"}})));
  EXPECT_FALSE(Apply(MakeChange(Kind::kDescribe, "p", 6, "x")));
  EXPECT_FALSE(Apply(MakeChange(Kind::kDelete, "p", 6)));
  Publish();
  EXPECT_FALSE(Apply(MakeChange(Kind::kDelete, "p", 7)));
  EXPECT_EQ(Find("p")->title(), "Coat");
}

TEST_F(EventApplierTest, RemembersADeletionForThirtyDays) {
  Apply(MakeChange(Kind::kPut, "p", 3, "Coat", {{"a", "1"}}));
  Publish();
  Apply(MakeChange(Kind::kDelete, "p", 5));
  EXPECT_EQ(Outcomes(), Strings{"p/a REMOVED"});
  Publish();
  for (int day = 0; day < 30; ++day) {
    Settle();
    ASSERT_TRUE(index_.Reopen().ok());
    Begin();
    ASSERT_FALSE(Apply(MakeChange(Kind::kPut, "p", 4, "Coat", {{"a", "1"}})))
        << "after " << day << " days";
    now_unix_ms_ += kDayMs;
    Apply(MakeChange(Kind::kPut, "q", static_cast<uint64_t>(day) + 1, "Hat",
                     {{"a", "2"}}));
    Publish();
  }
  EXPECT_EQ(ContentOnDisk(index_.paths()), (Rows{{"q/a", ToHex(Sha256("2"))}}));
  // A newer one brings it back, at any time.
  Apply(MakeChange(Kind::kPut, "p", 6, "Coat", {{"a", "1"}}));
  EXPECT_EQ(Find("p")->title(), "Coat");
  Apply(MakeChange(Kind::kDelete, "p", 8));
  Publish();
  now_unix_ms_ += 31 * kDayMs;
  Apply(MakeChange(Kind::kPut, "q", 100, "Hat", {{"a", "3"}}));
  Publish();
  Settle();
  EXPECT_FALSE(draft_->changes.FindQueuedProduct("p"));
  EXPECT_TRUE(draft_->changes.FindQueuedProduct("q"));
}

TEST_F(EventApplierTest, RefusesPicturesOneByOne) {
  Apply(MakeChange(Kind::kPut, "p", 1, "Coat", {{"a", "1"}, {"b", "bad"}}));
  EXPECT_EQ(Outcomes(), (Strings{"p/a ACCEPTED", "p/b REFUSED"}));
  Publish();
  // Whoever sends it again is told again.
  Apply(MakeChange(Kind::kPut, "p", 2, "Coat", {{"a", "bad"}, {"b", "bad"}}));
  EXPECT_EQ(Outcomes(), (Strings{"p/a REFUSED", "p/b REFUSED"}));
  EXPECT_EQ(refused_, (Strings{"bad", "bad", "bad"}));
  EXPECT_FALSE(Find("p"));
  Publish();
  EXPECT_EQ(ContentOnDisk(index_.paths()), Rows());
  Apply(MakeChange(Kind::kPut, "p", 3, "Coat", {{"b", "2"}}));
  EXPECT_EQ(Outcomes(), Strings{"p/b ACCEPTED"});
  EXPECT_EQ(Find("p")->title(), "Coat");
}

TEST_F(EventApplierTest, LeavesProductsOfOtherSourcesAlone) {
  ProductChange ours = MakeChange(Kind::kPut, "p", 1, "Coat", {{"a", "1"}});
  Apply(ours);
  Publish();
  ProductChange theirs = MakeChange(Kind::kPut, "p", 9, "Hat", {{"a", "2"}});
  theirs.source = "queue/erp";
  const auto news = applier_->IsNews(theirs);
  EXPECT_EQ(ErrorOf(news.status()).reason(), v1::ERROR_REASON_OTHER_SOURCE);
  EXPECT_EQ(news.status().message(),
            "product 'p' belongs to queue, and this is of queue/erp; let that "
            "source delete it first");
  // One without a picture is its source's as well.
  ProductChange pending = MakeChange(Kind::kDescribe, "q", 3, "Hat");
  Apply(pending);
  theirs.product_id = "q";
  EXPECT_FALSE(applier_->IsNews(theirs).ok());
  theirs.product_id = "p";
  // Once it is deleted it is anybody's who puts it, whatever its versions were.
  Apply(MakeChange(Kind::kDelete, "p", 20));
  Publish();
  ProductChange described = MakeChange(Kind::kDescribe, "p", 30, "x");
  described.source = "queue/erp";
  EXPECT_FALSE(*applier_->IsNews(described));
  EXPECT_FALSE(Apply(MakeChange(Kind::kPut, "p", 19, "Coat", {{"a", "1"}})))
      << "the deletion is remembered";
  EXPECT_TRUE(Apply(theirs));
  Publish();
  EXPECT_EQ(Find("p")->title(), "Hat");
}

TEST_F(EventApplierTest, RemembersTheDeletionsOfEachSource) {
  const auto change = [](const std::string& source, Kind kind,
                         uint64_t version) {
    testing::Pictures pictures;
    if (kind == Kind::kPut) pictures["a"] = "1";
    ProductChange made = MakeChange(kind, "p", version, source, pictures);
    made.source = source;
    made.fields.set_source(kind == Kind::kDelete ? "" : source);
    return made;
  };
  EXPECT_TRUE(Apply(change("queue/a", Kind::kDelete, 20)));
  // A deletion may come before what it deletes, whoever had the product.
  EXPECT_TRUE(Apply(change("queue/b", Kind::kDelete, 6)));
  EXPECT_FALSE(Apply(change("queue/b", Kind::kPut, 5)));
  EXPECT_TRUE(Apply(change("queue/b", Kind::kPut, 7)));
  EXPECT_TRUE(Apply(change("queue/b", Kind::kDelete, 8)));
  Publish();
  Settle();
  EXPECT_FALSE(Apply(change("queue/a", Kind::kPut, 19)));
  EXPECT_FALSE(Apply(change("queue/a", Kind::kDelete, 20)));
  EXPECT_FALSE(Find("p"));
  EXPECT_TRUE(Apply(change("queue/a", Kind::kPut, 21)));
  EXPECT_EQ(Find("p")->title(), "queue/a");
  EXPECT_TRUE(Apply(change("queue/a", Kind::kDelete, 22)));
  Publish();
  EXPECT_FALSE(Apply(change("queue/b", Kind::kPut, 8)));
  // Each for thirty days, and no longer.
  now_unix_ms_ += kKeepDeletionsMs / 2;
  EXPECT_TRUE(Apply(change("queue/a", Kind::kDelete, 23)));
  now_unix_ms_ += kKeepDeletionsMs / 2 + 1;
  EXPECT_TRUE(Apply(change("queue/c", Kind::kDelete, 1)));
  EXPECT_FALSE(Apply(change("queue/a", Kind::kPut, 22)));
  EXPECT_TRUE(Apply(change("queue/b", Kind::kPut, 5)));
}

TEST_F(EventApplierTest, AFolderDoesNotTakeAProductOfTheQueue) {
  Apply(MakeChange(Kind::kPut, "p", 1, "Coat", {{"a.jpg", "1"}}));
  Publish();
  PictureBatch batch(
      "directory",
      [](std::string_view, std::string_view) {
        storage::ProductRecord record;
        record.set_title("from the folder");
        return record;
      },
      draft_.get());
  CatalogPicture picture = {"p.jpg", "p", 3, 1};
  PictureResult result;
  result.sha256 = Sha256("2");
  result.vector = FakeVector("2");
  batch.Apply(picture, result, {}, now_unix_ms_);
  EXPECT_EQ(Outcomes(), Strings{"p/p.jpg REFUSED"});
  batch.Describe("p");
  EXPECT_EQ(Find("p")->title(), "Coat");
  Publish();
  // It is looked at again, and taken once the queue has let go of it.
  Apply(MakeChange(Kind::kDelete, "p", 2));
  PictureBatch later(
      "directory",
      [](std::string_view, std::string_view) {
        return storage::ProductRecord();
      },
      draft_.get());
  EXPECT_FALSE(later.ApplyUnread(picture));
  later.Apply(picture, result, {}, now_unix_ms_);
  EXPECT_EQ(Find("p")->source(), "directory");
  EXPECT_EQ(later.AllSources().size(), 1u);
}

}  // namespace
}  // namespace vitrine
