#include "clients/eval/report_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/test_util.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// A catalogue of two photos of each of two classes, with the answers to all of
// them; each gets one right and one wrong.
class WritePicturesTest : public ::testing::Test {
 protected:
  // Each extractor finds more than the one before.
  std::vector<ReportPicture> Write(
      const std::string& first, const std::string& second,
      const std::vector<std::string>& extractors = {"small"}, int queries = 4) {
    const fs::path root = dir_ / "catalog";
    fs::create_directories(root / "images");
    fs::create_directories(dir_ / "report");
    std::string csv = "image,sender_id,label\n";
    for (int i = 0; i < 4; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      csv.append(name).append(",").append(name).append(",");
      csv.append(i < 2 ? first : second).append("\n");
      fs::copy_file(testing::SourceDir() / "tests/data/images/plain.jpg",
                    root / "images" / (name + ".jpg"),
                    fs::copy_options::overwrite_existing);
    }
    testing::WriteAll(root / "images.csv", csv);
    EvalOptions options;
    options.catalog.root = root;
    options.whole_split = true;
    options.ks = {2};
    options.speed = false;
    options.report = dir_ / "report";
    auto set = ReadEvalSet(options);
    EXPECT_TRUE(set.ok()) << set.status();
    if (!set.ok()) return {};
    EvalResult result;
    for (const std::string& name : extractors) {
      ExtractorResult& extractor = result.extractors.emplace_back();
      extractor.name = name;
      Configuration& all = extractor.configurations.emplace_back();
      all.blocks = "all";
      const bool better = name != extractors.front();
      for (int i = 0; i < queries; ++i) {
        all.answers.push_back(
            {i, 1, {{i ^ 1, 0.1F}, {i ^ 2, 0.2F}}, {1, better}});
      }
      all.figures =
          FiguresOf(*set, set->tasks[0], all.answers, options.ks, true);
    }
    const auto pictures = WritePictures(options, *set, result);
    EXPECT_TRUE(pictures.ok()) << pictures.status();
    return pictures.ok() ? *pictures : std::vector<ReportPicture>();
  }
  static ReportPicture Named(const std::vector<ReportPicture>& pictures,
                             const std::string& file) {
    for (const ReportPicture& picture : pictures) {
      if (picture.file == file) return picture;
    }
    ADD_FAILURE() << "no " << file;
    return {};
  }

  testing::TempDir dir_;
};

TEST_F(WritePicturesTest, GivesConfusionAsATableToo) {
  const auto pictures = Write("Hat", "Café");
  const ReportPicture confusion = Named(pictures, "confusion.png");
  EXPECT_THAT(confusion.table, AllOf(HasSubstr("Café"), HasSubstr(">50<")));
  // The picture has all letters but the accent, and says enough.
  EXPECT_FALSE(confusion.table_first);
  EXPECT_THAT(Named(pictures, "best.png").table, "");
  EXPECT_THAT(Named(pictures, "query-1.png").table, "");
}

TEST_F(WritePicturesTest, ShowsLabelsThatTheFontLacksInTables) {
  const auto pictures = Write("連衣裙", "帽子");
  for (const char* file :
       {"confusion.png", "best.png", "worst.png", "query-1.png"}) {
    const ReportPicture picture = Named(pictures, file);
    EXPECT_TRUE(picture.table_first) << file;
    EXPECT_THAT(picture.table, AllOf(HasSubstr("連衣裙"), HasSubstr("帽子")))
        << file;
    EXPECT_THAT(picture.caption, HasSubstr("Latin letters alone")) << file;
  }
}

TEST_F(WritePicturesTest, ShowsAQuestionMarkOfALabelAsItIs) {
  EXPECT_FALSE(Named(Write("Hat?", "Bag"), "confusion.png").table_first);
}

TEST_F(WritePicturesTest, NamesTheExtractorThatPicturesAreOf) {
  const auto one = Write("Hat", "Bag");
  for (const ReportPicture& picture : one) {
    EXPECT_THAT(picture.caption, Not(HasSubstr("small"))) << picture.file;
  }
  const auto pictures = Write("Hat", "Bag", {"small", "better"});
  for (const char* file : {"confusion.png", "best.png", "worst.png"}) {
    EXPECT_THAT(Named(pictures, file).caption,
                HasSubstr("Of better, which has the highest precision@2"))
        << file;
  }
  EXPECT_THAT(Named(pictures, "query-1.png").caption,
              HasSubstr("from worst to best under small;"));
}

TEST_F(WritePicturesTest, ExplainsGreyRows) {
  EXPECT_THAT(Named(Write("Hat", "Bag"), "confusion.png").caption,
              Not(HasSubstr("Grey")));
  EXPECT_THAT(Named(Write("Hat", "Bag", {"small"}, 2), "confusion.png").caption,
              HasSubstr("Grey rows are classes that no query is of."));
}

TEST_F(WritePicturesTest, LeavesNoPictureThatRemovePicturesForgets) {
  EXPECT_GT(Write("Hat", "Bag").size(), 5u);
  EXPECT_THAT(NamesIn(dir_ / "report"), Not(::testing::IsEmpty()));
  ASSERT_TRUE(RemovePictures(dir_ / "report").ok());
  EXPECT_THAT(NamesIn(dir_ / "report"), ::testing::IsEmpty());
}

TEST(RemovePictures, TakesNothingButItsOwn) {
  testing::TempDir dir;
  for (const char* name :
       {"query-1.png", "query-3.png", "speed.png", "blocks.png", "query-4.png",
        "mine.png", "notes.txt"}) {
    testing::WriteAll(dir / name, "x");
  }
  ASSERT_TRUE(RemovePictures(dir.path()).ok());
  EXPECT_THAT(NamesIn(dir.path()),
              UnorderedElementsAre("query-4.png", "mine.png", "notes.txt"));
}

TEST(Confusion, SharesTheAnswersOfAClass) {
  Task task;
  task.classes = {"A", "B", "C"};
  task.label = {0, 0, 1, 2};
  std::vector<QueryAnswer> answers(2);
  answers[0] = {0, 1, {{1, 0}, {2, 1}, {3, 2}}, {1, 0, 0}};
  answers[1] = {1, 1, {{0, 0}, {2, 1}, {3, 2}}, {1, 0, 0}};
  const auto shares = Confusion(task, answers, 2);
  EXPECT_THAT(shares[0], ElementsAre(0.5, 0.5, 0));
  EXPECT_THAT(shares[1], ElementsAre(IsNan(), IsNan(), IsNan()));
}

}  // namespace
}  // namespace vitrine::eval
