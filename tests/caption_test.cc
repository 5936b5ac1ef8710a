#include "clients/pictures/caption.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace vitrine {
namespace {

TEST(ToAscii, DropsAccentsAndPlainsMarks) {
  EXPECT_EQ(ToAscii("Robe d’été – Çağrı Łódź"), "Robe d'ete - Cagri Lodz");
  EXPECT_EQ(ToAscii("Straße, Œuvre, 20 €…"), "Strasse, OEuvre, 20 EUR ...");
  // The same letters with their accents apart.
  EXPECT_EQ(ToAscii("e\u0301te\u0301"), "ete");
}

TEST(ToAscii, MarksWhatItCannotWriteOncePerCharacter) {
  EXPECT_EQ(ToAscii("赤い靴"), "???");
  EXPECT_EQ(ToAscii("a\U0001F457b"), "a?b");
  EXPECT_EQ(ToAscii("bad \xff\xc3 bytes"), "bad ?? bytes");
  EXPECT_EQ(ToAscii("two\nlines\t\x7f."), "two lines  .");
}

TEST(ElideMiddle, KeepsBothEndsAndTheWidth) {
  const Type type;
  const std::string id = "ea7b6656-3f84-4eb3-9099-23e623fc1018";
  const std::string cut = ElideMiddle(id, 120, type);
  EXPECT_LE(CaptionWidth(cut, type), 120);
  EXPECT_GT(CaptionWidth(cut, type), 90);
  EXPECT_TRUE(cut.starts_with("ea7b")) << cut;
  EXPECT_TRUE(cut.ends_with("018")) << cut;
  EXPECT_NE(cut.find("..."), std::string::npos);
  EXPECT_EQ(ElideMiddle("1163", 120, type), "1163");
}

TEST(ElideEnd, KeepsTheBeginning) {
  const Type type;
  const std::string cut =
      ElideEnd("Northmoor Men Navy Blue Striped Shirt", 150, type);
  EXPECT_LE(CaptionWidth(cut, type), 150);
  EXPECT_TRUE(cut.starts_with("Northmoor")) << cut;
  EXPECT_TRUE(cut.ends_with("...")) << cut;
}

TEST(ElideEnd, GivesUpInAnEmptySpace) {
  EXPECT_EQ(ElideEnd("anything", 0, {}), "...");
  EXPECT_EQ(ElideMiddle("anything", 0, {}), "...");
}

TEST(DrawCaption, PutsInkOnTheLineAndNowhereElse) {
  cv::Mat page(60, 200, CV_8UC3, cv::Scalar::all(255));
  const Type type;
  DrawCaption("Dresses", {10, 30}, type, page);
  cv::Mat grey;
  cv::extractChannel(page, grey, 0);
  const cv::Mat ink = grey < 255;
  EXPECT_GT(cv::countNonZero(ink), 100);
  const cv::Rect line(6, 12, CaptionWidth("Dresses", type) + 8, 24);
  EXPECT_EQ(cv::countNonZero(ink), cv::countNonZero(ink(line)));
}

TEST(DrawCaption, IsCutAtTheEdgesOfThePage) {
  cv::Mat page(20, 40, CV_8UC3, cv::Scalar::all(255));
  DrawCaption("far too long for the page", {-10, 12}, {}, page);
  DrawCaption("outside", {300, 300}, {}, page);
  EXPECT_LT(cv::mean(page)[0], 255);
}

}  // namespace
}  // namespace vitrine
