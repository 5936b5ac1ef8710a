// Bearer tokens and what their holders may do.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/hash.h"

namespace vitrine {

// Each may do what those before it may.
enum class Role {
  kQuery,      // Search, recommend, embed; look at a product and its pictures.
  kCatalogue,  // List all products, read receipts.
  kAdmin,      // Whatever will change how a server runs.
};

// "query", "catalogue" or "admin".
std::string_view RoleName(Role role);

// Immutable and thread-safe.
class Tokens {
 public:
  struct Holder {
    std::string name;  // For whoever reads the file; may be empty.
    Role role = Role::kQuery;
  };

  // Lines of `ROLE TOKEN [NAME]`, empty ones, and notes that begin with '#'. A
  // token is 16 to 512 printable ASCII characters, or "sha256:" and the digest
  // of one in 64 hexadecimal digits. INVALID_ARGUMENT names `origin` and the
  // line, and no token.
  static absl::StatusOr<Tokens> Parse(std::string_view text,
                                      std::string_view origin);

  // Null for a token that is none of them. Takes as long for any.
  const Holder* Find(std::string_view token) const;
  size_t size() const { return holders_.size(); }

 private:
  std::map<Sha256Digest, Holder> holders_;
};

}  // namespace vitrine
