#include "clients/cli/receipt_pictures.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/helper_program.h"
#include "clients/cli/output_json.h"
#include "common/base/status.h"
#include "common/index/index_paths.h"
#include "common/index/snapshot.h"

namespace vitrine::cli {
namespace {

bool IsOfQueue(const v1::Receipt& receipt) {
  return std::string_view(receipt.source()).starts_with("queue");
}

// One file that the program is asked for, and who wants it.
struct Wanted {
  std::string path;
  std::string sha256;
  ReportThumbnail* thumbnail;
};

absl::Status Make(const std::string& program, const std::string& root,
                  const std::vector<Wanted>& all) {
  if (all.empty()) return absl::OkStatus();
  std::string input;
  for (const Wanted& wanted : all) {
    Json line = {{"path", wanted.path}};
    if (!wanted.sha256.empty()) line["sha256"] = wanted.sha256;
    input += ToLine(line);
  }
  VITRINE_ASSIGN_OR_RETURN(
      const std::string output,
      AskProgram(program, {"thumbnails", "--root=" + root}, input));
  size_t begin = 0;
  for (const Wanted& wanted : all) {
    const size_t end = output.find('\n', begin);
    if (end == std::string::npos) {
      return absl::InternalError("vitrine-pictures made too few thumbnails");
    }
    const Json line = Json::parse(output.begin() + begin, output.begin() + end,
                                  nullptr, /*allow_exceptions=*/false);
    begin = end + 1;
    if (!line.is_object()) {
      return absl::InternalError("vitrine-pictures wrote no JSON object");
    }
    wanted.thumbnail->jpeg_base64 = line.value("jpeg_base64", "");
    wanted.thumbnail->error = line.value("error", "");
    wanted.thumbnail->changed = line.value("changed", false);
  }
  return absl::OkStatus();
}

// The index has thumbnails of its own.
void TakeThumbnail(
    const absl::StatusOr<std::shared_ptr<const Snapshot>>& snapshot,
    const v1::Receipt& receipt, ReportThumbnail* thumbnail) {
  if (!snapshot.ok()) {
    thumbnail->error =
        absl::StrCat("the index does not open: ", snapshot.status().message());
    return;
  }
  const std::string_view jpeg =
      (*snapshot)->FindThumbnail(absl::HexStringToBytes(receipt.sha256()));
  if (jpeg.empty()) {
    thumbnail->error = "the index does not have it any more";
  } else {
    thumbnail->jpeg_base64 =
        absl::Base64Escape(absl::string_view(jpeg.data(), jpeg.size()));
  }
}

}  // namespace

absl::StatusOr<std::vector<ReportThumbnail>> ThumbnailsOf(
    const std::string& program, const PictureFolders& folders,
    const std::vector<v1::Receipt>& receipts) {
  const IndexPaths index{folders.index};
  // Opened for the first that needs it.
  std::optional<absl::StatusOr<std::shared_ptr<const Snapshot>>> snapshot;
  std::vector<Wanted> of_catalog, of_queue;
  std::vector<ReportThumbnail> thumbnails(
      std::min(receipts.size(), kMostShown));
  for (size_t i = 0; i < thumbnails.size(); ++i) {
    const v1::Receipt& receipt = receipts[i];
    if (!IsOfQueue(receipt)) {
      if (folders.catalog.empty()) {
        thumbnails[i].error = "--catalog=DIR shows it";
      } else {
        of_catalog.push_back(
            {receipt.path(), receipt.sha256(), &thumbnails[i]});
      }
    } else if (folders.index.empty()) {
      thumbnails[i].error =
          "it came by a queue: --index=DIR, the folder of the index, shows it";
    } else if (receipt.sha256().empty()) {
      thumbnails[i].error = "its bytes never came";
    } else if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
      of_queue.push_back({receipt.sha256(), receipt.sha256(), &thumbnails[i]});
    } else {
      if (!snapshot) {
        std::string degraded;
        snapshot =
            Snapshot::OpenNewest(index, std::span<const Snapshot* const>(),
                                 &degraded, VerifyMode::kBackground);
      }
      TakeThumbnail(*snapshot, receipt, &thumbnails[i]);
    }
  }
  VITRINE_RETURN_IF_ERROR(Make(program, folders.catalog, of_catalog));
  std::error_code error;
  if (!of_queue.empty() &&
      !std::filesystem::is_directory(index.refused(), error)) {
    for (const Wanted& wanted : of_queue) {
      wanted.thumbnail->error = "it is not kept any more";
    }
    return thumbnails;
  }
  VITRINE_RETURN_IF_ERROR(Make(program, index.refused().string(), of_queue));
  return thumbnails;
}

}  // namespace vitrine::cli
