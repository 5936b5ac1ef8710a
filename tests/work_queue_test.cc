#include "indexer/work_queue.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

WorkQueue::Work Picture(const std::string& path, int64_t modified = 1) {
  WorkQueue::Work work;
  work.picture.path = path;
  work.picture.product_id = "p";
  work.picture.modified_unix_ns = modified;
  return work;
}

TEST(WorkQueue, GivesFreshPicturesFirst) {
  WorkQueue queue;
  queue.Put(Picture("bulk1"), false);
  queue.Put(Picture("bulk2"), false);
  queue.Put(Picture("fresh"), true);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.Take()->path, "fresh");
  EXPECT_EQ(queue.Take()->path, "bulk1");
  EXPECT_EQ(queue.Take()->path, "bulk2");
  EXPECT_FALSE(queue.Take());
  // Until they are finished, they count.
  EXPECT_EQ(queue.size(), 3u);
}

TEST(WorkQueue, MakesTheReadingOfAnEarlierVersionVoid) {
  WorkQueue queue;
  queue.Put(Picture("a", 1), true);
  const auto first = queue.Take();
  queue.Put(Picture("a", 2), true);
  EXPECT_FALSE(queue.Finish(*first));
  const auto second = queue.Take();
  ASSERT_TRUE(second);
  EXPECT_EQ(queue.Finish(*second)->picture.modified_unix_ns, 2);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(WorkQueue, TakesTheSameVersionOnce) {
  WorkQueue queue;
  queue.Put(Picture("a"), false);
  queue.Put(Picture("a"), false);
  const auto task = queue.Take();
  ASSERT_TRUE(task);
  EXPECT_FALSE(queue.Take());
  queue.Put(Picture("a"), false);
  EXPECT_FALSE(queue.Take());
  EXPECT_TRUE(queue.Finish(*task));
}

TEST(WorkQueue, WhatIsFreshStaysSoThoughItsProductChanges) {
  WorkQueue queue;
  queue.Put(Picture("bulk"), false);
  WorkQueue::Work work = Picture("fresh");
  work.arrived_unix_ms = 5;
  queue.Put(work, true);
  work.picture.product_id = "q";
  work.arrived_unix_ms = 9;
  queue.Put(work, false);
  const auto task = queue.Take();
  EXPECT_EQ(task->path, "fresh");
  const auto done = queue.Finish(*task);
  EXPECT_EQ(done->picture.product_id, "q");
  EXPECT_EQ(done->arrived_unix_ms, 5);
}

TEST(WorkQueue, DropsPicturesOfDeletedProducts) {
  WorkQueue queue;
  queue.Put(Picture("a"), false);
  queue.Put(Picture("b"), false);
  WorkQueue::Work other = Picture("c");
  other.picture.product_id = "q";
  queue.Put(other, false);
  const auto task = queue.Take();
  queue.DropProducts({"p", "r"});
  EXPECT_FALSE(queue.Finish(*task));
  EXPECT_EQ(queue.Take()->path, "c");
  EXPECT_FALSE(queue.Take());
}

TEST(WorkQueue, BringsForwardWhatComesFresh) {
  WorkQueue queue;
  queue.Put(Picture("b"), false);
  queue.Put(Picture("a"), false);
  queue.Put(Picture("a"), true);
  EXPECT_EQ(queue.Take()->path, "a");
  EXPECT_EQ(queue.Take()->path, "b");
  EXPECT_FALSE(queue.Take());
}

TEST(WorkQueue, DropsFilesAndFolders) {
  WorkQueue queue;
  queue.Put(Picture("a/x"), false);
  queue.Put(Picture("a/y"), false);
  queue.Put(Picture("ab"), false);
  const auto task = queue.Take();
  EXPECT_EQ(task->path, "a/x");
  queue.Drop("a");
  EXPECT_FALSE(queue.Finish(*task));
  EXPECT_EQ(queue.Take()->path, "ab");
  EXPECT_FALSE(queue.Take());
}

TEST(WorkQueue, GivesNothingWhilePaused) {
  WorkQueue queue;
  queue.Put(Picture("a"), false);
  queue.Pause();
  EXPECT_FALSE(queue.Take());
  queue.Resume();
  EXPECT_TRUE(queue.Take());
}

}  // namespace
}  // namespace vitrine
