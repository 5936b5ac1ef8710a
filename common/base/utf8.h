// UTF-8 (RFC 3629): what texts of a catalogue must be before they enter a
// protobuf message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vitrine {

// The length in bytes of the longest prefix that is valid UTF-8: no overlong
// forms, no surrogates, nothing past U+10FFFF.
size_t Utf8PrefixLength(std::string_view text);

inline bool IsUtf8(std::string_view text) {
  return Utf8PrefixLength(text) == text.size();
}

// `text` with each byte taken for a character of ISO 8859-1, which gives valid
// UTF-8 whatever the bytes are.
std::string Latin1ToUtf8(std::string_view text);

// For messages: `text` cut to at most `max_bytes` bytes with "..." behind it,
// bytes that are not UTF-8 and control characters made "?".
std::string Excerpt(std::string_view text, size_t max_bytes = 100);

}  // namespace vitrine
