// An index with every kind of file that a manifest names.
#pragma once

#include <string>
#include <vector>

#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/vectors.h"

namespace vitrine {

// Two vector sets: one serves, of two shards with and without a graph, one is
// being built. Each Grow publishes a generation that names new files, and not
// all of those before.
class WholeIndex {
 public:
  // Of another `seed` all is another, under the same names.
  explicit WholeIndex(const std::filesystem::path& root, uint32_t seed = 0,
                      const std::string& index_id = "")
      : builder_(root, TestBlocks()), seed_(seed) {
    builder_.manifest().set_index_id(index_id);
    builder_.set().set_model(PutModel("the bundle that serves"));
    builder_.set().set_model_bytes(22);
    storage::VectorSet* building = builder_.manifest().add_vector_sets();
    *building = builder_.set();
    building->set_id(2);
    building->set_state(storage::VectorSet::STATE_BUILDING);
    building->set_model(PutModel("the next bundle"));
    building->set_model_bytes(15);
    EXPECT_OK(Put(DrawRows(40, 9 + seed_), "building", building));
    storage::SourcePosition* source = builder_.manifest().add_sources();
    source->set_source("directory");
    for (const char* name : {"root", "root_identity", "layout",
                             "category_attribute", "product_pattern"}) {
      (*source->mutable_settings())[name] = name;
    }
    const GraphParams graph;
    EXPECT_OK(builder_.AddShard(DrawRows(120, 7 + seed_), &graph));
    Grow();
  }

  const IndexPaths& paths() const { return builder_.paths(); }
  storage::Manifest& manifest() { return builder_.manifest(); }

  void Grow() {
    const std::string n = std::to_string(++grown_);
    std::vector<Row> rows = DrawRows(30, static_cast<uint32_t>(grown_) + seed_);
    PackedPictures pictures;
    for (Row& row : rows) {
      row.product_id = "n" + n + row.product_id;
      row.sha256 = Sha256(row.product_id);
      pictures[row.sha256] = "a thumbnail of " + row.product_id;
    }
    // The flat shard takes the place of the one before, as in a merge.
    if (builder_.set().shards_size() > 1) {
      builder_.set().mutable_shards()->RemoveLast();
    }
    EXPECT_OK(builder_.AddShard(rows));
    EXPECT_OK(builder_.DeleteRows(0, {1, 2, static_cast<uint32_t>(grown_)}));
    EXPECT_OK(builder_.PutProductsOf(rows, "Dress"));
    EXPECT_OK(builder_.AddPictures(pictures));
    auto originals = WritePicturePack(paths().pictures() / ("original-" + n),
                                      EntriesOf(pictures));
    EXPECT_OK(originals);
    *builder_.manifest().add_original_packs() = *originals;
    TableChanges sources;
    for (const Row& row : rows) sources[row.image_key] = "a source of " + n;
    auto segment = WriteTableSegment(paths().sources() / ("source-" + n),
                                     EntriesOf(sources));
    EXPECT_OK(segment);
    *builder_.manifest().add_source_segments() = *segment;
    EXPECT_OK(builder_.Publish());
  }

 private:
  std::string PutModel(const std::string& bytes) {
    const std::string digest = ToHex(Sha256(bytes));
    EXPECT_OK(PublishFile(paths().model(digest), bytes));
    return digest;
  }
  absl::Status Put(const std::vector<Row>& rows, const std::string& name,
                   storage::VectorSet* set) {
    VITRINE_ASSIGN_OR_RETURN(
        *set->add_shards()->mutable_file(),
        WriteShard(paths().shards() / name, TestBlocks(), rows, nullptr));
    return absl::OkStatus();
  }

  IndexBuilder builder_;
  const uint32_t seed_;
  int grown_ = 0;
};

}  // namespace vitrine
