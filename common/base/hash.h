// Hashes: SHA-256 for identity of content, XXH3 for damage on disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine {

using Sha256Digest = std::array<uint8_t, 32>;

// The SHA-256 of `bytes`.
Sha256Digest Sha256(std::string_view bytes);

// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256Digest& digest);
// The same for the 32 raw bytes of a record; `raw` of another size gives "".
std::string Sha256ToHex(std::string_view raw);

// XXH3-64 (xxhash.com), seed 0: finds damage, does not withstand an attacker.
uint64_t Checksum(std::string_view bytes);

}  // namespace vitrine
