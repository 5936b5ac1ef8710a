#include "clients/eval/eval_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

EvalCommand Parse(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--catalog=photos", "--model=a.pt",
                                        "--report=out"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return ParseEvalCommand(arguments, "vitrine eval");
}

TEST(ParseEvalCommand, HasDefaultsThatDoForOneModel) {
  const EvalCommand command = Parse({});
  ASSERT_TRUE(command.options) << command.text;
  EXPECT_EQ(command.options->catalog.root, "photos");
  EXPECT_THAT(command.options->models, ElementsAre("a.pt"));
  EXPECT_THAT(command.options->metrics, ElementsAre(Metric::kCosine));
  EXPECT_THAT(command.options->normalise, ElementsAre(Normalise::kUnit));
  EXPECT_THAT(command.options->ks, ElementsAre(1, 5, 10, 20));
  EXPECT_THAT(command.options->label, ElementsAre("category"));
  EXPECT_THAT(command.options->no_class,
              ElementsAre("Not sure", "Skip", "Other"));
  EXPECT_FALSE(command.options->cross_sender);
  EXPECT_FALSE(command.options->whole_gallery);
  EXPECT_TRUE(command.options->speed);
}

TEST(ParseEvalCommand, ReadsLists) {
  const EvalCommand command = Parse(
      {"--model", "b.pt", "c.pt", "--metric=cosine,braycurtis,cosine",
       "--normalise=unit,raw", "--k=20,1,5,5", "--label=articleType,baseColour",
       "--no-class=None", "--gallery=all", "--cross-sender", "--no-speed"});
  ASSERT_TRUE(command.options) << command.text;
  EXPECT_THAT(command.options->models, ElementsAre("a.pt", "b.pt", "c.pt"));
  EXPECT_THAT(command.options->metrics,
              ElementsAre(Metric::kCosine, Metric::kBrayCurtis));
  EXPECT_THAT(command.options->normalise,
              ElementsAre(Normalise::kUnit, Normalise::kRaw));
  EXPECT_THAT(command.options->ks, ElementsAre(1, 5, 20));
  EXPECT_THAT(command.options->label, ElementsAre("articleType", "baseColour"));
  EXPECT_THAT(command.options->no_class, ElementsAre("None"));
  EXPECT_TRUE(command.options->whole_gallery);
  EXPECT_TRUE(command.options->cross_sender);
  EXPECT_FALSE(command.options->speed);
}

TEST(ParseEvalCommand, TakesAListInParts) {
  const EvalCommand command =
      Parse({"--label=articleType", "--label=baseColour", "--k=5", "--k=1",
             "--metric=cosine", "--metric=manhattan"});
  ASSERT_TRUE(command.options) << command.text;
  EXPECT_THAT(command.options->label, ElementsAre("articleType", "baseColour"));
  EXPECT_THAT(command.options->ks, ElementsAre(1, 5));
  EXPECT_THAT(command.options->metrics,
              ElementsAre(Metric::kCosine, Metric::kManhattan));
}

TEST(ParseEvalCommand, RefusesALabelThatIsNamedTwice) {
  for (const std::vector<std::string>& twice :
       std::vector<std::vector<std::string>>{
           {"--label=category,colour,category"},
           {"--label=category", "--label=category"}}) {
    const EvalCommand command = Parse(twice);
    EXPECT_FALSE(command.options) << twice[0];
    EXPECT_EQ(command.exit_status, 2);
    EXPECT_THAT(command.text,
                AllOf(HasSubstr("--label: 'category'"), HasSubstr("twice")));
  }
}

TEST(ParseEvalCommand, RefusesAModelThatIsNamedTwice) {
  EXPECT_THAT(Parse({"--model=a.pt"}).text,
              AllOf(HasSubstr("--model: 'a.pt'"), HasSubstr("twice")));
  EXPECT_THAT(Parse({"--model=b.pt", "c/../a.pt"}).text,
              AllOf(HasSubstr("--model: 'c/../a.pt'"),
                    HasSubstr("the same file as a.pt")));
}

// An empty value must not take what follows it for its own.
TEST(ParseEvalCommand, RefusesEmptyValues) {
  for (const std::string flag :
       {"--catalog", "--model", "--report", "--label", "--metric",
        "--normalise", "--k", "--views", "--colours-file", "--split",
        "--split-file", "--gallery", "--sender-attribute", "--only-labels",
        "--layout", "--category-attribute", "--product-pattern", "--threads"}) {
    for (const std::vector<std::string>& empty :
         std::vector<std::vector<std::string>>{
             {flag + "="}, {flag + "=", "cosine"}, {flag, ""}}) {
      const EvalCommand command = Parse(empty);
      EXPECT_FALSE(command.options) << flag;
      EXPECT_EQ(command.exit_status, 2) << flag;
      EXPECT_THAT(command.text,
                  AllOf(HasSubstr(flag + ": ''"), HasSubstr("give it a value")))
          << flag;
    }
  }
}

TEST(ParseEvalCommand, TakesAnEmptyListOfLabelsThatNameNoClass) {
  for (const std::vector<std::string>& empty :
       std::vector<std::vector<std::string>>{
           {"--no-class=", "--cross-sender"},
           {"--no-class", "", "--cross-sender"}}) {
    const EvalCommand command = Parse(empty);
    ASSERT_TRUE(command.options) << command.text;
    EXPECT_TRUE(command.options->no_class.empty());
    EXPECT_TRUE(command.options->cross_sender);
  }
}

TEST(ParseEvalCommand, KeepsTheCommandAsItWasTyped) {
  EXPECT_EQ(Parse({"--no-class=Not sure", "--k=5"}).options->command,
            "vitrine eval --catalog=photos --model=a.pt --report=out "
            "'--no-class=Not sure' --k=5");
}

// Each refusal names the value and what would be right.
TEST(ParseEvalCommand, RefusesWrongValues) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong = {
      {"--k=0", {"--k", "'0'", "1 to 1000"}},
      {"--k=5,ten", {"'ten'", "whole number"}},
      {"--k=99999", {"'99999'"}},
      {"--metric=hamming", {"'hamming'", "braycurtis"}},
      {"--normalise=l2", {"'l2'", "unit or raw"}},
      {"--split=test", {"'test'", "validation or all"}},
      {"--gallery=some", {"'some'", "within or all"}},
      {"--label=,", {"--label"}},
      {"--k=,", {"--k", "at least one"}},
      {"--views=-1", {"--views"}},
      {"--metrics=cosine", {"no flag --metrics", "did you mean --metric?"}},
  };
  for (const auto& [flag, parts] : wrong) {
    const EvalCommand command = Parse({flag});
    EXPECT_FALSE(command.options) << flag;
    EXPECT_EQ(command.exit_status, 2) << flag;
    EXPECT_THAT(command.text, StartsWith("vitrine: ")) << flag;
    for (const std::string& part : parts) {
      EXPECT_THAT(command.text, HasSubstr(part)) << flag;
    }
  }
}

TEST(ParseEvalCommand, NamesWhatIsMissing) {
  EXPECT_THAT(ParseEvalCommand({}, "vitrine eval").text,
              HasSubstr("--catalog=DIR is missing"));
  EXPECT_THAT(ParseEvalCommand({"--catalog=x"}, "vitrine eval").text,
              HasSubstr("--model=FILE is missing"));
  EXPECT_THAT(
      ParseEvalCommand({"--catalog=x", "--model=y"}, "vitrine eval").text,
      AllOf(HasSubstr("--report=DIR is missing"),
            HasSubstr("see vitrine eval --help")));
}

TEST(ParseEvalCommand, TeachesByExamples) {
  const EvalCommand help = ParseEvalCommand({"--help"}, "vitrine eval");
  EXPECT_FALSE(help.options);
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_THAT(help.text,
              AllOf(HasSubstr("Examples:"), HasSubstr("--cross-sender"),
                    HasSubstr("--only-labels"), HasSubstr("product takes")));
  // As they can be pasted into a shell.
  EXPECT_THAT(help.text, HasSubstr("unit,raw \\\n        --metric=cosine,"));
}

}  // namespace
}  // namespace vitrine::eval
