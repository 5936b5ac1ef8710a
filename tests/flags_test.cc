#include "clients/cli/flags.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "clients/cli/flag_values.h"

namespace vitrine::cli {
namespace {

Flags Parse(std::vector<std::string> arguments) {
  CommandLine line = ParseCommandLine(std::move(arguments));
  EXPECT_TRUE(line.flags) << line.text;
  return line.flags.value_or(Flags());
}

// The message of a command line that must be refused as wrong usage.
std::string Refused(std::vector<std::string> arguments) {
  CommandLine line = ParseCommandLine(std::move(arguments));
  EXPECT_FALSE(line.flags);
  EXPECT_EQ(line.exit_status, kUsage);
  return line.text;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Flags, ReadSeveralQueries) {
  Flags flags = Parse({"search", "--image=a.jpg", "--image", "b.jpg", "c.jpg",
                       "--product=1163", "--k=5"});
  EXPECT_EQ(flags.images,
            (std::vector<std::string>{"a.jpg", "b.jpg", "c.jpg"}));
  EXPECT_EQ(flags.products, std::vector<std::string>{"1163"});
  EXPECT_EQ(flags.k, 5);
  EXPECT_TRUE(flags.group);
}

TEST(Flags, ReadStandardInputAsAnImage) {
  EXPECT_EQ(Parse({"search", "--image=-"}).images[0], "-");
  EXPECT_EQ(Parse({"search", "--image", "-"}).images[0], "-");
  EXPECT_TRUE(Contains(Refused({"search", "--image=-", "--vector=-"}), "once"));
}

TEST(Flags, ReadWeightedExamples) {
  Flags flags = Parse({"search", "--image=a.jpg", "--plus-product=1163",
                       "--plus-image=b@2.jpg", "--minus-product=me@shop@0.25",
                       "--minus-image=c.jpg"});
  ASSERT_EQ(flags.extra_examples.size(), 4u);
  float sum = 0;
  for (const ExtraExample& example : flags.extra_examples) {
    sum += example.weight;
    if (example.value == "me@shop") {
      EXPECT_EQ(example.weight, -0.25f);
    }
    if (example.value == "1163") {
      EXPECT_EQ(example.weight, 1);
    }
    if (example.value == "b@2.jpg") {
      EXPECT_TRUE(example.is_image);
    }
    if (example.value == "c.jpg") {
      EXPECT_EQ(example.weight, -0.5f);
    }
  }
  EXPECT_EQ(sum, 1 + 1 - 0.25f - 0.5f);
  EXPECT_TRUE(
      Contains(Refused({"search", "--image=a.jpg", "--plus-product=1163@-1"}),
               "--minus-product"));
}

TEST(Flags, ReadTheRest) {
  Flags flags = Parse(
      {"search", "--product=1", "--emphasis=shape=1,colour=2.5", "--no-group",
       "--exclude-query", "--exclude=7", "--metric=euclidean", "--exact",
       "--ef=64", "--offset=3", "--min-score=0.5", "--min-generation=9",
       "--required-model=abcdef01", "--thumbnails", "--vectors",
       "--format=json", "--sheet=a.png", "--timeout-ms=50", "--progress"});
  ASSERT_EQ(flags.emphasis.size(), 2u);
  EXPECT_EQ(flags.emphasis[1], (std::pair<std::string, float>("colour", 2.5f)));
  EXPECT_FALSE(flags.group);
  EXPECT_TRUE(flags.exclude_query && flags.exact && flags.thumbnails &&
              flags.return_vectors && flags.progress);
  EXPECT_EQ(flags.exclude, std::vector<std::string>{"7"});
  EXPECT_EQ(flags.metric, "euclidean");
  EXPECT_EQ(flags.ef, 64);
  EXPECT_EQ(flags.offset, 3);
  EXPECT_EQ(flags.min_score, 0.5f);
  EXPECT_EQ(flags.min_generation, 9u);
  EXPECT_EQ(flags.required_model, "abcdef01");
  EXPECT_EQ(flags.format, Format::kJson);
  EXPECT_EQ(flags.sheet, "a.png");
  EXPECT_EQ(flags.timeout_ms, 50);
}

TEST(Flags, ReadARegion) {
  Flags flags = Parse({"search", "--image=a.jpg", "--region=0,0.5,1,1"});
  ASSERT_TRUE(flags.region);
  EXPECT_EQ(flags.region->y0, 0.5f);
  EXPECT_EQ(flags.region->x1, 1);
  EXPECT_TRUE(Contains(Refused({"search", "--image=a.jpg", "--region=0,0.5,1"}),
                       "0,0.5,1,1"));
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--region=0,0,1,1"}),
                       "--image"));
}

TEST(Flags, ReadSlotsAtCommas) {
  Flags flags = Parse({"recommend", "--product=1", "--slots=shoes,bag", "--k=4",
                       "--k-per-slot=2", "--min-confidence=0.3"});
  EXPECT_EQ(flags.slots, (std::vector<std::string>{"shoes", "bag"}));
  EXPECT_EQ(flags.k_similar, 4);
  EXPECT_EQ(flags.k_per_slot, 2);
  EXPECT_EQ(flags.min_confidence, 0.3f);
}

TEST(Flags, ReadWhatComesSoonerAndHowOften) {
  for (const char* verb : {"search", "recommend"}) {
    const Flags flags =
        Parse({verb, "--product=1", "--max-per=brand=1", "--exclude=2", "3",
               "--boost=brand=Acme@1.5", "!sale?@0.5"});
    EXPECT_EQ(flags.max_per[0], std::pair(std::string("brand"), 1));
    EXPECT_EQ(flags.exclude.size(), 2u);
    ASSERT_EQ(flags.boosts.size(), 2u);
    EXPECT_EQ(flags.boosts[0].factor(), 1.5f);
    EXPECT_EQ(flags.boosts[1].factor(), 0.5f);
    EXPECT_TRUE(flags.boosts[1].filter().has_none());
  }
}

TEST(Flags, TakeTheServerFromTheEnvironment) {
  setenv("VITRINE_SERVER", "far:1", 1);
  EXPECT_EQ(Parse({"describe"}).server, "far:1");
  EXPECT_EQ(Parse({"describe", "--server=near:2"}).server, "near:2");
  unsetenv("VITRINE_SERVER");
  EXPECT_EQ(Parse({"describe"}).server, "127.0.0.1:50051");
}

TEST(Flags, NameTheRightOne) {
  EXPECT_TRUE(Contains(Refused({"serach"}), "did you mean search?"));
  EXPECT_TRUE(Contains(Refused({"chekc"}), "did you mean check?"));
  EXPECT_TRUE(Contains(Refused({"search", "--imgae=a.jpg"}),
                       "has no flag --imgae; did you mean --image?"));
  EXPECT_TRUE(Contains(Refused({"describe", "--image=a.jpg"}),
                       "describe has no flag --image"));
  EXPECT_TRUE(Contains(Refused({"search", "a.jpg"}), "--image=a.jpg"));
  EXPECT_TRUE(Contains(Refused({"--k=3", "search"}), "the verb comes first"));
}

// The API takes UTF-8 alone: one such id would break a stream for all others.
TEST(Flags, ReadWhatToPush) {
  const Flags flags = Parse({"push", "--queue=redis://h/s", "--catalog=photos",
                             "--delete=a", "--delete=b", "--wait"});
  EXPECT_EQ(flags.verb, Verb::kPush);
  EXPECT_EQ(flags.queue, "redis://h/s");
  EXPECT_EQ(flags.deletions, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(flags.wait);
  EXPECT_EQ(flags.max_backlog, 1000);
  EXPECT_TRUE(Contains(Refused({"push", "--catalog=photos"}),
                       "push needs --queue=redis://HOST/STREAM"));
  EXPECT_TRUE(Contains(Refused({"push", "--queue=redis://h/s"}),
                       "push needs something to push"));
  EXPECT_TRUE(Contains(
      Refused({"push", "--queue=redis://h/s", "--delete=a", "--product=b"}),
      "push takes one --product"));
  EXPECT_TRUE(Contains(
      Refused({"push", "--queue=redis://h/s", "--delete=a", "--by-path"}),
      "--by-path is for the pictures of a --catalog"));
  EXPECT_TRUE(Contains(Refused({"push", "--queue=redis://h/s", "--delete=a",
                                "--max-backlog=-1"}),
                       "--max-backlog"));
}

TEST(Flags, RefuseIdsAndNamesThatAreNotUtf8) {
  for (const char* flag :
       {"--product=\xff\xfe", "--exclude=a\xff", "--plus-product=\xff@2",
        "--required-model=\xff", "--emphasis=\xff=1"}) {
    EXPECT_TRUE(Contains(Refused({"search", "--product=1", flag}), "UTF-8"))
        << flag;
  }
  for (const char* flag : {"--category=\xff", "--slots=shoes,\xff"}) {
    EXPECT_TRUE(Contains(Refused({"recommend", "--product=1", flag}), "UTF-8"))
        << flag;
  }
  EXPECT_TRUE(Contains(Refused({"export", "--after=\xff"}), "UTF-8"));
  // Files have any name.
  EXPECT_EQ(Parse({"search", "--image=\xff.jpg"}).images[0], "\xff.jpg");
}

TEST(Flags, BoundTheTimeout) {
  EXPECT_TRUE(
      Contains(Refused({"describe", "--timeout-ms=0"}), "1 to 604800000"));
  EXPECT_TRUE(
      Contains(Refused({"describe", "--timeout-ms=9000000000000000000"}),
               "1 to 604800000"));
}

TEST(Flags, NameTheValueThatIsWrong) {
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--k=ten"}), "ten"));
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--format=xml"}),
                       "table or json"));
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--metric=cos"}),
                       "euclidean"));
  for (const char* wrong : {"brand", "brand=", "brand=0", "=2", "brand=two"}) {
    EXPECT_TRUE(Contains(
        Refused({"search", "--product=1", std::string("--max-per=") + wrong}),
        "is no limit"))
        << wrong;
  }
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--emphasis=shape"}),
                       "shape=1,colour=2"));
  EXPECT_TRUE(Contains(Refused({"search"}), "--image=PATH"));
  EXPECT_TRUE(Contains(Refused({"embed"}), "--image=PATH"));
}

TEST(Flags, ShowHelpWithExamplesOnStandardOutput) {
  for (const char* verb :
       {"search", "recommend", "embed", "describe", "export", "push"}) {
    CommandLine line = ParseCommandLine({verb, "--help"});
    EXPECT_EQ(line.exit_status, kOk) << verb;
    EXPECT_TRUE(Contains(line.text, std::string("vitrine ") + verb)) << verb;
    EXPECT_TRUE(Contains(line.text, "Examples:")) << verb;
  }
  EXPECT_EQ(ParseCommandLine({"--help"}).exit_status, kOk);
  EXPECT_EQ(ParseCommandLine({}).exit_status, kUsage);
  EXPECT_TRUE(ParseCommandLine({"--version"}).text.starts_with("vitrine "));
}

TEST(Flags, ReadFiltersThatAllHold) {
  const Flags flags =
      Parse({"search", "--product=1", "--filter=price<=50",
             "--filter=!colour=Red", "--filter", "season?", "category=Dress",
             "--facets=colour,season", "--facets=brand"});
  ASSERT_EQ(flags.filters.size(), 4u);
  EXPECT_EQ(flags.filters[0].condition().range().max(), 50);
  EXPECT_TRUE(flags.filters[1].has_none());
  EXPECT_TRUE(flags.filters[2].condition().exists());
  EXPECT_EQ(flags.filters[3].condition().any_of().values(0), "Dress");
  EXPECT_EQ(flags.facets,
            (std::vector<std::string>{"colour", "season", "brand"}));
  EXPECT_EQ(Parse({"recommend", "--product=1", "--filter=a=b"}).filters.size(),
            1u);
  EXPECT_EQ(Parse({"export", "--filter=a=b"}).filters.size(), 1u);
  EXPECT_TRUE(Contains(Refused({"search", "--product=1", "--filter=colour"}),
                       "NAME=VALUE"));
}

TEST(Flags, ReadWhichReceipts) {
  const Flags flags =
      Parse({"receipts", "--since=2026-11-01", "--refused", "--format=csv"});
  EXPECT_EQ(flags.since_unix_ms, 1793491200000);
  EXPECT_TRUE(flags.refused);
  EXPECT_FALSE(flags.warned);
  EXPECT_EQ(flags.format, Format::kCsv);
  EXPECT_TRUE(Parse({"receipts", "--by=folder"}).by_folder);
}

TEST(Flags, RefuseReceiptsThatCannotBe) {
  EXPECT_TRUE(Contains(Refused({"receipts", "--since=last week"}),
                       "'last week' is no time: give how long ago, as 7d"));
  EXPECT_TRUE(Contains(Refused({"receipts", "--format=xlsx"}),
                       "'xlsx' is no format here"));
  EXPECT_TRUE(Contains(Refused({"receipts", "--by=colour"}),
                       "'colour' is nothing to count by"));
  EXPECT_TRUE(Contains(Refused({"receipts", "--follow", "--by=folder"}),
                       "--follow never ends"));
  EXPECT_TRUE(Contains(Refused({"receipts", "--follow", "--format=html"}),
                       "--follow never ends"));
  EXPECT_TRUE(
      Contains(Refused({"receipts", "--catalog=photos"}), "--format=html"));
}

TEST(Flags, ReadWhatToCopy) {
  const Flags flags = Parse({"backup", "--index=index", "copy"});
  EXPECT_EQ(flags.index, "index");
  EXPECT_EQ(flags.destination, "copy");
  EXPECT_TRUE(Contains(Refused({"backup", "copy"}), "--index=DIR"));
  EXPECT_TRUE(Contains(Refused({"backup", "--index=index"}), "DEST"));
  EXPECT_TRUE(Contains(ParseCommandLine({"backup", "--help"}).text,
                       "Usage: vitrine backup [--flag=value ...] DEST\n"));
}

TEST(ParseSince, CountsBackFromNow) {
  constexpr int64_t kNow = 1'800'000'000'000;
  EXPECT_EQ(ParseSince("7d", kNow), kNow - 7 * 86'400'000LL);
  EXPECT_EQ(ParseSince("2w", kNow), kNow - 14 * 86'400'000LL);
  EXPECT_EQ(ParseSince("12h", kNow), kNow - 12 * 3'600'000);
  EXPECT_EQ(ParseSince("30m", kNow), kNow - 30 * 60'000);
  EXPECT_EQ(ParseSince("0s", kNow), kNow);
}

TEST(ParseSince, ReadsDaysAndTimes) {
  EXPECT_EQ(ParseSince("2026-11-01", 0), 1793491200000);
  EXPECT_EQ(ParseSince("2026-11-01T00:00:01.250Z", 0), 1793491201250);
  EXPECT_EQ(ParseSince("2026-11-01T02:00:00+02:00", 0), 1793491200000);
  for (const char* text : {"", "d", "7", "-7d", "7.5d", "99999999999d",
                           "2026-13-01", "tomorrow"}) {
    EXPECT_THROW(ParseSince(text, 0), CLI::ValidationError) << text;
  }
}

}  // namespace
}  // namespace vitrine::cli
