#include "clients/cli/backup.h"

#include <chrono>

#include "absl/strings/str_format.h"
#include "clients/cli/index_copy.h"
#include "clients/cli/output_table.h"
#include "clients/cli/text.h"
#include "common/base/status.h"
#include "common/index/index_file_copy.h"

namespace vitrine::cli {

int Backup(const Flags& flags, const Environment& environment) {
  const auto start = std::chrono::steady_clock::now();
  std::optional<Progress> progress;
  const auto copy = CopyIndex(
      {flags.index}, {flags.destination}, [&](uint64_t done, uint64_t total) {
        if (!progress) {
          progress.emplace(environment.err, environment.progress,
                           static_cast<int64_t>((total + 999'999) / 1'000'000),
                           "MB");
        }
        progress->Update(static_cast<int64_t>(done / 1'000'000), 0);
      });
  if (progress) progress->Clear();
  progress.reset();
  if (!copy.ok()) {
    environment.err << ErrorLine("", ErrorOf(copy.status()));
    return kFailed;
  }
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  environment.out << absl::StrFormat(
      "%s: generation %d, %s files, %s; copied and verified %s files, %s, in "
      "%.1f s\n",
      Printable(flags.destination), copy->generation,
      FormatCount(static_cast<int64_t>(copy->files)),
      MegabytesText(copy->bytes),
      FormatCount(static_cast<int64_t>(copy->files_copied)),
      MegabytesText(copy->bytes_copied), seconds.count());
  if (!environment.out.flush()) return kFailed;
  return kOk;
}

}  // namespace vitrine::cli
