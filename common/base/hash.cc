#include "common/base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>

namespace vitrine {

Sha256Digest Sha256(std::string_view bytes) {
  Sha256Digest digest;
  unsigned int size = digest.size();
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  return digest;
}

std::string ToHex(const Sha256Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (uint8_t byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

std::string Sha256ToHex(std::string_view raw) {
  Sha256Digest digest;
  if (raw.size() != digest.size()) return "";
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(digest.data()));
  return ToHex(digest);
}

uint64_t Checksum(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace vitrine
