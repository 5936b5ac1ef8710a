#include "common/model/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "tests/test_util.h"
#include "tests/test_util/cosine.h"

namespace vitrine {
namespace {

using Json = nlohmann::json;
namespace jit = torch::jit;

constexpr int kSize = 32;
constexpr int kDim = 128;

Json Card() {
  return Json::parse(R"({
    "name": "tiny", "version": "7", "input_size": 32, "resize": "squash",
    "blocks": [{"name": "shape", "dim": 64, "weight": 0.5},
               {"name": "colour", "dim": 64, "weight": 0.5}],
    "precision": "float32", "origin": "", "licence": "", "trained_on": ""})");
}

// Two convolutions and a mean: 128 numbers a picture.
constexpr char kGood[] = R"(
def forward(self, x):
    f = x.permute(0, 3, 1, 2).to(self.first) / 255.0
    f = torch.relu(torch.conv2d(f, self.first, None, [2, 2], [1, 1]))
    f = torch.relu(torch.conv2d(f, self.second, None, [2, 2], [1, 1]))
    return f.mean([2, 3])
)";

class TorchEmbedderTest : public ::testing::Test {
 protected:
  // Writes a bundle whose module has the method `source`.
  std::filesystem::path Bundle(const std::string& source,
                               const Json& card = Card(),
                               at::ScalarType type = torch::kFloat) {
    torch::manual_seed(1);
    jit::Module module("Tiny");
    module.register_parameter("first", torch::randn({32, 3, 3, 3}).to(type),
                              false);
    module.register_parameter(
        "second", (torch::randn({kDim, 32, 3, 3}) * 0.1).to(type), false);
    module.define(source);
    auto path = dir_ / ("bundle" + std::to_string(count_++) + ".pt");
    module.save(path.string(), {{"card.json", card.dump()}});
    return path;
  }

  std::unique_ptr<Embedder> Load(
      const std::filesystem::path& path, int threads = 1,
      EmbedVariant variant = EmbedVariant::kFastest) {
    auto embedder = LoadTorchEmbedder(path, threads, variant);
    EXPECT_TRUE(embedder.ok()) << embedder.status();
    return std::move(embedder).value();
  }

  void ExpectRefused(const std::filesystem::path& path,
                     const std::string& part) {
    auto embedder = LoadTorchEmbedder(path, 1);
    ASSERT_FALSE(embedder.ok()) << part;
    EXPECT_EQ(embedder.status().code(), absl::StatusCode::kInvalidArgument);
    std::string message(embedder.status().message());
    EXPECT_NE(message.find(part), std::string::npos)
        << message << "\nsays nothing of " << part;
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }

  testing::TempDir dir_;
  int count_ = 0;
};

std::vector<uint8_t> Pictures(int n) {
  std::vector<uint8_t> pixels(size_t(n) * kSize * kSize * 3);
  uint32_t state = 1;
  for (size_t i = 0; i < pixels.size(); ++i) {
    state = state * 1664525 + 1013904223;
    // Pictures of different brightness and grain.
    size_t picture = i / (kSize * kSize * 3);
    pixels[i] = uint8_t((state >> 24) / (1 + picture % 3) + 5 * picture);
  }
  return pixels;
}

std::vector<float> Embed(Embedder& embedder, const std::vector<uint8_t>& pixels,
                         int n) {
  std::vector<float> vectors(size_t(n) * embedder.card().dim());
  absl::Status status = embedder.Embed(pixels.data(), n, vectors.data());
  EXPECT_TRUE(status.ok()) << status;
  return vectors;
}

double MinCosine(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double min = 1;
  for (size_t i = 0; i < a.size(); i += kDim) {
    min = std::min(min, testing::Cosine(&a[i], &b[i], kDim));
  }
  return min;
}

TEST_F(TorchEmbedderTest, LoadsTheCardAndTheId) {
  auto path = Bundle(kGood);
  auto embedder = Load(path);
  EXPECT_EQ(embedder->card().id, ToHex(Sha256(testing::ReadAll(path))));
  EXPECT_EQ(embedder->card().name, "tiny");
  EXPECT_EQ(embedder->card().version, "7");
  EXPECT_EQ(embedder->card().dim(), kDim);
  EXPECT_EQ(embedder->bundle_path(), path);
  EXPECT_GE(embedder->preferred_batch(), 1);
  EXPECT_NE(embedder->description().find("tiny"), std::string::npos);
}

TEST_F(TorchEmbedderTest, GivesAPictureTheSameVectorInAnyBatch) {
  auto path = Bundle(kGood);
  const int most = 17;
  std::vector<uint8_t> pictures = Pictures(most);
  const size_t picture_bytes = pictures.size() / most;
  for (EmbedVariant variant : {EmbedVariant::kFrozen, EmbedVariant::kOptimized,
                               EmbedVariant::kChannelsLast}) {
    for (int threads : {1, 2, 3}) {
      auto embedder = Load(path, threads, variant);
      std::vector<float> alone;
      for (int i = 0; i < most; ++i) {
        std::vector<uint8_t> one(pictures.begin() + i * picture_bytes,
                                 pictures.begin() + (i + 1) * picture_bytes);
        std::vector<float> vector = Embed(*embedder, one, 1);
        alone.insert(alone.end(), vector.begin(), vector.end());
      }
      for (int n : {1, 2, 3, 4, 5, 8, 16, 17}) {
        std::vector<float> batch = Embed(*embedder, pictures, n);
        std::vector<float> expected(alone.begin(), alone.begin() + n * kDim);
        EXPECT_GE(MinCosine(batch, expected), 0.99999)
            << n << " pictures on " << threads << " threads, "
            << embedder->description();
      }
    }
  }
}

TEST_F(TorchEmbedderTest, GivesTheSameVectorsInEveryVariant) {
  auto path = Bundle(kGood);
  std::vector<uint8_t> pictures = Pictures(8);
  std::vector<float> plain =
      Embed(*Load(path, 1, EmbedVariant::kFrozen), pictures, 8);
  for (EmbedVariant variant :
       {EmbedVariant::kOptimized, EmbedVariant::kChannelsLast,
        EmbedVariant::kFastest}) {
    auto embedder = Load(path, 1, variant);
    EXPECT_GE(MinCosine(Embed(*embedder, pictures, 8), plain), 0.9999)
        << embedder->description();
  }
}

TEST_F(TorchEmbedderTest, RunsTheVariantThatWasAskedFor) {
  auto path = Bundle(kGood);
  for (auto [variant, name] :
       {std::pair{EmbedVariant::kFrozen, "frozen"},
        {EmbedVariant::kOptimized, "optimize_for_inference"},
        {EmbedVariant::kChannelsLast, "channels-last"}}) {
    EXPECT_NE(Load(path, 1, variant)->description().find(name),
              std::string::npos);
  }
}

TEST_F(TorchEmbedderTest, TakesTheVariantOfATrialThatStillHolds) {
  auto path = Bundle(kGood);
  for (const EmbedVariant variant :
       {EmbedVariant::kFrozen, EmbedVariant::kOptimized,
        EmbedVariant::kChannelsLast}) {
    EmbedTrial trial = Load(path, 1, variant)->trial();
    EXPECT_EQ(trial.variant, variant);
    ASSERT_EQ(trial.vector.size(), size_t{kDim});
    auto known = LoadTorchEmbedder(path, 1, EmbedVariant::kFastest, trial);
    ASSERT_TRUE(known.ok()) << known.status();
    EXPECT_EQ((*known)->trial().variant, variant);
    // Nothing was timed.
    EXPECT_EQ((*known)->description().find("a second"), std::string::npos);
    // What holds no more is tried anew.
    for (const float first : {-trial.vector[0] - 1, std::nanf("")}) {
      trial.vector[0] = first;
      auto tried = LoadTorchEmbedder(path, 1, EmbedVariant::kFastest, trial);
      ASSERT_TRUE(tried.ok()) << tried.status();
      EXPECT_NE((*tried)->description().find("a second"), std::string::npos);
    }
  }
}

TEST_F(TorchEmbedderTest, RunsHalfPrecisionOnDiskInFloat32) {
  std::vector<uint8_t> pictures = Pictures(4);
  std::vector<float> full = Embed(*Load(Bundle(kGood)), pictures, 4);
  auto half = Load(Bundle(kGood, Card(), torch::kHalf));
  EXPECT_GE(MinCosine(Embed(*half, pictures, 4), full), 0.9999);
}

TEST_F(TorchEmbedderTest, RunsBfloat16WhereTheCardSaysSo) {
  Json card = Card();
  card["precision"] = "bfloat16";
  std::vector<uint8_t> pictures = Pictures(4);
  std::vector<float> full = Embed(*Load(Bundle(kGood)), pictures, 4);
  std::vector<float> half = Embed(*Load(Bundle(kGood, card)), pictures, 4);
  EXPECT_GE(MinCosine(half, full), 0.9995);
  EXPECT_NE(half, full);
}

TEST_F(TorchEmbedderTest, FailsOnNumbersThatAreNotFinite) {
  auto embedder = Load(Bundle(R"(
def forward(self, x):
    f = x.float().mean([1, 2, 3]).unsqueeze(1)
    return (f / f).expand(x.size(0), 128) * torch.arange(128).float()
)"));
  std::vector<uint8_t> pixels = Pictures(3);
  std::fill_n(pixels.begin() + kSize * kSize * 3, kSize * kSize * 3, 0);
  std::vector<float> vectors(3 * kDim);
  absl::Status status = embedder->Embed(pixels.data(), 3, vectors.data());
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  // And goes on with the next batch.
  EXPECT_TRUE(embedder->Embed(pixels.data(), 1, vectors.data()).ok());
}

TEST_F(TorchEmbedderTest, FailsWhereTheModelRaises) {
  auto embedder = Load(Bundle(R"(
def forward(self, x):
    assert bool(x.max() > 0), "a black picture"
    return x.float().mean([1, 2, 3]).unsqueeze(1).expand(x.size(0), 128)
)"),
                       2);
  std::vector<uint8_t> black(size_t(9) * kSize * kSize * 3, 0);
  std::vector<float> vectors(9 * kDim);
  absl::Status status = embedder->Embed(black.data(), 9, vectors.data());
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("a black picture"), absl::string_view::npos)
      << status;
  EXPECT_TRUE(embedder->Embed(Pictures(9).data(), 9, vectors.data()).ok());
}

// The pictures and Python's vectors are those of tests/data/make_parity.py.
TEST(DefaultBundle, GivesPythonsVectors) {
  const auto parity = testing::SourceDir() / "tests/data/parity";
  const Json expected = Json::parse(testing::ReadAll(parity / "vectors.json"));
  const auto path =
      testing::SourceDir() / "models" / expected["bundle"].get<std::string>();
  auto embedder = LoadTorchEmbedder(path, 1);
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  const ModelCard& card = (*embedder)->card();
  ASSERT_EQ(card.id, expected["sha256"])
      << "the bundle has changed: run tests/data/make_parity.py vectors";
  ASSERT_GE(expected["vectors"].size(), 7u);
  for (const auto& [name, numbers] : expected["vectors"].items()) {
    absl::StatusOr<Image> image = DecodeImage(
        testing::ReadAll(parity / name), {}, DecodeMinSide(card.input_size));
    ASSERT_TRUE(image.ok()) << name << ": " << image.status();
    std::vector<uint8_t> pixels =
        SquareImage(*image, card.resize, card.input_size);
    std::vector<float> vector = Embed(**embedder, pixels, 1);
    const auto python = numbers.get<std::vector<float>>();
    ASSERT_EQ(python.size(), vector.size());
    size_t at = 0;
    for (const Block& block : card.blocks) {
      EXPECT_GE(testing::Cosine(&vector[at], &python[at], block.dim), 0.999)
          << name << ", block " << block.name;
      at += block.dim;
    }
  }
}

// See tests/data/make_newer_pytorch.py.
TEST(Bundle, LoadsWhereANewerPyTorchMadeIt) {
  const auto made = testing::SourceDir() / "tests/data/newer_pytorch";
  std::vector<uint8_t> pixels(size_t(256) * 256 * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = uint8_t(i * 7 % 251);
  for (const std::string name : {"bundle", "vision_transformer"}) {
    SCOPED_TRACE(name);
    auto embedder = LoadTorchEmbedder(made / (name + ".pt"), 1);
    ASSERT_TRUE(embedder.ok()) << embedder.status();
    const ModelCard& card = (*embedder)->card();
    EXPECT_THAT(card.origin + card.trained_on,
                ::testing::HasSubstr("PyTorch 2."));
    const std::vector<float> vector = Embed(**embedder, pixels, 1);
    const auto theirs = Json::parse(testing::ReadAll(made / (name + ".json")))
                            .get<std::vector<float>>();
    ASSERT_EQ(theirs.size(), vector.size());
    EXPECT_GE(testing::Cosine(vector.data(), theirs.data(), 64), 0.9999);
    EXPECT_GE(testing::Cosine(&vector[64], &theirs[64], 128), 0.9999);
  }
}

TEST_F(TorchEmbedderTest, SaysWhatToDoAboutAnOperatorThatItDoesNotKnow) {
  ExpectRefused(
      testing::SourceDir() / "tests/data/newer_pytorch" / "unknown_operator.pt",
      "scaled_dot_product_attention.); a newer PyTorch made it: save "
      "it with vitrine_models");
}

TEST_F(TorchEmbedderTest, GivesNothingToTorchBeforeItsDigestIsChecked) {
  testing::WriteAll(dir_ / "text.pt", "not a module");
  std::string seen;
  const auto refused = LoadTorchEmbedder(
      dir_ / "text.pt", 1, EmbedVariant::kFastest, {},
      [&](std::string_view sha256) {
        seen = sha256;
        return absl::FailedPreconditionError("it is not trusted");
      });
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.status().message(),
            (dir_ / "text.pt").string() + ": it is not trusted");
  EXPECT_EQ(seen, ToHex(Sha256("not a module")));
}

TEST_F(TorchEmbedderTest, RunsTheBytesThatWereChecked) {
  const auto path = Bundle(kGood);
  Json card = Card();
  card["name"] = "another";
  const auto other = Bundle(kGood, card);
  const std::string digest = ToHex(Sha256(testing::ReadAll(path)));
  const auto embedder = LoadTorchEmbedder(
      path, 1, EmbedVariant::kFastest, {}, [&](std::string_view sha256) {
        EXPECT_EQ(sha256, digest);
        std::filesystem::rename(other, path);
        return absl::OkStatus();
      });
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  EXPECT_EQ((*embedder)->card().name, "tiny");
  EXPECT_EQ((*embedder)->card().id, digest);
}

TEST_F(TorchEmbedderTest, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(LoadTorchEmbedder(dir_ / "none.pt", 1).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(TorchEmbedderTest, RefusesWhatIsNoBundle) {
  testing::WriteAll(dir_ / "text.pt", "not a module");
  ExpectRefused(dir_ / "text.pt", "no TorchScript file");
  testing::WriteAll(dir_ / "empty.pt", "");
  ExpectRefused(dir_ / "empty.pt", "no TorchScript file");
  std::string whole = testing::ReadAll(Bundle(kGood));
  testing::WriteAll(dir_ / "cut.pt", whole.substr(0, whole.size() / 2));
  ExpectRefused(dir_ / "cut.pt", "no TorchScript file");
}

TEST_F(TorchEmbedderTest, RefusesABundleWithoutACard) {
  jit::Module module("Bare");
  module.define("def forward(self, x):\n    return x.float()\n");
  module.save((dir_ / "bare.pt").string());
  ExpectRefused(dir_ / "bare.pt", "card.json");
}

TEST_F(TorchEmbedderTest, RefusesABadCard) {
  Json card = Card();
  card["resize"] = "stretch";
  ExpectRefused(Bundle(kGood, card), "`stretch`");
}

TEST_F(TorchEmbedderTest, RefusesAnotherDimensionThanTheCards) {
  Json card = Card();
  card["blocks"][1]["dim"] = 128;
  ExpectRefused(Bundle(kGood, card), "[4, 192]");
}

TEST_F(TorchEmbedderTest, RefusesBadOutputs) {
  struct Case {
    const char* body;
    const char* part;
  };
  for (Case c : {
           Case{"return x.float().mean([1, 2, 3])", "the shape [4]"},
           Case{"return x.float().mean([1, 2])", "the shape [4, 3]"},
           Case{"return x.reshape(x.size(0), -1)[:, 0:128]", "Byte"},
           Case{"return x.double().reshape(x.size(0), -1)[:, 0:128]", "Double"},
           Case{"return [x]", "instead of a tensor"},
           Case{"return x.float().reshape(x.size(0), -1)[:, 0:128] / 0",
                "finite"},
           // As weights that are no numbers give it.
           Case{"return x.float().reshape(x.size(0), -1)[:, 0:128] * "
                "float(\"nan\")",
                "the model returned nan"},
           Case{"assert x.size(0) > 99, \"no luck\"\n"
                "    return x.float()",
                "no luck"},
           Case{"return x.reshape(4, -1).float()[:, 0:128]", "1 pictures"},
           Case{"f = x.float().reshape(x.size(0), -1)[:, 0:128]\n"
                "    return f - f.mean(0) + 1",
                "depends on the other pictures"},
       }) {
    ExpectRefused(
        Bundle("def forward(self, x):\n    " + std::string(c.body) + "\n"),
        c.part);
  }
}

TEST_F(TorchEmbedderTest, RefusesAModuleWithoutForward) {
  ExpectRefused(Bundle("def other(self, x):\n    return x\n"), "forward");
}

}  // namespace
}  // namespace vitrine
