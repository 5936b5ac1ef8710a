#include "clients/eval/split.h"

#include <sstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kParts = 5;

}  // namespace

bool IsHeldOut(std::string_view product_id) {
  const Sha256Digest digest = Sha256(product_id);
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | digest[i];
  return number % kParts == 0;
}

absl::StatusOr<std::set<std::string>> ReadValues(const fs::path& path,
                                                 std::string_view flag) {
  auto text = ReadFile(path);
  if (!text.ok()) return Annotate(text.status(), flag);
  std::set<std::string> values;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    absl::StripAsciiWhitespace(&line);
    if (!line.empty()) values.insert(line);
  }
  if (values.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(flag), ": ", path.string(),
                     " has no value; write one a line"));
  }
  return values;
}

fs::path ShippedFile(std::string_view name) {
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  fs::path shared = bin.parent_path() / "share" / "vitrine" / "models" / name;
  if (fs::exists(shared, error)) return shared;
  return (bin / ".." / ".." / "models" / name).lexically_normal();
}

}  // namespace vitrine::eval
