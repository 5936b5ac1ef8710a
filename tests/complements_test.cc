#include "common/index/complements.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/test_util.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

const std::string kModel(64, 'a');

v1::Complements Sample() {
  v1::Complements complements = ComplementsOfModel(kModel);
  AddProjection(&complements, "", "top", "shoes", 128, 130);
  AddProjection(&complements, "", "", "bag", 0, 1);
  return complements;
}

absl::Status StatusOf(const v1::Complements& complements) {
  return Complements::Parse(ComplementsFileOf(complements), "a.pb").status();
}

storage::VectorSet SetOf(const std::string& model) {
  storage::VectorSet set;
  set.set_model(model);
  for (const Block& block : TestBlocks()) {
    set.add_blocks()->set_dim(static_cast<uint32_t>(block.dim));
  }
  return set;
}

TEST(Complements, ReadsWhatWasWritten) {
  const std::string bytes = ComplementsFileOf(Sample());
  ASSERT_OK_AND_ASSIGN(const auto read, Complements::Parse(bytes, "a.pb"));
  EXPECT_EQ(read->digest(), ToHex(Sha256(bytes)));
  EXPECT_EQ(read->model(), kModel);
  EXPECT_EQ(read->size(), 2u);
  ASSERT_NE(read->Find("", "top", "shoes"), nullptr);
  EXPECT_EQ(read->Find("", "top", "shoes")->pairs(), 100u);
  EXPECT_NE(read->Find("", "", "bag"), nullptr);
  EXPECT_EQ(read->Find("", "shoes", "top"), nullptr);
  EXPECT_EQ(read->Find("Shirt", "top", "shoes"), nullptr);
}

TEST(Complements, ProjectsAndEmphasisesByLength) {
  v1::Complements complements = ComplementsOfModel(kModel);
  v1::Projection* const projection =
      AddProjection(&complements, "", "", "bag", 128, 129);
  projection->set_bias(0, 0.1f);
  ASSERT_OK_AND_ASSIGN(
      const auto read,
      Complements::Parse(ComplementsFileOf(complements), "a.pb"));
  std::vector<float> vector(192);
  vector[0] = std::sqrt(0.8f);
  vector[128] = std::sqrt(0.2f);
  const auto query = read->Project(*read->Find("", "", "bag"), vector);
  ASSERT_TRUE(query.has_value());
  // Normalised, …
  EXPECT_NEAR(query->vector[0], std::sqrt(0.8f), 1e-6);
  EXPECT_NEAR(query->vector[129], std::sqrt(0.2f), 1e-6);
  EXPECT_NEAR(query->vector[128], 0, 1e-6);
  // … and as long as they came out, relative to the roots of the weights.
  EXPECT_NEAR(query->emphasis[0], 0.1f / std::sqrt(0.8f), 1e-6);
  EXPECT_NEAR(query->emphasis[1], 1, 1e-6);
}

TEST(Complements, MakesNothingOfZeros) {
  ASSERT_OK_AND_ASSIGN(const auto read,
                       Complements::Parse(ComplementsFileOf(Sample()), "a.pb"));
  // What the projection reads is 0.
  EXPECT_FALSE(
      read->Project(*read->Find("", "", "bag"), std::vector<float>(192)));
  EXPECT_FALSE(
      read->Project(*read->Find("", "", "bag"), std::vector<float>(64, 1.0f)));
}

TEST(Complements, IsForItsModelAlone) {
  ASSERT_OK_AND_ASSIGN(const auto read,
                       Complements::Parse(ComplementsFileOf(Sample()), "a.pb"));
  EXPECT_OK(read->CheckIsFor(SetOf(kModel)));
  const absl::Status other = read->CheckIsFor(SetOf(std::string(64, 'b')));
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  EXPECT_THAT(std::string(other.message()), HasSubstr("fit it anew"));
  storage::VectorSet narrow = SetOf(kModel);
  narrow.mutable_blocks(0)->set_dim(64);
  EXPECT_TRUE(absl::IsFailedPrecondition(read->CheckIsFor(narrow)));
}

TEST(Complements, RefusesWhatIsNoFileOfThem) {
  for (const std::string& bytes :
       {std::string(), std::string("PK\3\4"), std::string(1000, '\0'),
        v1::ComplementsFile().SerializeAsString()}) {
    const absl::Status status = Complements::Parse(bytes, "a.pb").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("a.pb"));
  }
}

TEST(Complements, RefusesEachCutAndFlippedBit) {
  google::protobuf::SetLogHandler(nullptr);
  const std::string bytes = ComplementsFileOf(Sample());
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(Complements::Parse(bytes.substr(0, size), "a.pb").ok());
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] ^= static_cast<char>(1 << (at % 8));
    EXPECT_FALSE(Complements::Parse(flipped, "a.pb").ok()) << at;
  }
}

TEST(Complements, RefusesHostileSizesAndNumbers) {
  const auto refuses = [](const char* why, const auto& change) {
    v1::Complements complements = Sample();
    change(&complements, complements.mutable_projections(0));
    const absl::Status status = StatusOf(complements);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << why << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  };
  using All = v1::Complements;
  using One = v1::Projection;
  refuses("right[3] is nan", [](All*, One* one) {
    one->set_right(3, std::numeric_limits<float>::quiet_NaN());
  });
  refuses("left[0] is inf", [](All*, One* one) {
    one->set_left(0, std::numeric_limits<float>::infinity());
  });
  refuses("bias[1]", [](All*, One* one) { one->set_bias(1, 1e30f); });
  refuses("bias has 191",
          [](All*, One* one) { one->mutable_bias()->RemoveLast(); });
  refuses("right has 192 numbers, not 384",
          [](All*, One* one) { one->set_rank(2); });
  refuses("rank", [](All*, One* one) { one->set_rank(4'000'000'000u); });
  refuses("names no slot", [](All*, One* one) { one->clear_to_slot(); });
  refuses("twice", [](All* all, One* one) { *all->add_projections() = *one; });
  refuses("projections", [](All* all, One*) { all->clear_projections(); });
  refuses("blocks", [](All* all, One*) { all->clear_blocks(); });
  refuses("block", [](All* all, One*) {
    all->mutable_blocks(0)->set_dim(2'000'000'000);
    all->mutable_blocks(1)->set_dim(2'000'000'000);
  });
  refuses("block",
          [](All* all, One*) { all->mutable_blocks(0)->set_dim(-128); });
  refuses("block", [](All* all, One*) {
    all->mutable_blocks(0)->set_weight(std::numeric_limits<float>::quiet_NaN());
  });
  refuses("SHA-256", [](All* all, One*) { all->set_model("../../etc"); });
  v1::Complements newer = Sample();
  newer.set_version(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(StatusOf(newer)));
}

// What an attacker would write: the checksum holds.
TEST(Complements, DamageUnderARightChecksumCrashesNothing) {
  google::protobuf::SetLogHandler(nullptr);
  const std::string inner = Sample().SerializeAsString();
  std::mt19937 random(1);
  int read = 0;
  for (int i = 0; i < 3000; ++i) {
    v1::ComplementsFile file;
    file.set_complements(inner);
    for (int flips = 0; flips < 3; ++flips) {
      (*file.mutable_complements())[random() % inner.size()] =
          static_cast<char>(random());
    }
    const Sha256Digest digest = Sha256(file.complements());
    file.set_sha256(std::string(digest.begin(), digest.end()));
    const auto parsed = Complements::Parse(file.SerializeAsString(), "a.pb");
    if (!parsed.ok()) continue;
    ++read;
    if (const auto* projection = (*parsed)->Find("", "top", "shoes")) {
      const auto query =
          (*parsed)->Project(*projection, std::vector<float>(192, 0.1f));
      if (!query) continue;
      for (const float x : query->vector) EXPECT_TRUE(std::isfinite(x));
    }
  }
  EXPECT_GT(read, 100);
}

TEST(Complements, AreOpenedByTheirDigestAlone) {
  TempDir dir;
  const std::string bytes = ComplementsFileOf(Sample());
  storage::FileRef ref;
  ref.set_name(ToHex(Sha256(bytes)));
  const std::filesystem::path path = dir.path() / ref.name();
  EXPECT_TRUE(absl::IsDataLoss(Complements::Open(path, ref).status()));
  testing::WriteAll(path, bytes);
  EXPECT_OK(Complements::Open(path, ref).status());
  // Whole, but another file.
  v1::Complements other = Sample();
  other.mutable_projections(0)->set_pairs(5);
  testing::WriteAll(path, ComplementsFileOf(other));
  const absl::Status status = Complements::Open(path, ref).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path.string()));
}

}  // namespace
}  // namespace vitrine
