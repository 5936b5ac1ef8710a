// What the name of a file in a catalogue tells. Pure functions, thread-safe.
//
// Paths are relative to the catalogue's root, separated by '/', without a
// leading or trailing one. Inside Vitrine they are UTF-8: see EscapePath.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

// What a file is taken for, by its path alone.
enum class NameRole {
  // Nobody's business: dot-files and `._*`, `*.part`, `*.tmp`, `Thumbs.db`, and
  // everything below a folder of such a name, `__MACOSX`, `lost+found`,
  // `$RECYCLE.BIN`, `System Volume Information` or `@eaDir`.
  kIgnored,
  // Documentation and data beside the pictures: README*, LICENSE* and the like,
  // and the endings .csv .tsv .jsonl .md .html .xml .yaml .py .sha256 and such.
  kDocument,
  // `*.json`: may be a side-car of a picture beside it.
  kJson,
  // Everything else. What is not a picture after all (.heic, .zip, .txt, no
  // ending at all) is listed too, and refused when it is decoded: a supplier
  // who sends such a file must hear of it.
  kPicture,
};
NameRole RoleOfName(std::string_view path);

// Whether nothing at or below `folder` is read.
bool IgnoredFolder(std::string_view folder);

// `path` without the ending of a picture, film or archive (any case); an
// unknown ending stays: "a/b.JPG" → "a/b", "a/v1.2" → "a/v1.2".
std::string_view WithoutPictureEnding(std::string_view path);

// "a/b/c.jpg" → "c.jpg" and "a/b".
std::string_view FileName(std::string_view path);
std::string_view Folder(std::string_view path);

// `path` without a leading "images/", "photos/" or "pictures/" (any case):
// folders that hold a catalogue's pictures and say nothing about them.
std::string_view WithoutImagesFolder(std::string_view path);

// A path as people write it ("./a//b.jpg") in the form above; nullopt where it
// is empty, absolute or has a "..".
std::optional<std::string> CleanPath(std::string_view written);

// The bytes of a path as valid UTF-8: bytes that are not UTF-8 become %XX, and
// a '%' becomes %25 where it would be taken for one of those. Nearly all paths
// stay as they are. UnescapePath is its inverse.
std::string EscapePath(std::string_view bytes);
std::string UnescapePath(std::string_view path);

}  // namespace vitrine
