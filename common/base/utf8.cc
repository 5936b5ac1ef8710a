#include "common/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace vitrine {

size_t Utf8PrefixLength(std::string_view text) {
  const auto* s = reinterpret_cast<const uint8_t*>(text.data());
  const size_t n = text.size();
  size_t i = 0;
  while (i < n) {
    const uint8_t lead = s[i];
    if (lead < 0x80) {
      // Most texts are ASCII throughout.
      uint64_t eight = 0;
      while (n - i >= sizeof eight) {
        std::memcpy(&eight, s + i, sizeof eight);
        if ((eight & 0x8080808080808080u) != 0) break;
        i += sizeof eight;
      }
      if (i < n && s[i] < 0x80) ++i;
      continue;
    }
    // The bounds of the second byte exclude overlong forms and surrogates:
    // table 3-7 of the Unicode Standard.
    size_t length = 0;
    uint8_t low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return i;
    }
    if (n - i < length || s[i + 1] < low || s[i + 1] > high) return i;
    for (size_t k = 2; k < length; ++k) {
      if ((s[i + k] & 0xC0) != 0x80) return i;
    }
    i += length;
  }
  return i;
}

std::string Latin1ToUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0 | (byte >> 6)));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return out;
}

std::string Excerpt(std::string_view text, size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  std::string out(text.substr(0, max_bytes));
  for (char& c : out) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = '?';
  }
  size_t good = 0;
  while ((good += Utf8PrefixLength(std::string_view(out).substr(good))) <
         out.size()) {
    const bool lead = (out[good] & 0x40) != 0;
    if (cut && lead && out.size() - good < 4) {
      out.resize(good);  // a character that the cut has split
    } else {
      out[good] = '?';
    }
  }
  if (cut) out += "...";
  return out;
}

}  // namespace vitrine
