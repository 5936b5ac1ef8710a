#include "clients/pictures/caption.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "common/base/utf8.h"

namespace vitrine {
namespace {

// Hershey's letters are drawn several times too large and averaged down, which
// gives small ones an even stroke.
constexpr int kOversample = 4;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
// The height of a capital at scale 1.
constexpr double kCapital = 21;

// U+00C0 … U+017F, Latin with accents, a string each.
constexpr const char* kLatin[] = {
    "A", "A", "A",  "A",  "A", "A", "AE", "C",  "E", "E", "E",  "E", "I", "I",
    "I", "I", "D",  "N",  "O", "O", "O",  "O",  "O", "x", "O",  "U", "U", "U",
    "U", "Y", "Th", "ss", "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e",
    "e", "e", "i",  "i",  "i", "i", "d",  "n",  "o", "o", "o",  "o", "o", "/",
    "o", "u", "u",  "u",  "u", "y", "th", "y",  "A", "a", "A",  "a", "A", "a",
    "C", "c", "C",  "c",  "C", "c", "C",  "c",  "D", "d", "D",  "d", "E", "e",
    "E", "e", "E",  "e",  "E", "e", "E",  "e",  "G", "g", "G",  "g", "G", "g",
    "G", "g", "H",  "h",  "H", "h", "I",  "i",  "I", "i", "I",  "i", "I", "i",
    "I", "i", "IJ", "ij", "J", "j", "K",  "k",  "k", "L", "l",  "L", "l", "L",
    "l", "L", "l",  "L",  "l", "N", "n",  "N",  "n", "N", "n",  "n", "N", "n",
    "O", "o", "O",  "o",  "O", "o", "OE", "oe", "R", "r", "R",  "r", "R", "r",
    "S", "s", "S",  "s",  "S", "s", "S",  "s",  "T", "t", "T",  "t", "T", "t",
    "U", "u", "U",  "u",  "U", "u", "U",  "u",  "U", "u", "U",  "u", "W", "w",
    "Y", "y", "Y",  "Z",  "z", "Z", "z",  "Z",  "z", "s"};
static_assert(std::size(kLatin) == 0x180 - 0xc0);

constexpr std::pair<char32_t, const char*> kMarks[] = {
    {0x00a0, " "},   {0x00a3, "GBP "}, {0x00a9, "(c)"}, {0x00ab, "\""},
    {0x00ad, ""},    {0x00ae, "(R)"},  {0x00b0, "deg"}, {0x00b2, "2"},
    {0x00b3, "3"},   {0x00b4, "'"},    {0x00b7, "-"},   {0x00bb, "\""},
    {0x00bc, "1/4"}, {0x00bd, "1/2"},  {0x00be, "3/4"}, {0x1e9e, "SS"},
    {0x2009, " "},   {0x2010, "-"},    {0x2011, "-"},   {0x2012, "-"},
    {0x2013, "-"},   {0x2014, "-"},    {0x2018, "'"},   {0x2019, "'"},
    {0x201a, "'"},   {0x201c, "\""},   {0x201d, "\""},  {0x201e, "\""},
    {0x2022, "-"},   {0x2026, "..."},  {0x202f, " "},   {0x20ac, "EUR "},
    {0x2122, "(TM)"}};

const char* AsciiFor(char32_t c) {
  if (c >= 0xc0 && c < 0x180) return kLatin[c - 0xc0];
  for (const auto& [mark, ascii] : kMarks) {
    if (mark == c) return ascii;
  }
  return c >= 0x300 && c < 0x370 ? "" : "?";  // accents that combine vanish
}

// The first character of valid, non-empty UTF-8, and how long it is.
std::pair<char32_t, size_t> NextCharacter(std::string_view text) {
  const auto byte = [&text](size_t i) -> char32_t {
    return static_cast<uint8_t>(text[i]);
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xe0) return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (lead < 0xf0) {
    return {(lead & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  }
  return {(lead & 7) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 |
              (byte(3) & 0x3f),
          4};
}

struct Large {
  double scale;
  int thickness;
};

Large LargeType(const Type& type) {
  return {type.height * kOversample / kCapital,
          std::max(1, cvRound(type.weight * kOversample))};
}

}  // namespace

std::string ToAscii(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    if (Utf8PrefixLength(utf8.substr(0, 4)) == 0) {
      out.push_back('?');
      utf8.remove_prefix(1);
      continue;
    }
    const auto [c, length] = NextCharacter(utf8);
    if (c < 0x20 || c == 0x7f) {
      out.push_back(' ');
    } else if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out += AsciiFor(c);
    }
    utf8.remove_prefix(length);
  }
  return out;
}

int CaptionWidth(const std::string& text, const Type& type) {
  if (text.empty()) return 0;
  const Large large = LargeType(type);
  int base = 0;
  const cv::Size size =
      cv::getTextSize(text, kFont, large.scale, large.thickness, &base);
  return (size.width + kOversample - 1) / kOversample;
}

std::string ElideEnd(const std::string& text, int width, const Type& type) {
  if (CaptionWidth(text, type) <= width) return text;
  size_t keep = text.size();
  std::string cut;
  do {
    --keep;
    cut = text.substr(0, keep) + "...";
  } while (keep > 0 && CaptionWidth(cut, type) > width);
  return cut;
}

std::string ElideMiddle(const std::string& text, int width, const Type& type) {
  if (CaptionWidth(text, type) <= width) return text;
  size_t keep = text.size();
  std::string cut;
  do {
    --keep;
    const size_t head = (keep + 1) / 2;
    cut = text.substr(0, head) + "..." + text.substr(text.size() - keep / 2);
  } while (keep > 0 && CaptionWidth(cut, type) > width);
  return cut;
}

void DrawCaption(const std::string& text, cv::Point at, const Type& type,
                 cv::Mat& page) {
  if (text.empty()) return;
  const Large large = LargeType(type);
  int base = 0;
  const cv::Size size =
      cv::getTextSize(text, kFont, large.scale, large.thickness, &base);
  // In whole pixels of the page, with room for strokes and descenders.
  const int margin = 3;
  const int above = static_cast<int>(std::ceil(type.height * 1.5)) + margin;
  const int below = static_cast<int>(std::ceil(type.height * 0.6)) + margin;
  const int wide = size.width / kOversample + 2 * margin + 1;
  cv::Mat big((above + below) * kOversample, wide * kOversample, CV_8UC1,
              cv::Scalar(0));
  cv::putText(big, text, {margin * kOversample, above * kOversample}, kFont,
              large.scale, 255, large.thickness, cv::LINE_AA);
  cv::Mat ink;
  cv::resize(big, ink, {wide, above + below}, 0, 0, cv::INTER_AREA);
  for (int y = 0; y < ink.rows; ++y) {
    const int py = at.y - above + y;
    if (py < 0 || py >= page.rows) continue;
    for (int x = 0; x < ink.cols; ++x) {
      const int px = at.x - margin + x;
      if (px < 0 || px >= page.cols) continue;
      auto& pixel = page.at<cv::Vec3b>(py, px);
      const int alpha = ink.at<uint8_t>(y, x);
      for (int c = 0; c < 3; ++c) {
        const int colour = cvRound(type.colour[c]);
        pixel[c] =
            static_cast<uint8_t>(pixel[c] + (colour - pixel[c]) * alpha / 255);
      }
    }
  }
}

}  // namespace vitrine
