// The events of a queue against a plain model, through merges and crashes.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/event_applier_fixture.h"

namespace vitrine {
namespace {

using testing::ContentOnDisk;
using testing::EventApplierTest;
using testing::IsGood;
using testing::MakeChange;
using testing::Pictures;
using Kind = ProductChange::Kind;
using Rows = std::map<std::string, std::string>;

// Thousands of events in any order, twice or late, with merges between them and
// crashes that undo what was not published, against a plain list of what was
// delivered.
class ModelTest : public EventApplierTest {
 protected:
  struct Expected {
    std::string title;
    Pictures pictures;
  };

  uint32_t Draw(uint32_t below) { return random_() % below; }

  ProductChange DrawChange() {
    const std::string product = "p" + std::to_string(Draw(40));
    const uint64_t version = ++version_;
    const std::string title = "t" + std::to_string(version);
    switch (Draw(6)) {
      case 0:
        return MakeChange(Kind::kDelete, product, version);
      case 1:
        return MakeChange(Kind::kDescribe, product, version, title);
      default:
        break;
    }
    Pictures pictures;
    const uint32_t n = Draw(4);
    for (uint32_t i = 0; i < n; ++i) {
      pictures["k" + std::to_string(Draw(4))] =
          (Draw(8) == 0 ? "bad" : "c") + std::to_string(Draw(60));
    }
    return MakeChange(Kind::kPut, product, version, title, pictures);
  }

  // What must stand, from all that was delivered.
  std::map<std::string, Expected> Wanted(
      const std::vector<ProductChange>& delivered) const {
    std::map<std::string, const ProductChange*> fields, pictures;
    for (const ProductChange& change : delivered) {
      const auto newer = [&](const ProductChange*& known) {
        if (known == nullptr || change.version > known->version) {
          known = &change;
        }
      };
      newer(fields[change.product_id]);
      if (change.kind != Kind::kDescribe) newer(pictures[change.product_id]);
    }
    std::map<std::string, Expected> wanted;
    for (const auto& [id, change] : pictures) {
      for (const EventPicture& picture : change->pictures) {
        if (!IsGood(*picture.content)) continue;
        wanted[id].pictures[picture.key] = *picture.content;
        wanted[id].title = fields[id]->fields.title();
      }
    }
    return wanted;
  }

  void ExpectPublished() {
    Rows rows;
    std::map<std::string, std::string> titles, found;
    for (const auto& [id, expected] : Wanted(published_)) {
      titles[id] = expected.title;
      for (const auto& [key, content] : expected.pictures) {
        std::string name = id;
        rows[name.append("/").append(key)] = ToHex(Sha256(content));
      }
    }
    ASSERT_EQ(ContentOnDisk(index_.paths()), rows);
    index_.publisher()->view().snapshot->products().ForEach(
        "", [&](std::string_view id, std::string_view bytes) {
          storage::ProductRecord record;
          record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
          found[std::string(id)] = record.title();
          return true;
        });
    ASSERT_EQ(found, titles);
  }

  std::mt19937 random_{20261126};
  uint64_t version_ = 0;
  std::vector<ProductChange> published_;    // Delivered, and durable.
  std::vector<ProductChange> unpublished_;  // Delivered since.
};

TEST_F(ModelTest, TheNewestStandsThroughAnyOrderMergesAndCrashes) {
  MergeLimits limits;
  limits.flat_shards = 2;
  limits.graph_rows = 30;
  limits.files = 2;
  std::vector<ProductChange> late;
  for (int step = 0; step < 6000; ++step) {
    ProductChange change;
    if (const uint32_t choice = Draw(10); choice == 0 && !late.empty()) {
      change = late[Draw(static_cast<uint32_t>(late.size()))];
    } else if (choice == 1 && !published_.empty()) {
      change = published_[Draw(static_cast<uint32_t>(published_.size()))];
    } else {
      change = DrawChange();
      if (choice == 2) {
        late.push_back(change);
        continue;
      }
    }
    Apply(change);
    unpublished_.push_back(change);
    if (Draw(12) == 0) {
      Publish();
      published_.insert(published_.end(), unpublished_.begin(),
                        unpublished_.end());
      unpublished_.clear();
      now_unix_ms_ += 1000;
      ASSERT_NO_FATAL_FAILURE(ExpectPublished()) << "step " << step;
    }
    if (Draw(60) == 0) {
      // A merge is under way while others publish.
      DueMerge due;
      due.view = index_.publisher()->view();
      due.plan = Draw(2) == 0 ? PlanGraphMerge(due.view, limits, {})
                              : PlanLightMerge(due.view, limits, {});
      if (!due.plan.empty()) {
        const auto output =
            RunMerge(index_.paths(), due.view, due.plan, 1, {},
                     [this] { return index_.publisher()->NewFileName(); });
        ASSERT_TRUE(output.ok()) << output.status();
        if (Draw(2) == 0) {
          Publish();
          published_.insert(published_.end(), unpublished_.begin(),
                            unpublished_.end());
          unpublished_.clear();
        }
        const auto merged = index_.publisher()->Commit(*output);
        ASSERT_TRUE(merged.ok()) << merged.status();
        ASSERT_NO_FATAL_FAILURE(ExpectPublished()) << "step " << step;
      }
    }
    if (Draw(80) == 0) {
      // What was not published was not acknowledged: it comes again.
      late.insert(late.end(), unpublished_.begin(), unpublished_.end());
      unpublished_.clear();
      ASSERT_TRUE(index_.Reopen().ok());
      Begin();
      ASSERT_NO_FATAL_FAILURE(ExpectPublished()) << "step " << step;
    }
  }
  for (const ProductChange& change : late) {
    Apply(change);
    unpublished_.push_back(change);
  }
  Publish();
  published_.insert(published_.end(), unpublished_.begin(), unpublished_.end());
  Settle();
  ASSERT_NO_FATAL_FAILURE(ExpectPublished());
  EXPECT_GT(Wanted(published_).size(), 10u);
}

// Whom a product belongs to goes by the order in which events come; that each
// sender's deletions hold does not.
TEST_F(ModelTest, NothingThatASenderHasDeletedIsRevivedByWhatItSentBefore) {
  struct Versions {
    uint64_t deleted = 0;
    uint64_t put = 0;
  };
  std::map<std::pair<std::string, std::string>, Versions> taken;
  std::vector<ProductChange> sent;
  int refused = 0, changed_hands = 0, seen = 0;
  std::map<std::string, std::string> owners;
  for (int step = 0; step < 4000; ++step) {
    ProductChange change;
    if (Draw(3) == 0 && !sent.empty()) {
      // Late, or again.
      change = sent[Draw(static_cast<uint32_t>(sent.size()))];
    } else {
      change = DrawChange();
      change.product_id = "p" + std::to_string(Draw(8));
      change.source = "queue/" + std::to_string(Draw(3));
      if (change.kind != Kind::kDelete) change.fields.set_source(change.source);
      sent.push_back(change);
      if (Draw(4) == 0) continue;
    }
    const auto news = applier_->IsNews(change);
    if (!news.ok()) {
      // It goes to the dead letters.
      ++refused;
      continue;
    }
    if (*news) Apply(change);
    Versions& of = taken[{change.product_id, change.source}];
    if (change.kind == Kind::kDelete) {
      of.deleted = std::max(of.deleted, change.version);
    } else if (change.kind == Kind::kPut) {
      of.put = std::max(of.put, change.version);
    }
    if (const auto product = Find(change.product_id)) {
      ++seen;
      std::string& owner = owners[change.product_id];
      changed_hands += !owner.empty() && owner != product->source();
      owner = product->source();
      const Versions& own = taken[{change.product_id, owner}];
      ASSERT_GT(own.put, own.deleted) << change.product_id << " of " << owner
                                      << " is back in step " << step;
    }
    if (Draw(20) == 0) Publish();
    if (Draw(200) == 0) Settle();
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(changed_hands, 20);
  EXPECT_GT(seen, 500);
}

}  // namespace
}  // namespace vitrine
