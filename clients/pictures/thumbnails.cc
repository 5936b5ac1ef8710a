#include "clients/pictures/thumbnails.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog_folder.h"
#include "common/image/image.h"

namespace vitrine {
namespace {

using nlohmann::json;

constexpr int kSide = 160;
// What an index refuses may still be shown; one at a time, as it may take a
// gigabyte.
constexpr ImageLimits kGenerous = {256'000'000, 300'000'000};

struct Wanted {
  std::string path;
  std::string sha256;  // In hexadecimal; empty where it is not known.
};

absl::StatusOr<std::string> ThumbnailOf(const std::string& bytes) {
  static auto* const large_mutex = new std::mutex;
  auto image = DecodeImage(bytes, {}, kSide);
  if (!image.ok()) {
    const std::lock_guard lock(*large_mutex);
    image = DecodeImage(bytes, kGenerous, kSide);
  }
  if (!image.ok()) return image.status();
  return EncodeThumbnail(*image, kSide);
}

json Answer(const std::filesystem::path& root, const Wanted& wanted) {
  json answer = json::object();
  const auto bytes = ReadBeneath(root, wanted.path, kGenerous.max_bytes);
  if (!bytes.ok()) {
    answer["error"] = absl::IsNotFound(bytes.status())
                          ? "the file is not there any more"
                          : std::string(bytes.status().message());
    return answer;
  }
  if (!wanted.sha256.empty()) {
    answer["changed"] = ToHex(Sha256(*bytes)) != wanted.sha256;
  }
  const auto jpeg = ThumbnailOf(*bytes);
  if (jpeg.ok()) {
    answer["jpeg_base64"] = absl::Base64Escape(*jpeg);
  } else {
    answer["error"] = "it does not decode";
  }
  return answer;
}

}  // namespace

absl::StatusOr<std::string> MakeThumbnails(const std::filesystem::path& root,
                                           std::string_view lines) {
  VITRINE_RETURN_IF_ERROR(CheckRoot(root));
  std::vector<Wanted> wanted;
  for (size_t end; (end = lines.find('\n')) != std::string_view::npos;
       lines.remove_prefix(end + 1)) {
    const json line = json::parse(lines.begin(), lines.begin() + end, nullptr,
                                  /*allow_exceptions=*/false);
    if (!line.is_object() || !line.contains("path") ||
        !line["path"].is_string()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", wanted.size() + 1, " has no path; right is {\"path\": …}"));
    }
    const auto sha256 = line.find("sha256");
    wanted.push_back({line["path"], sha256 != line.end() && sha256->is_string()
                                        ? sha256->get<std::string>()
                                        : ""});
  }
  std::vector<std::string> answers(wanted.size());
  ParallelFor(static_cast<int>(wanted.size()), AvailableCores(), [&](int i) {
    answers[i] = Answer(root, wanted[i])
                     .dump(-1, ' ', false, json::error_handler_t::replace) +
                 "\n";
  });
  std::string text;
  for (const std::string& answer : answers) text += answer;
  return text;
}

}  // namespace vitrine
