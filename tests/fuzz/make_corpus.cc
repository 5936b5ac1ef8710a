// Writes the seeds of tests/data/fuzz: make_corpus FOLDER. What the fuzzers
// have found lies beside them.
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "common/index/bitmap.h"
#include "common/index/manifest.h"
#include "common/index/picture_pack.h"
#include "common/index/shard.h"
#include "common/index/table.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"
#include "tests/fuzz/fuzz_input.h"

namespace vitrine {
namespace {

const std::vector<Block>& Blocks() {
  static const auto* const blocks =
      new std::vector<Block>{{"shape", 64, 0.8f}, {"colour", 64, 0.2f}};
  return *blocks;
}

std::vector<Row> DrawRows(int n) {
  std::mt19937 random(1);
  std::normal_distribution<float> draw;
  std::vector<Row> rows;
  for (int i = 0; i < n; ++i) {
    Row row;
    row.product_id = "p" + std::to_string(i / 2);
    row.image_key = std::to_string(i) + ".jpg";
    row.sha256 = Sha256(row.image_key);
    std::vector<float> vector(128);
    for (float& x : vector) x = draw(random);
    NormaliseBlocks(Blocks(), vector.data());
    row.vector.resize(vector.size());
    HalvesFromFloats(vector.data(), vector.size(), row.vector.data());
    rows.push_back(std::move(row));
  }
  return rows;
}

void Write(const std::filesystem::path& folder) {
  for (const char* name : {"shard", "table", "picture_pack", "manifest"}) {
    std::filesystem::create_directories(folder / name);
  }
  // Two links a row, so that so few rows have upper levels.
  GraphParams dot;
  dot.m = 2;
  GraphParams l1 = dot;
  l1.space = GraphSpace::kL1;
  Require(
      WriteShard(folder / "shard/flat", Blocks(), DrawRows(7), nullptr).ok());
  Require(
      WriteShard(folder / "shard/graph", Blocks(), DrawRows(24), &dot).ok());
  Require(
      WriteShard(folder / "shard/graph_l1", Blocks(), DrawRows(9), &l1).ok());
  Require(WriteTableSegment(
              folder / "table/three",
              EntriesOf({{"a", "one"}, {"b", std::nullopt}, {"long key", ""}}),
              [](std::string_view value) { return value.empty(); })
              .ok());
  Require(WriteTableSegment(folder / "table/none", {}).ok());
  Require(WritePicturePack(
              folder / "picture_pack/two",
              EntriesOf(PackedPictures{{Sha256("a"), "a picture"},
                                       {Sha256("b"), std::string(99, 'b')}}))
              .ok());
  Bitmap dead(150);
  for (uint32_t row = 0; row < 150; row += 7) dead.Set(row);
  Require(WriteDeletions(folder / "picture_pack/deletions", dead).ok());

  storage::Manifest manifest;
  manifest.set_generation(1);
  manifest.set_writer("fuzz");
  storage::VectorSet* set = manifest.add_vector_sets();
  set->set_state(storage::VectorSet::STATE_SERVING);
  set->set_model(std::string(64, '0'));
  storage::BlockSpec* block = set->add_blocks();
  block->set_name("shape");
  block->set_dim(128);
  block->set_weight(1);
  auto publish = [&](const char* name) {
    const IndexPaths paths{folder / "index"};
    std::filesystem::create_directories(paths.manifests());
    Require(PublishManifest(paths, manifest).ok());
    std::filesystem::rename(paths.manifest(1), folder / "manifest" / name);
    std::filesystem::remove_all(paths.root);
  };
  publish("empty");
  storage::FileRef ref;
  ref.set_name("a file");
  ref.set_bytes(1000);
  ref.set_checksum(1);
  ref.set_entries(10);
  *manifest.add_product_segments() = ref;
  *manifest.add_picture_packs() = ref;
  *set->add_shards()->mutable_file() = ref;
  *set->mutable_shards(0)->mutable_deletions() = ref;
  publish("files");
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "make_corpus FOLDER\n");
    return 2;
  }
  vitrine::Write(argv[1]);
  return 0;
}
