// The bundle in models/, as C++ and Python see it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/model/embedder.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/cosine.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

fs::path ModelsDir() { return testing::SourceDir() / "models"; }

std::unique_ptr<Embedder> LoadShipped() {
  auto embedder = LoadTorchEmbedder(ModelsDir() / "vitrine-lite0.pt", 1);
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  return embedder.ok() ? std::move(embedder).value() : nullptr;
}

std::vector<float> EmbedFile(Embedder& embedder, const fs::path& path) {
  const ModelCard& card = embedder.card();
  auto image =
      DecodeImage(testing::ReadAll(path), {}, DecodeMinSide(card.input_size));
  EXPECT_TRUE(image.ok()) << path << ": " << image.status();
  if (!image.ok()) return {};
  std::vector<float> vector(card.dim());
  absl::Status status =
      embedder.Embed(SquareImage(*image, card.resize, card.input_size).data(),
                     1, vector.data());
  EXPECT_TRUE(status.ok()) << path << ": " << status;
  return vector;
}

// The kinds of file that are read, and some real photos where there are any.
std::vector<fs::path> Pictures() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(
           testing::SourceDir() / "tests" / "data" / "images")) {
    paths.push_back(entry.path());
  }
  if (auto photos = testing::ClothingDataset()) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(*photos / "images")) {
      if (++count > 4) break;
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(ShippedBundle, FitsARepositoryAndNamesItsBlocks) {
  EXPECT_LE(fs::file_size(ModelsDir() / "vitrine-lite0.pt"), 10'000'000u);
  auto embedder = LoadShipped();
  ASSERT_NE(embedder, nullptr);
  const ModelCard& card = embedder->card();
  EXPECT_EQ(card.input_size, 256);
  EXPECT_EQ(card.precision, "float32");
  EXPECT_EQ(card.licence, "Apache-2.0");
  ASSERT_EQ(card.blocks.size(), 2u);
  EXPECT_EQ(card.blocks[0].name, "shape");
  EXPECT_EQ(card.blocks[0].dim, 384);
  EXPECT_EQ(card.blocks[1].name, "colour");
  EXPECT_EQ(card.blocks[1].dim, 128);
}

bool HasPython() {
  return testing::RunToEnd(
             {"/usr/bin/python3", "-c", "import numpy, PIL, torch"})
             .status == 0;
}

// What a command of models/ prints, run by Debian's own Python.
std::string VitrineModels(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {"/usr/bin/env", "PYTHONPATH=" + ModelsDir().string(),
                    "/usr/bin/python3", "-m", "vitrine_models"});
  testing::Output output =
      testing::RunToEnd(arguments, std::chrono::minutes(4));
  EXPECT_EQ(output.status, 0) << output.err;
  return output.out;
}

// Embeds `pictures` in both languages, block by block alike.
void ExpectPythonsVectors(Embedder& embedder,
                          const std::vector<fs::path>& pictures) {
  std::vector<std::string> command = {"embed", "--model",
                                      embedder.bundle_path().string()};
  for (const fs::path& path : pictures) command.push_back(path.string());
  std::istringstream lines(VitrineModels(command));
  std::string line;
  for (const fs::path& path : pictures) {
    ASSERT_TRUE(std::getline(lines, line)) << "no vector of " << path;
    auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object.at("image"), path.string());
    auto theirs = object.at("vector").get<std::vector<float>>();
    std::vector<float> ours = EmbedFile(embedder, path);
    ASSERT_EQ(ours.size(), theirs.size()) << path;
    int start = 0;
    for (const Block& block : embedder.card().blocks) {
      EXPECT_GE(testing::Cosine(&ours[start], &theirs[start], block.dim), 0.999)
          << path << ", block " << block.name;
      start += block.dim;
    }
  }
}

TEST(ShippedBundle, GivesTheVectorsThatPythonGives) {
  if (!HasPython()) {
    GTEST_SKIP() << "Debian's python3-torch, -numpy and -pil are not there";
  }
  auto embedder = LoadShipped();
  ASSERT_NE(embedder, nullptr);
  std::vector<fs::path> pictures = Pictures();
  ASSERT_GE(pictures.size(), 10u);
  ExpectPythonsVectors(*embedder, pictures);
}

// models/tests/vision_transformer.py: any nn.Module can become a bundle.
TEST(ExportedModule, GivesTheVectorsThatPythonGives) {
  if (!HasPython()) {
    GTEST_SKIP() << "Debian's python3-torch, -numpy and -pil are not there";
  }
  const testing::TempDir dir;
  const fs::path bundle = dir / "vision_transformer.pt";
  VitrineModels({"export", "--module=tests.vision_transformer:create",
                 "--size=32", "--projection=none", "--out", bundle.string()});
  auto embedder = LoadTorchEmbedder(bundle, 1);
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  EXPECT_EQ((*embedder)->card().dim(), 64 + 128);
  ExpectPythonsVectors(**embedder,
                       {testing::SourceDir() / "tests/data/parity/photo.jpg"});
}

}  // namespace
}  // namespace vitrine
