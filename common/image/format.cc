#include "common/image/format.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/image/codecs.h"

namespace vitrine {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kConvert = "convert it to JPEG, PNG or WebP";
constexpr std::string_view kFrame = "export a frame of it as JPEG, PNG or WebP";
constexpr std::string_view kUnpack =
    "unpack it and give the pictures inside it";
constexpr std::string_view kNoPicture =
    "it holds no picture: perhaps a failed download was saved under a "
    "picture's name; fetch it again";

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view kind;
  std::string_view remedy;
};

// Kinds of file that are found in catalogues and not read. Of a box format
// ("ftyp", ISO 14496-12) the first matching brand counts.
constexpr Magic kOthers[] = {
    {4, "ftyphei"sv, "a HEIC picture", kConvert},
    {4, "ftyphev"sv, "a HEIC picture", kConvert},
    {4, "ftypmif1"sv, "a HEIC or AVIF picture", kConvert},
    {4, "ftypmsf1"sv, "a HEIC or AVIF picture", kConvert},
    {4, "ftypavi"sv, "an AVIF picture", kConvert},
    {4, "ftypcrx"sv, "a Canon raw picture", kConvert},
    {4, "ftypqt"sv, "a QuickTime video", kFrame},
    {4, "ftyp"sv, "an MP4 video", kFrame},
    {4, "moov"sv, "a QuickTime video", kFrame},
    {0, "\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video", kFrame},
    {8, "AVI "sv, "an AVI video", kFrame},
    {0, "II*\0"sv, "a TIFF or camera raw picture", kConvert},
    {0, "MM\0*"sv, "a TIFF or camera raw picture", kConvert},
    {0, "II+\0"sv, "a TIFF picture", kConvert},
    {0, "MM\0+"sv, "a TIFF picture", kConvert},
    {0, "GIF8"sv, "a GIF picture", kConvert},
    {0, "8BPS"sv, "a Photoshop picture", kConvert},
    {0, "\0\0\0\x0CJXL "sv, "a JPEG XL picture", kConvert},
    {0, "\xFF\x0A"sv, "a JPEG XL picture", kConvert},
    {0, "\0\0\0\x0CjP  "sv, "a JPEG 2000 picture", kConvert},
    {0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 picture", kConvert},
    {0, "\0\0\1\0"sv, "an icon", kConvert},
    {0, "%PDF"sv, "a PDF document", kConvert},
    {0, "%!PS"sv, "a PostScript document", kConvert},
    {0, "PK\3\4"sv, "a ZIP archive", kUnpack},
    {0, "PK\5\6"sv, "an empty ZIP archive", kUnpack},
    {0, "Rar!"sv, "a RAR archive", kUnpack},
    {0, "7z\xBC\xAF"sv, "a 7-Zip archive", kUnpack},
    {0, "\x1F\x8B"sv, "a gzip file", kUnpack},
    {0, "\0\5\x16\7"sv, "a macOS resource file", kNoPicture},
};

bool StartsWithMagic(std::string_view bytes, size_t offset,
                     std::string_view magic) {
  return bytes.size() >= offset && bytes.substr(offset).starts_with(magic);
}

absl::Status Unsupported(std::string_view kind, std::string_view remedy) {
  return ImageError(v1::ERROR_REASON_IMAGE_FORMAT_UNSUPPORTED,
                    std::string("this is ")
                        .append(kind)
                        .append(", which is not read; ")
                        .append(remedy));
}

// Markup is told by its first tags, after a byte order mark and blanks.
absl::Status CheckMarkup(std::string_view bytes) {
  std::string head(bytes.substr(0, 512));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  std::string_view text = head;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (!text.starts_with('<')) return absl::OkStatus();
  if (text.find("<html") != text.npos || text.find("<!doctype html") == 0) {
    return Unsupported("an HTML page", kNoPicture);
  }
  if (text.find("<svg") != text.npos || text.find("<!doctype svg") == 0) {
    return Unsupported("an SVG drawing", kConvert);
  }
  return Unsupported("an XML text", kNoPicture);
}

}  // namespace

absl::StatusOr<ImageFormat> DetectFormat(std::string_view bytes) {
  constexpr std::string_view kJpeg = "\xFF\xD8\xFF"sv;
  constexpr std::string_view kPng = "\x89PNG\r\n\x1A\n"sv;
  if (bytes.starts_with(kJpeg)) return ImageFormat::kJpeg;
  if (bytes.starts_with(kPng)) return ImageFormat::kPng;
  if (bytes.starts_with("RIFF") && StartsWithMagic(bytes, 8, "WEBP")) {
    return ImageFormat::kWebp;
  }
  if (kJpeg.starts_with(bytes)) return TruncatedError("JPEG", bytes);
  if (kPng.starts_with(bytes)) return TruncatedError("PNG", bytes);
  if (std::string_view("RIFF").starts_with(bytes.substr(0, 4)) &&
      bytes.size() < 12) {
    return TruncatedError("WebP", bytes);
  }
  // "BM" alone is too short to tell: its reserved fields are zero too.
  if (bytes.starts_with("BM") && StartsWithMagic(bytes, 6, "\0\0\0\0"sv)) {
    return Unsupported("a BMP picture", kConvert);
  }
  for (const Magic& other : kOthers) {
    if (StartsWithMagic(bytes, other.offset, other.bytes)) {
      return Unsupported(other.kind, other.remedy);
    }
  }
  if (absl::Status markup = CheckMarkup(bytes); !markup.ok()) return markup;
  if (bytes.find_first_not_of('\0') == bytes.npos) {
    return ImageError(
        v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
        absl::StrCat("all ", bytes.size(),
                     " bytes are zero, as an interrupted copy leaves them; "
                     "copy the picture again"));
  }
  std::string_view head = bytes.substr(0, 8);
  return ImageError(
      v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
      absl::StrCat("no picture: it begins with the bytes ",
                   absl::BytesToHexString({head.data(), head.size()}),
                   "; give a JPEG, PNG or WebP file"));
}

}  // namespace vitrine
