#include "indexer/refused_pictures.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

// A reader sees all of it or nothing, and so does who looks after a crash.
absl::Status Write(const std::filesystem::path& folder, std::string_view name,
                   std::string_view bytes) {
  VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
  VITRINE_ASSIGN_OR_RETURN(auto file, StagingFile::Create(folder / name));
  VITRINE_RETURN_IF_ERROR(file->Append(bytes));
  return file->Replace();
}

}  // namespace

RefusedPictures::RefusedPictures(std::filesystem::path folder,
                                 const RefusedPicturesLimits& limits)
    : folder_(std::move(folder)), limits_(limits) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder_, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    std::error_code gone;
    if (entry->path().extension() == ".staging") {  // A crash has left it.
      std::filesystem::remove(entry->path(), gone);
      continue;
    }
    File file = {entry->last_write_time(gone), entry->file_size(gone),
                 entry->path().filename().string()};
    if (!gone) files_.push_back(std::move(file));
  }
  std::sort(files_.begin(), files_.end(),
            [](const File& a, const File& b) { return a.written < b.written; });
  for (const File& file : files_) bytes_ += file.bytes;
  MakeRoom(0);
}

absl::Status RefusedPictures::Keep(std::string_view sha256,
                                   std::string_view bytes) {
  std::string name = Sha256ToHex(sha256);
  const auto known =
      std::find_if(files_.begin(), files_.end(),
                   [&name](const File& file) { return file.name == name; });
  if (known != files_.end()) {
    known->written = std::filesystem::file_time_type::clock::now();
    std::rotate(known, known + 1, files_.end());
    std::error_code gone;
    std::filesystem::last_write_time(folder_ / name, files_.back().written,
                                     gone);
    if (!gone) return absl::OkStatus();
    bytes_ -= files_.back().bytes;
    files_.pop_back();
  }
  if (bytes.size() > limits_.bytes) return absl::OkStatus();
  MakeRoom(bytes.size());
  if (const absl::Status written = Write(folder_, name, bytes); !written.ok()) {
    return absl::UnavailableError(
        absl::StrCat("a refused picture cannot be kept: ", written.message()));
  }
  files_.push_back({std::filesystem::file_time_type::clock::now(), bytes.size(),
                    std::move(name)});
  bytes_ += bytes.size();
  return absl::OkStatus();
}

void RefusedPictures::MakeRoom(uint64_t bytes) {
  const auto oldest =
      std::filesystem::file_time_type::clock::now() - limits_.age;
  while (!files_.empty() &&
         (bytes_ + bytes > limits_.bytes || files_.size() >= limits_.files ||
          files_.front().written < oldest)) {
    std::error_code ignored;
    std::filesystem::remove(folder_ / files_.front().name, ignored);
    bytes_ -= files_.front().bytes;
    files_.pop_front();
  }
}

}  // namespace vitrine
