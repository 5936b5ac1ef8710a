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
#include "tests/fuzz/fuzz_requests.h"
#include "tests/test_util.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/plain_embedder.h"

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

// Of the products of request_fuzz, with each field at least once.
void WriteRequests(const std::filesystem::path& folder) {
  auto write = [&folder](const char* name, FuzzedCall call,
                         const google::protobuf::Message& request) {
    testing::WriteAll(folder / name, FuzzedBytesOf(call, request));
  };
  const std::string picture = DrawPicture(5, 125, 90, 120);

  v1::SearchRequest product;
  product.add_examples()->set_product_id("p5");
  product.mutable_fields()->set_thumbnail(true);
  product.mutable_fields()->set_vector(true);
  product.add_facets("baseColour");
  product.set_facet_values(1);
  write("search_product", FuzzedCall::kSearch, product);

  v1::SearchRequest filtered;
  v1::Example* example = filtered.add_examples();
  example->mutable_image()->set_content(picture);
  example->mutable_image()->mutable_region()->set_x1(0.5f);
  example->mutable_image()->mutable_region()->set_y1(1);
  example = filtered.add_examples();
  example->set_product_id("p00003");
  example->set_weight(-0.25f);
  auto* all = filtered.mutable_filter()->mutable_all();
  v1::Filter::Condition* condition = all->add_filters()->mutable_condition();
  condition->set_attribute("category");
  condition->mutable_any_of()->add_values("Dress");
  condition = all->add_filters()
                  ->mutable_any()
                  ->add_filters()
                  ->mutable_none()
                  ->add_filters()
                  ->mutable_condition();
  condition->set_attribute("price");
  condition->mutable_range()->set_min(3);
  filtered.set_k(5);
  filtered.set_offset(1);
  filtered.set_collapse_near_duplicates(true);
  filtered.set_group_by_product(false);
  filtered.add_diversity()->set_attribute("baseColour");
  filtered.mutable_diversity(0)->set_limit(2);
  filtered.add_emphasis()->set_block("colour");
  filtered.mutable_emphasis(0)->set_emphasis(2);
  write("search_filtered", FuzzedCall::kSearch, filtered);

  v1::SearchRequest vector;
  v1::Vector* numbers = vector.add_examples()->mutable_vector();
  for (int i = 0; i < 192; ++i) {
    numbers->add_values(static_cast<float>(i % 7) - 2.5f);
  }
  vector.set_metric(v1::METRIC_MANHATTAN);
  vector.set_exact(true);
  vector.set_min_score(0.01f);
  vector.add_exclude_product_ids("p1");
  write("search_vector", FuzzedCall::kSearch, vector);

  v1::SearchStreamRequest batch;
  batch.set_batch_id(7);
  *batch.add_queries() = product;
  *batch.add_queries() = vector;
  batch.add_queries()->set_min_recall(0.9);
  batch.mutable_queries(2)->add_examples()->set_product_id("p00008");
  write("searches", FuzzedCall::kSearches, batch);

  v1::RecommendRequest recommend;
  recommend.set_product_id("p0");
  recommend.set_k_similar(4);
  write("recommend_product", FuzzedCall::kRecommend, recommend);
  recommend.mutable_image()->set_content(picture);
  recommend.add_slots("shoes");
  recommend.set_min_confidence(0.1f);
  write("recommend_image", FuzzedCall::kRecommend, recommend);
  *recommend.mutable_product()->mutable_vector() = vector.examples(0).vector();
  (*recommend.mutable_product()->mutable_attributes())["gender"].set_text(
      "Women");
  recommend.mutable_product()->add_content_sha256s(std::string(32, 'x'));
  write("recommend_elsewhere", FuzzedCall::kRecommend, recommend);

  v1::RecommendRequest shop;
  shop.set_product_id("p0");
  v1::Boost* boost = shop.add_boosts();
  boost->set_factor(1.5f);
  *boost->mutable_filter() = filtered.filter();
  shop.add_diversity()->set_attribute("baseColour");
  shop.mutable_diversity(0)->set_limit(1);
  write("recommend_shop", FuzzedCall::kRecommend, shop);
  shop.set_candidates_per_slot(20);
  write("recommend_candidates", FuzzedCall::kRecommend, shop);
  product.clear_facets();
  *product.mutable_boosts() = shop.boosts();
  write("search_boosted", FuzzedCall::kSearch, product);

  v1::EmbedRequest embed;
  embed.add_images()->set_content(picture);
  embed.add_images()->set_content("no picture");
  write("embed", FuzzedCall::kEmbed, embed);

  v1::GetProductRequest get_product;
  get_product.set_product_id("p5");
  get_product.set_vectors(true);
  write("get_product", FuzzedCall::kGetProduct, get_product);
  v1::GetImageRequest get_image;
  get_image.set_product_id("p5");
  get_image.set_image("p5.jpg");
  write("get_image", FuzzedCall::kGetImage, get_image);

  v1::ListProductsRequest list;
  list.set_vectors(true);
  list.set_after_product_id("p00010");
  condition = list.mutable_filter()->mutable_condition();
  condition->set_attribute("sizes");
  condition->set_exists(true);
  write("list_products", FuzzedCall::kListProducts, list);
}

void Write(const std::filesystem::path& folder) {
  for (const char* name : {"shard", "table", "picture_pack", "manifest",
                           "complements", "request"}) {
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
  v1::Complements complements = ComplementsOfModel(std::string(64, '0'));
  testing::WriteAll(folder / "complements/none",
                    complements.SerializeAsString());
  AddProjection(&complements, "Shirt", "top", "shoes", 128, 130);
  AddProjection(&complements, "", "", "bag", 0, 1)->set_rank(0);
  complements.mutable_projections(1)->clear_right();
  complements.mutable_projections(1)->clear_left();
  testing::WriteAll(folder / "complements/two",
                    complements.SerializeAsString());
  WriteRequests(folder / "request");
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
