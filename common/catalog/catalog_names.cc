#include "common/catalog/catalog_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

// Pictures, what photographers and suppliers send instead, and what phones and
// mailers wrap around them.
constexpr std::array<std::string_view, 40> kPictureEndings = {
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "hif", "avif",
    "tif", "tiff", "gif", "bmp",  "ico", "jp2",  "jxl",  "svg",  "psd", "ai",
    "eps", "raw",  "dng", "cr2",  "cr3", "nef",  "arw",  "orf",  "rw2", "mp4",
    "mov", "avi",  "pdf", "zip",  "rar", "7z",   "tar",  "gz",   "tgz", "mpo"};

constexpr std::array<std::string_view, 35> kDocumentEndings = {
    "csv",     "tsv",  "jsonl", "ndjson", "md",        "rst",  "html",
    "htm",     "xml",  "yaml",  "yml",    "toml",      "ini",  "cfg",
    "conf",    "log",  "db",    "sqlite", "py",        "sh",   "ipynb",
    "parquet", "xls",  "xlsx",  "ods",    "doc",       "docx", "css",
    "js",      "lock", "url",   "sha256", "sha256sum", "md5",  "npy"};

constexpr std::array<std::string_view, 8> kDocumentNames = {
    "readme",    "license", "licence",  "copying",
    "changelog", "notice",  "manifest", "sha256sums"};

bool Equal(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

template <size_t n>
bool Contains(const std::array<std::string_view, n>& list,
              std::string_view word) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view entry) {
    return Equal(entry, word);
  });
}

std::string_view Ending(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view()
                                                   : name.substr(dot + 1);
}

bool IgnoredName(std::string_view name) {
  if (name.empty() || name[0] == '.') return true;
  const std::string_view ending = Ending(name);
  return Equal(ending, "part") || Equal(ending, "tmp") ||
         Equal(name, "Thumbs.db") || name == "__MACOSX" ||
         name == "lost+found" || name == "$RECYCLE.BIN" ||
         name == "System Volume Information" || name == "@eaDir";
}

// The value of "%XX" at the start of `text`.
std::optional<uint8_t> EscapeAt(std::string_view text) {
  if (text.size() < 3 || text[0] != '%' || !absl::ascii_isxdigit(text[1]) ||
      !absl::ascii_isxdigit(text[2])) {
    return std::nullopt;
  }
  auto digit = [](char c) {
    return absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
  };
  const auto value = static_cast<uint8_t>(digit(text[1]) * 16 + digit(text[2]));
  if (value < 0x80 && value != '%') return std::nullopt;
  return value;
}

void AppendEscape(uint8_t byte, std::string* out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  out->push_back('%');
  out->push_back(kDigits[byte >> 4]);
  out->push_back(kDigits[byte & 15]);
}

}  // namespace

bool IgnoredFolder(std::string_view folder) {
  while (!folder.empty()) {
    const size_t slash = folder.find('/');
    if (IgnoredName(folder.substr(0, slash))) return true;
    if (slash == std::string_view::npos) break;
    folder.remove_prefix(slash + 1);
  }
  return false;
}

NameRole RoleOfName(std::string_view path) {
  if (path.empty() || IgnoredFolder(path)) return NameRole::kIgnored;
  const std::string_view name = FileName(path);
  const std::string_view ending = Ending(name);
  if (Equal(ending, "json")) return NameRole::kJson;
  if (Contains(kDocumentEndings, ending)) return NameRole::kDocument;
  // README and README.txt, but not readme.jpg.
  if ((ending.empty() || Equal(ending, "txt")) &&
      Contains(kDocumentNames, name.substr(0, name.find('.')))) {
    return NameRole::kDocument;
  }
  return NameRole::kPicture;
}

std::string_view WithoutPictureEnding(std::string_view path) {
  const std::string_view ending = Ending(FileName(path));
  if (ending.empty() || !Contains(kPictureEndings, ending)) return path;
  return path.substr(0, path.size() - ending.size() - 1);
}

std::string_view FileName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view Folder(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view()
                                         : path.substr(0, slash);
}

std::string_view WithoutImagesFolder(std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return path;
  const std::string_view top = path.substr(0, slash);
  return Equal(top, "images") || Equal(top, "photos") || Equal(top, "pictures")
             ? path.substr(slash + 1)
             : path;
}

std::optional<std::string> CleanPath(std::string_view written) {
  if (written.empty() || written[0] == '/') return std::nullopt;
  std::string out;
  while (!written.empty()) {
    const size_t slash = std::min(written.find('/'), written.size());
    const std::string_view part = written.substr(0, slash);
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") {
      if (!out.empty()) out.push_back('/');
      out.append(part);
    }
    written.remove_prefix(std::min(slash + 1, written.size()));
  }
  if (out.empty()) return std::nullopt;
  return out;
}

std::string EscapePath(std::string_view bytes) {
  if (bytes.find('%') == std::string_view::npos && IsUtf8(bytes)) {
    return std::string(bytes);
  }
  std::string out;
  while (!bytes.empty()) {
    const size_t good = Utf8PrefixLength(bytes);
    for (size_t i = 0; i < good; ++i) {
      if (EscapeAt(bytes.substr(i))) {
        AppendEscape('%', &out);
      } else {
        out.push_back(bytes[i]);
      }
    }
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    AppendEscape(static_cast<uint8_t>(bytes[0]), &out);
    bytes.remove_prefix(1);
  }
  return out;
}

std::string UnescapePath(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    if (auto byte = EscapeAt(path)) {
      out.push_back(static_cast<char>(*byte));
      path.remove_prefix(3);
    } else {
      out.push_back(path[0]);
      path.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace vitrine
