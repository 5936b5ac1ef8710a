#include "clients/eval/eval_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "clients/eval/split.h"
#include "tests/test_util.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A catalogue of a table and pictures that nobody decodes.
class EvalSetTest : public ::testing::Test {
 protected:
  EvalSetTest() {
    fs::create_directories(root_ / "images");
    options_.catalog.root = root_;
    options_.whole_split = true;
    Table(
        "image,sender_id,label,colour\n"
        "a,1,Dress,red\n"
        "b,1,Dress,blue\n"
        "c,2,Dress,red\n"
        "d,2,Hat,several\n"
        "e,3,Hat,\n"
        "f,3,Not sure,red\n");
  }
  void Table(const std::string& csv) {
    testing::WriteAll(root_ / "images.csv", csv);
    for (char name = 'a'; name <= 'f'; ++name) {
      testing::WriteAll(root_ / "images" / (std::string(1, name) + ".jpg"),
                        "x");
    }
  }
  EvalSet Read() {
    auto set = ReadEvalSet(options_);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *std::move(set) : EvalSet();
  }
  std::string Refusal() {
    return std::string(ReadEvalSet(options_).status().message());
  }
  fs::path File(const std::string& name, const std::string& text) {
    testing::WriteAll(dir_ / name, text);
    return dir_ / name;
  }
  // The class of each photo in the order of their paths.
  static std::vector<std::string> ClassesOf(const Task& task) {
    std::vector<std::string> classes;
    for (int label : task.label) {
      classes.push_back(label < 0 ? "-" : task.classes[label]);
    }
    return classes;
  }

  testing::TempDir dir_;
  const fs::path root_ = dir_ / "catalog";
  EvalOptions options_;
};

TEST_F(EvalSetTest, GivesPhotosWithoutAClassNone) {
  const EvalSet set = Read();
  ASSERT_EQ(set.photos.size(), 6u);
  EXPECT_THAT(ClassesOf(set.tasks[0]),
              ElementsAre("Dress", "Dress", "Dress", "Hat", "Hat", "-"));
}

TEST_F(EvalSetTest, AsksForColourWhereItIsKnown) {
  const EvalSet set = Read();
  ASSERT_EQ(set.tasks.size(), 3u);
  EXPECT_EQ(set.tasks[1].name, "colour");
  EXPECT_THAT(ClassesOf(set.tasks[1]),
              ElementsAre("red", "blue", "red", "-", "-", "red"));
  EXPECT_EQ(set.tasks[2].name, "category+colour");
  EXPECT_THAT(
      ClassesOf(set.tasks[2]),
      ElementsAre("Dress / red", "Dress / blue", "Dress / red", "-", "-", "-"));
}

TEST_F(EvalSetTest, TakesColoursFromAFile) {
  options_.colours_file =
      File("colours.txt", "image,colour\na,green\nd.jpg,green\nc,white\n");
  const EvalSet set = Read();
  EXPECT_THAT(ClassesOf(set.tasks[1]),
              ElementsAre("green", "blue", "white", "green", "-", "red"));
}

TEST_F(EvalSetTest, TakesALabelFromTheFileOfColours) {
  Table("image,label\na,A\nb,A\nc,A\nd,A\ne,A\nf,A\n");
  options_.label = {"colour"};
  EXPECT_THAT(Refusal(), HasSubstr("'colour'"));
  options_.colours_file = File(
      "colours.txt", "image,colour\na,red\nb,red\nc,red\nd,blue\ne,blue\n");
  EXPECT_THAT(ClassesOf(Read().tasks[0]),
              ElementsAre("red", "red", "red", "blue", "blue", "-"));
}

TEST_F(EvalSetTest, TakesACategoryByTheNameOfItsColumn) {
  options_.label = {"label", "colour"};
  options_.no_class = {"several"};
  EXPECT_THAT(ClassesOf(Read().tasks[0]),
              ElementsAre("Dress / red", "Dress / blue", "Dress / red", "-",
                          "-", "Not sure / red"));
}

TEST_F(EvalSetTest, TellsSendersApart) {
  const EvalSet set = Read();
  EXPECT_TRUE(set.senders_known);
  EXPECT_EQ(set.split, "all photos");
  EXPECT_EQ(set.photos[0].sender, "1");
  EXPECT_EQ(set.photos[0].group, set.photos[1].group);
  EXPECT_NE(set.photos[1].group, set.photos[2].group);
}

TEST_F(EvalSetTest, RefusesASenderAttributeThatIsNotThere) {
  options_.sender_attribute = "senderid";
  EXPECT_THAT(Refusal(),
              AllOf(HasSubstr("--sender-attribute"), HasSubstr("'senderid'"),
                    HasSubstr("sender_id")));
}

TEST_F(EvalSetTest, AsksBySenderWhereProductsAreTakenForSenders) {
  options_.whole_split = false;
  options_.split_file = File("senders.txt", "1\n2\n");
  options_.sender_attribute = "product";
  const EvalSet set = Read();
  ASSERT_EQ(set.photos.size(), 4u);
  EXPECT_NE(set.photos[0].group, set.photos[1].group);
}

TEST_F(EvalSetTest, CountsWhatCanBeAnsweredAmongThePhotosThatAreRead) {
  const EvalSet set = Read();
  std::vector<std::string> warnings;
  std::vector<bool> usable(set.photos.size(), true);
  usable[4] = false;  // the second hat
  EXPECT_TRUE(CheckAnswerable(options_, set, usable, &warnings).ok());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("no query of Hat")));
  usable[0] = usable[1] = false;
  EXPECT_THAT(
      CheckAnswerable(options_, set, usable, &warnings).message(),
      HasSubstr("a second photo that can be read (3 of 6 photos cannot)"));
}

TEST_F(EvalSetTest, RefusesOneClassAmongThePhotosThatAreRead) {
  const EvalSet set = Read();
  std::vector<std::string> warnings;
  std::vector<bool> usable(set.photos.size(), true);
  usable[3] = usable[4] = false;  // both hats
  const absl::Status status = CheckAnswerable(options_, set, usable, &warnings);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("that can be read (2 of 6 photos cannot)"),
                    HasSubstr("one class 'Dress'")));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(EvalSetTest, KeepsTheSendersOfTheSplit) {
  options_.whole_split = false;
  options_.split_file = File("senders.txt", "1\n2\n\n9\n");
  EXPECT_EQ(Read().photos.size(), 4u);
  options_.whole_gallery = true;
  const EvalSet set = Read();
  EXPECT_EQ(set.split, "the photos of the 3 senders listed in " +
                           options_.split_file.string());
  ASSERT_EQ(set.photos.size(), 6u);
  EXPECT_TRUE(set.photos[0].asks);
  EXPECT_FALSE(set.photos[5].asks);
}

TEST_F(EvalSetTest, NamesASplitOfAnotherCatalogue) {
  options_.whole_split = false;
  options_.split_file = File("senders.txt", "77\n78\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("--split-file"), HasSubstr("77, 78"),
                               HasSubstr("--split=all")));
}

TEST_F(EvalSetTest, SplitsByProductWhereSendersAreUnknown) {
  options_.whole_split = false;
  options_.whole_gallery = true;
  std::string csv = "image,label\n";
  for (int i = 0; i < 100; ++i) {
    const std::string name = "p" + std::to_string(i);
    csv += name + (i % 2 == 0 ? ",Dress\n" : ",Hat\n");
    testing::WriteAll(root_ / "images" / (name + ".jpg"), "x");
  }
  testing::WriteAll(root_ / "images.csv", csv);
  const EvalSet set = Read();
  EXPECT_FALSE(set.senders_known);
  EXPECT_THAT(set.split, HasSubstr("a fifth of the products"));
  int asking = 0;
  for (const Photo& photo : set.photos) {
    EXPECT_EQ(photo.asks, IsHeldOut(photo.product_id)) << photo.path;
    asking += photo.asks;
  }
  EXPECT_GT(asking, 8);
  EXPECT_LT(asking, 36);
}

TEST_F(EvalSetTest, RefusesCrossSenderWithoutSenders) {
  options_.cross_sender = true;
  options_.sender_attribute = "photographer";
  EXPECT_THAT(Refusal(),
              AllOf(HasSubstr("'photographer'"), HasSubstr("sender_id"),
                    HasSubstr("--sender-attribute=product")));
  options_.sender_attribute = "product";
  EXPECT_FALSE(Read().senders_known);
}

TEST_F(EvalSetTest, NamesTheAttributesThatThereAre) {
  options_.label = {"fabric"};
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("'fabric'"), HasSubstr("colour"),
                               HasSubstr("sender_id")));
}

TEST_F(EvalSetTest, RefusesOneClass) {
  Table("image,label\na,Dress\nb,Dress\nc,Dress\nd,Dress\ne,Dress\nf,Dress\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("one class 'Dress'"),
                               HasSubstr("another attribute")));
}

TEST_F(EvalSetTest, RefusesClassesOfOnePhotoEach) {
  Table("image,label\na,A\nb,B\nc,C\nd,D\ne,E\nf,F\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("none of the 6 queries"),
                               HasSubstr("a second photo")));
}

TEST_F(EvalSetTest, WarnsOfAClassOfOnePhoto) {
  Table("image,label\na,A\nb,A\nc,A\nd,A\ne,A\nf,F\n");
  EXPECT_THAT(Read().warnings, ElementsAre(AllOf(HasSubstr("query of F"),
                                                 HasSubstr("--no-class"))));
}

TEST_F(EvalSetTest, WarnsOfAClassOfOneSender) {
  options_.cross_sender = true;
  Table(
      "image,sender_id,label\n"
      "a,1,A\nb,1,A\nc,1,B\nd,2,B\ne,2,B\nf,2,B\n");
  EXPECT_THAT(Read().warnings, ElementsAre(AllOf(HasSubstr("query of A"),
                                                 HasSubstr("another sender"))));
}

TEST_F(EvalSetTest, KeepsOnlyTheListedLabels) {
  options_.only_labels = File("labels.txt", "Hat\n Not sure \n");
  options_.no_class = {};
  EXPECT_THAT(ClassesOf(Read().tasks[0]),
              ElementsAre("Hat", "Hat", "Not sure"));
  options_.only_labels = File("labels.txt", "Coat\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("--only-labels"), HasSubstr("Coat"),
                               HasSubstr("Dress")));
}

TEST_F(EvalSetTest, NamesColoursThatFitNoPhoto) {
  options_.colours_file = File("colours.txt", "image,colour\nz,green\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("--colours-file"),
                               HasSubstr("none of the 1 images")));
  options_.colours_file = File("colours.txt", "picture,paint\nz,green\n");
  EXPECT_THAT(Refusal(), HasSubstr("picture, paint"));
}

TEST_F(EvalSetTest, SaysWhereTheCatalogueIsNot) {
  options_.catalog.root = dir_ / "nowhere";
  EXPECT_THAT(Refusal(), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace vitrine::eval
