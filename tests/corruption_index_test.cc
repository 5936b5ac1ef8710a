// Random damage of every kind of file of an index: it is refused by name, and
// what was not verified yet crashes no query.
#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/index/search.h"
#include "tests/test_util.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/reseal.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

// The sanitizers are some ten times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kMutations = 1000;
#else
constexpr int kMutations = 10'000;
#endif
constexpr size_t kPage = 4096;

class CorruptionIndex : public ::testing::Test {
 protected:
  void SetUp() override {
    // It writes a line for each text that is damaged.
    google::protobuf::SetLogHandler(nullptr);
    const GraphParams cosine;
    GraphParams manhattan;
    manhattan.space = GraphSpace::kL1;
    ASSERT_OK(builder_.AddShard(Rows("a", 60)));
    ASSERT_OK(builder_.AddShard(Rows("b", 150), &cosine));
    ASSERT_OK(builder_.AddShard(Rows("c", 40), &manhattan));
    ASSERT_OK(builder_.DeleteRows(0, {3, 4, 59}));
    ASSERT_OK(builder_.DeleteRows(1, {0, 70}));
    for (const char* prefix : {"a", "b", "c"}) {
      ASSERT_OK(builder_.PutProductsOf(Rows(prefix, 40), "Dress"));
    }
    ASSERT_OK(builder_.PutProducts({{"a00007", std::nullopt}}));
    PackedPictures thumbnails;
    for (const Row& row : Rows("a", 20)) {
      thumbnails[row.sha256] = "a thumbnail of " + row.product_id;
    }
    ASSERT_OK(builder_.AddPictures(thumbnails));
    ASSERT_OK(builder_.AddPictures({{Rows("b", 1)[0].sha256, "another"}}));
    v1::Complements complements = ComplementsOfModel(std::string(64, '0'));
    AddProjection(&complements, "", "top", "shoes", 128, 130);
    ASSERT_OK(builder_.PutComplements(ComplementsFileOf(complements)));
    ASSERT_OK(builder_.Publish());
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(builder_.paths().root)) {
      if (!entry.is_regular_file()) continue;
      files_.push_back(entry.path());
      sound_[entry.path()] = testing::ReadAll(entry.path());
    }
    std::sort(files_.begin(), files_.end());
    ASSERT_EQ(files_.size(), 3u + 2 + 4 + 2 + 1 + 1);
    ASSERT_OK_AND_ASSIGN(const auto snapshot, Open(VerifyMode::kAlways));
    answers_ = Answers(*snapshot);
  }

  static std::vector<Row> Rows(const std::string& prefix, int n) {
    std::vector<Row> rows = DrawRows(n, static_cast<uint32_t>(prefix[0]));
    for (Row& row : rows) {
      row.product_id[0] = row.image_key[0] = prefix[0];
      row.sha256 = Sha256(row.image_key);
    }
    return rows;
  }

  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(VerifyMode verify) {
    VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                             ReadManifest(builder_.paths(), 1));
    return Snapshot::Open(builder_.paths(), manifest, nullptr, verify);
  }

  // All that can be asked of a snapshot, as text.
  static std::string Answers(const Snapshot& snapshot) {
    std::string text = std::to_string(snapshot.images());
    std::mt19937 random(2);
    for (int q = 0; q < 4; ++q) {
      const std::vector<float> query = DrawVector(q, &random);
      for (const Metric metric : {Metric::kCosine, Metric::kManhattan}) {
        for (const bool exact : {false, true}) {
          SearchParams params;
          params.metric = metric;
          params.exact = exact;
          const auto result = Search(snapshot, query, params);
          EXPECT_OK(result);
          if (!result.ok()) return text;
          for (const SearchHit& hit : result->hits) {
            absl::StrAppend(
                &text, "\n", std::string(hit.key().product_id), " ", hit.score,
                " ", std::string(snapshot.FindThumbnail(hit.key().sha256)));
          }
        }
      }
    }
    v1::Filter dresses;
    dresses.mutable_condition()->set_attribute("category");
    dresses.mutable_condition()->mutable_any_of()->add_values("Dress");
    const auto filter = snapshot.selector().Select(&dresses, 0);
    SearchParams params;
    params.filter = filter.get();
    const auto result = Search(snapshot, DrawVector(1, &random), params);
    EXPECT_OK(result);
    absl::StrAppend(&text, "\n", filter->matching, " ",
                    result.ok() ? result->hits.size() : 0);
    for (const v1::Facet& facet : snapshot.selector().CountFacets(
             {"category", "brand"}, filter.get(), 10)) {
      absl::StrAppend(&text, "\n", facet.ShortDebugString());
    }
    snapshot.products().ForEach(
        "", [&](std::string_view key, std::string_view value) {
          absl::StrAppend(&text, "\n", std::string(key), std::string(value));
          return true;
        });
    for (const char* id : {"a00003", "a00007", "b00000", "c00031", "nobody"}) {
      snapshot.ForEachRowOf(id, [&](const Shard& shard, uint32_t row) {
        absl::StrAppend(&text, "\n", std::string(shard.key(row).image_key));
      });
      absl::StrAppend(&text, snapshot.FindProduct(id).ok() ? " is" : " is not");
    }
    return text;
  }

  // Writes over what is there: of a file that was made empty first, ext4 waits
  // for the disk.
  static void Put(const std::filesystem::path& file, const std::string& bytes) {
    if (!std::filesystem::exists(file)) std::ofstream(file).flush();
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
        << bytes;
    std::filesystem::resize_file(file, bytes.size());
  }

  uint64_t Below(uint64_t n) { return random_() % n; }

  // Damages the bytes of a file as disks, copies and people do.
  std::string Mutate(std::string bytes) {
    const uint64_t size = bytes.size();
    switch (Below(6)) {
      case 0:
      case 1:
        for (uint64_t flips = 1 + Below(3); flips > 0; --flips) {
          bytes[Below(size)] ^= static_cast<char>(1 << Below(8));
        }
        break;
      case 2:
        bytes.resize(Below(size));
        break;
      case 3: {
        const uint64_t begin = Below(size) / kPage * kPage;
        std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(begin),
                    std::min<uint64_t>(kPage, size - begin), '\0');
        break;
      }
      case 4:
        bytes.append(1 + Below(100), static_cast<char>(Below(256)));
        break;
      default: {  // A piece of it over another.
        const uint64_t count = 1 + Below(size / 2);
        const std::string piece = bytes.substr(Below(size - count), count);
        bytes.replace(Below(size - count), count, piece);
      }
    }
    return bytes;
  }

  // Damages one file, or two that change places; what was damaged.
  std::vector<std::filesystem::path> Damage() {
    const std::filesystem::path& file = files_[Below(files_.size())];
    switch (Below(8)) {
      case 0: {
        const std::filesystem::path& other = files_[Below(files_.size())];
        if (file == other) return {};
        Put(file, sound_[other]);
        Put(other, sound_[file]);
        return {file, other};
      }
      case 1:
        std::filesystem::remove(file);
        return {file};
      default: {
        const std::string damaged = Mutate(sound_[file]);
        if (damaged == sound_[file]) return {};
        Put(file, damaged);
        return {file};
      }
    }
  }
  void Mend(const std::vector<std::filesystem::path>& files) {
    for (const auto& file : files) Put(file, sound_[file]);
  }
  // Whether `status` is a refusal that names one of the files.
  static void ExpectRefusal(const absl::Status& status,
                            const std::vector<std::filesystem::path>& files) {
    EXPECT_TRUE(absl::IsDataLoss(status) ||
                absl::IsFailedPrecondition(status) || absl::IsNotFound(status))
        << status;
    EXPECT_TRUE(std::any_of(
        files.begin(), files.end(),
        [&](const auto& file) {
          return std::string(status.message()).find(file.string()) !=
                 std::string::npos;
        }))
        << status << " does not name " << files[0];
    // Only a manifest is found by its name.
    if (absl::IsNotFound(status)) {
      EXPECT_EQ(files[0].parent_path().filename(), "manifests");
    }
  }

  TempDir dir_;
  IndexBuilder builder_{dir_.path() / "index", TestBlocks()};
  std::mt19937_64 random_{1};
  std::vector<std::filesystem::path> files_;
  std::map<std::filesystem::path, std::string> sound_;
  std::string answers_;
};

TEST_F(CorruptionIndex, EachOfManyMutationsIsRefusedByName) {
  int damaged = 0;
  for (int i = 0; damaged < kMutations && !HasFailure(); ++i) {
    const auto files = Damage();
    if (files.empty()) continue;
    SCOPED_TRACE("mutation " + std::to_string(i));
    ++damaged;
    ExpectRefusal(Open(VerifyMode::kAlways).status(), files);
    Mend(files);
  }
  ASSERT_OK_AND_ASSIGN(const auto snapshot, Open(VerifyMode::kAlways));
  EXPECT_EQ(Answers(*snapshot), answers_);
}

TEST_F(CorruptionIndex, WhatIsServedBeforeItIsVerifiedCrashesNoQuery) {
  int served = 0;
  for (int i = 0; served < kMutations / 10 && !HasFailure(); ++i) {
    const auto files = Damage();
    if (files.empty()) continue;
    SCOPED_TRACE("mutation " + std::to_string(i));
    const auto snapshot = Open(VerifyMode::kBackground);
    if (snapshot.ok()) {
      ++served;
      Answers(**snapshot);
      ExpectRefusal((*snapshot)->Verify(/*stop=*/{}), files);
      ExpectRefusal((*snapshot)->CheckFiles(), files);
    } else {
      ExpectRefusal(snapshot.status(), files);
    }
    Mend(files);
  }
}

// What an attacker, or a mistake of ours, would write: the checksums hold.
TEST_F(CorruptionIndex, DamageUnderRightChecksumsCrashesNothing) {
  const storage::Manifest manifest = builder_.manifest();
  int opened = 0, whole = 0;
  for (int i = 0; i < kMutations / 5 && !HasFailure(); ++i) {
    const std::filesystem::path& file = files_[Below(files_.size())];
    // Known by its digest; see complements_test for what is in it.
    if (file.parent_path().filename() == "complements") continue;
    std::string bytes = Mutate(sound_[file]);
    SCOPED_TRACE("mutation " + std::to_string(i));
    storage::Manifest changed = manifest;
    if (file.extension() == ".pb") {
      ResealManifest(&bytes);
      Put(file, bytes);
      const auto read = ReadManifest(builder_.paths(), 1);
      if (read.ok()) changed = *read;
    } else {
      ResealSections(&bytes);
      Put(file, bytes);
      auto renew = [&](storage::FileRef* ref) {
        if (ref->name() != file.filename()) return;
        ref->set_bytes(bytes.size());
        ref->set_checksum(RootChecksum(bytes));
      };
      for (storage::Shard& shard :
           *changed.mutable_vector_sets(0)->mutable_shards()) {
        renew(shard.mutable_file());
        if (shard.has_deletions()) renew(shard.mutable_deletions());
      }
      for (auto& ref : *changed.mutable_product_segments()) renew(&ref);
      for (auto& ref : *changed.mutable_picture_packs()) renew(&ref);
    }
    for (const VerifyMode mode :
         {VerifyMode::kBackground, VerifyMode::kAlways}) {
      const auto snapshot =
          Snapshot::Open(builder_.paths(), changed, nullptr, mode);
      if (!snapshot.ok() || (*snapshot)->dim() != TotalDim(TestBlocks())) {
        continue;
      }
      ++(mode == VerifyMode::kAlways ? whole : opened);
      Answers(**snapshot);
    }
    Mend({file});
  }
  // Most damage is of numbers and texts, which may be any.
  EXPECT_GT(whole, kMutations / 50);
  EXPECT_GT(opened, whole);
}

}  // namespace
}  // namespace vitrine
