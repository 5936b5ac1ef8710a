#include "benchmarks/bench_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Machine kMachine = {"A processor", 2, {"avx2", "avx512_vnni"}};

TEST(JsonLine, TellsWhatAppliesOnOneLine) {
  const std::string line = JsonLine({.name = "search_vs_x",
                                     .value = 1500.5,
                                     .unit = "queries/s",
                                     .against = "\"x\", M 16",
                                     .ratio = 1.25,
                                     .recall = 0.99},
                                    kMachine);
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_EQ(nlohmann::json::parse(line), nlohmann::json::parse(R"({
      "name": "search_vs_x", "value": 1500.5, "unit": "queries/s",
      "against": "\"x\", M 16", "ratio": 1.25, "recall": 0.99,
      "machine": {"processor": "A processor", "cores": 2,
                  "features": ["avx2", "avx512_vnni"]}})"));
}

TEST(JsonLine, LeavesOutWhatDoesNotApply) {
  const auto line = nlohmann::json::parse(JsonLine(
      {.name = "resident_bytes", .value = 7, .unit = "bytes"}, kMachine));
  EXPECT_FALSE(line.contains("against"));
  EXPECT_FALSE(line.contains("ratio"));
  EXPECT_FALSE(line.contains("recall"));
  EXPECT_EQ(line["value"], 7);
}

TEST(TableLine, HasItsColumnsBelowTheHead) {
  const std::string line =
      TableLine({"a_vs_b", 1234.5, "queries/s", "b", 1.254, 0.99});
  EXPECT_EQ(line.find("1234"), TableHead().find("value") + 1);
  EXPECT_EQ(line.find("  b  ") + 2, TableHead().find("against"));
  EXPECT_THAT(line, HasSubstr(" 1.25 "));
  EXPECT_THAT(line, HasSubstr("recall@10 0.9900"));
  EXPECT_THAT(TableLine({"rows", 3, ""}), Not(HasSubstr("recall")));
}

}  // namespace
}  // namespace vitrine
