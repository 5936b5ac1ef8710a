#include "clients/eval/run_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::eval {
namespace {

TEST(ShellCommand, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellCommand("vitrine eval", {"--catalog=a/b", "--no-class=None",
                                          "--label=a b", "it's", ""}),
            "vitrine eval --catalog=a/b --no-class=None '--label=a b' "
            "'it'\\''s' ''");
}

TEST(ProcessorIn, ReadsTheFirstName) {
  EXPECT_EQ(ProcessorIn("processor\t: 0\nmodel\t\t: 17\n"
                        "model name\t: AMD EPYC 9R14\nmodel name\t: other\n"),
            "AMD EPYC 9R14");
  EXPECT_EQ(ProcessorIn("processor : 0\nCPU part : 0xd0c\n"), "");
}

TEST(CollectRunFacts, TellsMomentAndMachine) {
  const RunFacts facts = CollectRunFacts("vitrine eval", 3);
  EXPECT_EQ(facts.command, "vitrine eval");
  EXPECT_EQ(facts.threads, 3);
  EXPECT_GE(facts.cores, 1);
  EXPECT_FALSE(facts.version.empty());
  EXPECT_THAT(facts.date,
              ::testing::MatchesRegex("20..-[01].-[0-3]. [012].:[0-5]. UTC"));
}

}  // namespace
}  // namespace vitrine::eval
