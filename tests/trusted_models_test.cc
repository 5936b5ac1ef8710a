#include "common/model/trusted_models.h"

#include <algorithm>
#include <cctype>

#include "common/base/hash.h"
#include "tests/test_util.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kA = ToHex(Sha256("a"));
const std::string kB = ToHex(Sha256("b"));

TEST(ParseTrustedModels, ReadsDigestsWithOrWithoutANameAndNotes) {
  const auto trusted =
      ParseTrustedModels("# Who has looked at them: Ada, 2026-11-02\n\n" + kB +
                             "  models/b.pt\r\n\t" + kA + "\n  # the end",
                         "list");
  ASSERT_OK(trusted);
  EXPECT_THAT(*trusted, ElementsAre(std::min(kA, kB), std::max(kA, kB)));
  EXPECT_TRUE(ParseTrustedModels("", "list")->empty());
}

TEST(ParseTrustedModels, TakesCapitals) {
  std::string capitals = kA;
  for (char& c : capitals) c = static_cast<char>(std::toupper(c));
  EXPECT_THAT(*ParseTrustedModels(capitals + "\n" + kA, "list"),
              ElementsAre(kA));
}

TEST(ParseTrustedModels, NamesFileLineAndRemedyOfWhatItDoesNotUnderstand) {
  for (const std::string& bad :
       {std::string("models/b.pt"), kA.substr(1), kA + "0", "b.pt " + kA,
        "\\" + kA + "  odd\\nname.pt", kA.substr(0, 63) + "g"}) {
    const auto trusted =
        ParseTrustedModels(kB + "\n\n" + bad + "\n", "/etc/vitrine/models");
    EXPECT_STATUS(trusted, absl::StatusCode::kInvalidArgument,
                  "/etc/vitrine/models line 3: \"");
    EXPECT_THAT(std::string(trusted.status().message()),
                HasSubstr("sha256sum BUNDLE"));
  }
}

TEST(CheckTrusted, NamesDigestListAndRemedyAndHearsOfWhatIsAdded) {
  testing::TempDir dir;
  const auto list = dir / "trusted";
  testing::WriteAll(list, kA + "  a.pt\n");
  EXPECT_OK(CheckTrusted(list, kA));
  const absl::Status refused = CheckTrusted(list, kB);
  EXPECT_STATUS(refused, absl::StatusCode::kFailedPrecondition, list.string());
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("add this line there: " + kB));
  testing::WriteAll(list, kA + "  a.pt\n" + kB + "\n");
  EXPECT_OK(CheckTrusted(list, kB));
}

TEST(CheckTrusted, TrustsNothingWhereTheListCannotBeRead) {
  testing::TempDir dir;
  const auto list = dir / "trusted";
  EXPECT_STATUS(CheckTrusted(list, kA), absl::StatusCode::kFailedPrecondition,
                list.string());
  testing::WriteAll(list, kA + "\noops\n");
  EXPECT_STATUS(CheckTrusted(list, kA), absl::StatusCode::kFailedPrecondition,
                "line 2");
  testing::WriteAll(list, "");
  EXPECT_STATUS(CheckTrusted(list, kA), absl::StatusCode::kFailedPrecondition,
                kA);
}

}  // namespace
}  // namespace vitrine
