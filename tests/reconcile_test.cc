#include "indexer/reconcile.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {
namespace {

struct File {
  std::string path;
  std::string product;
  uint64_t bytes = 10;
  int64_t modified = 100;
  int refused = 0;
};

Listing List(const std::vector<File>& files) {
  Listing listing;
  for (const File& f : files) {
    listing.pictures.push_back({f.path, f.product, f.bytes, f.modified});
  }
  return listing;
}

KnownFiles Known(const std::vector<File>& files) {
  KnownFiles known;
  for (const File& f : files) {
    storage::SourceFileRecord& record = known[f.path];
    record.set_bytes(f.bytes);
    record.set_modified_unix_ns(f.modified);
    record.set_product_id(f.product);
    record.set_refused_reason(f.refused);
  }
  return known;
}

// "add a.jpg=1 check b.jpg=2 remove c.jpg=3"
std::string Show(const Reconciliation& result) {
  std::string text;
  for (const FileAction& action : result.actions) {
    const char* kind = action.kind == FileAction::Kind::kAdd     ? "add"
                       : action.kind == FileAction::Kind::kCheck ? "check"
                                                                 : "remove";
    absl::StrAppend(&text, text.empty() ? "" : " ", kind, " ", action.path, "=",
                    action.product_id);
  }
  return text;
}

TEST(Reconcile, TellsWhatChanged) {
  const struct {
    const char* what;
    std::vector<File> listed;
    std::vector<File> known;
    const char* actions;
    size_t unchanged;
  } cases[] = {
      {"nothing at all", {}, {}, "", 0},
      {"new", {{"a", "1"}, {"b", "2"}}, {}, "add a=1 add b=2", 0},
      {"the same", {{"a", "1"}}, {{"a", "1"}}, "", 1},
      {"another size", {{"a", "1", 11}}, {{"a", "1"}}, "check a=1", 0},
      {"another time", {{"a", "1", 10, 99}}, {{"a", "1"}}, "check a=1", 0},
      {"another product", {{"a", "2"}}, {{"a", "1"}}, "check a=2", 0},
      {"gone", {}, {{"a", "1"}}, "remove a=1", 0},
      {"gone at both ends",
       {{"b", "2"}},
       {{"a", "1"}, {"b", "2"}, {"c", "3"}},
       "remove a=1 remove c=3",
       1},
      {"moved: the new one first",
       {{"z", "1"}},
       {{"a", "1"}},
       "add z=1 remove a=1",
       0},
      {"refused and unchanged",
       {{"a", "1"}},
       {{"a", "1", 10, 100, v1::ERROR_REASON_IMAGE_TRUNCATED}},
       "",
       1},
      {"refused and changed",
       {{"a", "1", 12}},
       {{"a", "1", 10, 100, v1::ERROR_REASON_IMAGE_TRUNCATED}},
       "check a=1",
       0},
      {"unreadable, perhaps no more",
       {{"a", "1"}},
       {{"a", "1", 10, 100, v1::ERROR_REASON_IMAGE_UNREADABLE}},
       "check a=1",
       0},
      {"refused and gone",
       {},
       {{"a", "1", 10, 100, v1::ERROR_REASON_IMAGE_TRUNCATED}},
       "remove a=1",
       0},
  };
  for (const auto& c : cases) {
    const Reconciliation result = Reconcile(List(c.listed), Known(c.known), {});
    EXPECT_EQ(Show(result), c.actions) << c.what;
    EXPECT_EQ(result.unchanged, c.unchanged) << c.what;
    EXPECT_EQ(result.held_message, "") << c.what;
  }
}

TEST(Reconcile, LeavesWhatCannotBeSeenAlone) {
  Listing listing = List({{"d/1", "1"}});
  listing.unreadable = {"shut", "x/link.jpg"};
  const auto known = Known({{"d/1", "1"},
                            {"shut/a/2", "2"},
                            {"shut/3", "3"},
                            {"shutter/4", "4"},
                            {"x/link.jpg", "5"}});
  EXPECT_EQ(Show(Reconcile(listing, known, {})), "remove shutter/4=4");
  EXPECT_EQ(Reconcile(listing, known, {}).unchanged, 4u);
}

TEST(Reconcile, KeepsWhatIsGoneWhereAsked) {
  const auto result = Reconcile(List({{"b", "2"}}), Known({{"a", "1"}}),
                                {.keep_deleted = true});
  EXPECT_EQ(Show(result), "add b=2");
  EXPECT_EQ(result.kept, 1u);
}

// `count` products of a picture each, from number `first`.
std::vector<File> Products(int first, int count,
                           const std::string& folder = "") {
  std::vector<File> files;
  for (int i = first; i < first + count; ++i) {
    files.push_back({absl::StrCat(folder, 10000 + i), absl::StrCat(i)});
  }
  return files;
}

TEST(Reconcile, HoldsMassDeletions) {
  const struct {
    int known, left;
    uint64_t recent;
    bool held;
  } cases[] = {
      {1000, 800, 0, false},    // 200: exactly 20 %
      {1000, 799, 0, true},     // 201
      {100, 0, 0, false},       // 100: not more than 100
      {101, 0, 0, true},        // 101 and all of them
      {10000, 9000, 0, false},  // 1,000, and only 10 %
      {1000, 900, 100, false},  // 200 of 1,100: 18 %
      {900, 780, 100, true},    // 220 of 1,000, though 120 now
      {900, 900, 500, false},   // none now
  };
  for (const auto& c : cases) {
    const auto result =
        Reconcile(List(Products(0, c.left)), Known(Products(0, c.known)),
                  {.recently_deleted_products = c.recent});
    const size_t gone = c.known - c.left;
    EXPECT_EQ(result.held.size(), c.held ? gone : 0) << c.known << c.left;
    EXPECT_EQ(result.held_products, result.held.size());
    EXPECT_EQ(result.actions.size(), c.held ? 0 : gone);
    EXPECT_EQ(result.held_message.empty(), !c.held);
  }
}

TEST(Reconcile, SaysWhatIsHeldAndWhatToDo) {
  const auto result = Reconcile({}, Known(Products(0, 150)), {});
  for (const char* part :
       {"150 of 150", "100", "20 %", "--allow-mass-delete"}) {
    EXPECT_NE(result.held_message.find(part), std::string::npos)
        << result.held_message;
  }
}

TEST(Reconcile, MassDeletionsCanBeAllowed) {
  const auto result =
      Reconcile({}, Known(Products(0, 500)), {.allow_mass_delete = true});
  EXPECT_EQ(result.actions.size(), 500u);
  EXPECT_TRUE(result.held.empty());
}

TEST(Reconcile, AMovedFolderIsNoMassDeletion) {
  const auto result = Reconcile(List(Products(0, 500, "new/")),
                                Known(Products(0, 500, "old/")), {});
  EXPECT_EQ(result.actions.size(), 1000u);
  EXPECT_TRUE(result.held.empty());
}

TEST(Reconcile, AMovedFolderIsNoMassDeletionWhereItNamesTheProducts) {
  std::vector<File> before, after;
  for (int i = 0; i < 500; ++i) {
    const std::string name = absl::StrCat(10000 + i);
    const uint64_t bytes = 10 + i % 7;
    before.push_back({"old/" + name, "old/" + name, bytes, 100 + i});
    after.push_back({"new/" + name, "new/" + name, bytes, 100 + i});
  }
  const auto moved = Reconcile(List(after), Known(before), {});
  EXPECT_EQ(moved.actions.size(), 1000u);
  EXPECT_TRUE(moved.held.empty());
  EXPECT_TRUE(moved.actions.back().moved);

  // As many others that came instead bring nothing back.
  for (File& file : after) file.modified += 1000;
  const auto replaced = Reconcile(List(after), Known(before), {});
  EXPECT_EQ(replaced.held.size(), 500u);
}

TEST(Reconcile, HoldsNoPictureOfAProductThatLives) {
  // Product 0 loses its second picture while 500 others go.
  auto known = Products(0, 501);
  known.push_back({"second", "0"});
  const auto result = Reconcile(List(Products(0, 1)), Known(known), {});
  EXPECT_EQ(Show(result), "remove second=0");
  EXPECT_EQ(result.held.size(), 500u);
}

TEST(Reconcile, ANewTableMovesPicturesWithoutDeletingThem) {
  auto listed = Products(0, 500);
  for (File& file : listed) file.product = "sku" + file.product;
  const auto result = Reconcile(List(listed), Known(Products(0, 500)), {});
  EXPECT_EQ(result.actions.size(), 500u);
  EXPECT_TRUE(result.held.empty());
  for (const auto& action : result.actions) {
    EXPECT_EQ(action.kind, FileAction::Kind::kCheck);
  }
}

TEST(Reconcile, ATableDeletesWhatIsStillThereAndWhatIsKept) {
  const KnownFiles known =
      Known({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
  // `b` is of product 1 now, and went with it.
  Listing listing = List({{"d", "4"}});
  listing.deleted_products = {"1"};
  listing.deleted_pictures = {"a", "b"};
  for (const bool keep : {false, true}) {
    ReconcileOptions options;
    options.keep_deleted = keep;
    const Reconciliation result = Reconcile(listing, known, options);
    EXPECT_EQ(Show(result), keep ? "remove a=1 remove b=2"
                                 : "remove a=1 remove b=2 remove c=3");
    EXPECT_EQ(result.kept, keep ? 1u : 0u);
    for (const FileAction& action : result.actions) {
      EXPECT_EQ(action.declared, action.path != "c") << action.path;
    }
  }
}

}  // namespace
}  // namespace vitrine
