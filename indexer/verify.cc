#include "indexer/verify.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/index_check.h"
#include "common/index/manifest.h"
#include "indexer/console.h"

namespace vitrine {
namespace {

int64_t Megabytes(uint64_t bytes) {
  return static_cast<int64_t>((bytes + 999'999) / 1'000'000);
}

}  // namespace

absl::Status VerifyIndex(const IndexPaths& paths, Log* log) {
  Console console(log);
  auto check = CheckIndex(paths,
                          [&console](uint64_t done, uint64_t total) {
                            console.Progress(Megabytes(done), Megabytes(total),
                                             /*refused=*/0, "MB");
                          },
                          /*stop=*/{});
  console.EndProgress();
  VITRINE_RETURN_IF_ERROR(check.status());
  for (const std::string& finding : check->findings) {
    console.Warn(absl::StrCat("damaged: ", finding));
  }
  console.Line(absl::StrCat(
      check->generation == 0
          ? "no generation can be read"
          : absl::StrCat("generation ", check->generation,
                         ": every checksum of ", check->files, " files, ",
                         Megabytes(check->bytes), " MB"),
      "; the manifests of ", check->generations, " generations"));
  if (check->findings.empty()) {
    console.Line("all of it is sound");
    return absl::OkStatus();
  }
  const size_t damaged = check->findings.size();
  return WithRemedy(
      absl::DataLossError(absl::StrCat(
          damaged, damaged == 1 ? " file of " : " files of ",
          paths.root.string(), damaged == 1 ? " is damaged" : " are damaged")),
      paths);
}

}  // namespace vitrine
