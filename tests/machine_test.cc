#include "benchmarks/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FeaturesIn, NamesThoseThatKernelsAreChosenBy) {
  EXPECT_THAT(FeaturesIn("processor\t: 0\n"
                         "flags\t\t: fpu avx512_vnni fma avx2 avx\n"
                         "processor\t: 1\n"
                         "flags\t\t: fpu avx512_vnni fma avx2 avx\n"),
              ElementsAre("avx", "fma", "avx2", "avx512_vnni"));
  EXPECT_THAT(FeaturesIn("Features\t: fp asimd i8mm\n"),
              ElementsAre("asimd", "i8mm"));
  EXPECT_THAT(FeaturesIn("model name\t: avx2\n"), IsEmpty());
}

TEST(ThisMachine, HasACore) { EXPECT_GE(ThisMachine().cores, 1); }

}  // namespace
}  // namespace vitrine
