#include "clients/eval/split.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/test_util.h"

namespace vitrine::eval {
namespace {

// Of held_out() in models/vitrine_models/catalog.py.
TEST(IsHeldOut, IsThePythonOne) {
  EXPECT_TRUE(IsHeldOut("1163"));
  EXPECT_TRUE(IsHeldOut("1165"));
  EXPECT_FALSE(IsHeldOut("1164"));
  EXPECT_FALSE(IsHeldOut("1166"));
  EXPECT_TRUE(IsHeldOut("SKU-é"));
}

TEST(IsHeldOut, HoldsAFifth) {
  int held = 0;
  for (int i = 0; i < 5000; ++i) held += IsHeldOut(std::to_string(i));
  EXPECT_NEAR(held, 1000, 100);
}

TEST(ReadValues, TakesOneALine) {
  testing::TempDir dir;
  testing::WriteAll(dir / "list.txt", "12\n\n  Not sure \r\n12\n");
  const auto values = ReadValues(dir / "list.txt", "--split-file");
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_EQ(*values, (std::set<std::string>{"12", "Not sure"}));
}

TEST(ReadValues, NamesTheFlagAndTheFile) {
  testing::TempDir dir;
  testing::WriteAll(dir / "empty.txt", "\n\n");
  for (const char* name : {"empty.txt", "missing.txt"}) {
    const auto values = ReadValues(dir / name, "--split-file");
    ASSERT_FALSE(values.ok());
    const std::string message(values.status().message());
    EXPECT_NE(message.find("--split-file"), std::string::npos) << message;
    EXPECT_NE(message.find(name), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace vitrine::eval
