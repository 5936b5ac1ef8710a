// vitrine-eval: how well models find alike photos. `vitrine eval` starts it, so
// that `vitrine` itself links neither Torch nor OpenCV.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/evaluation.h"
#include "clients/eval/report.h"
#include "clients/eval/report_text.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "vitrine: %s\n", std::string(status.message()).c_str());
  return code;
}

// Makes the report's folder: not in the catalogue, where its pictures would be
// taken for products, nor where files of others would be replaced.
absl::Status MakeFolder(const std::filesystem::path& folder,
                        const std::filesystem::path& catalog) {
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(catalog, error);
  const auto inner = std::filesystem::weakly_canonical(folder, error);
  if (std::mismatch(root.begin(), root.end(), inner.begin(), inner.end())
          .first == root.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--report: ", folder.string(), " lies in the catalogue ",
        catalog.string(),
        ", where its pictures would be indexed; name a folder elsewhere"));
  }
  VITRINE_RETURN_IF_ERROR(CheckReplaceable(folder));
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK) == 0) return absl::OkStatus();
  return ErrnoStatus(
      error ? error.value() : errno,
      absl::StrCat("--report: cannot write to ", folder.string()));
}

int Run(const EvalOptions& options) {
  // What can be wrong is told before anything takes long.
  absl::Status status = CheckModels(options);
  if (!status.ok()) return Fail(status, kUsage);
  const auto set = ReadEvalSet(options);
  if (!set.ok()) return Fail(set.status(), kUsage);
  status = MakeFolder(options.report, options.catalog.root);
  if (!status.ok()) return Fail(status, kUsage);
  for (const std::string& warning : set->warnings) {
    std::fprintf(stderr, "vitrine: %s\n", warning.c_str());
  }
  auto progress = cli::Progress::Mode::kOff;
  if (::isatty(STDERR_FILENO) == 1) {
    progress = cli::Progress::Mode::kTerminal;
  } else if (options.progress) {
    progress = cli::Progress::Mode::kLines;
  }
  const auto result = Evaluate(options, *set, progress);
  if (!result.ok()) return Fail(result.status(), kFailed);
  // Photos that could not be read may have added some.
  for (const std::string& warning : result->warnings) {
    if (std::find(set->warnings.begin(), set->warnings.end(), warning) ==
        set->warnings.end()) {
      std::fprintf(stderr, "vitrine: %s\n", warning.c_str());
    }
  }
  if (result->refused > 0) {
    std::fprintf(stderr,
                 "vitrine: %lld of %zu photos could not be read and are left "
                 "out; vitrine check says why\n",
                 static_cast<long long>(result->refused), set->photos.size());
  }
  status = WriteReport(options, *set, *result);
  if (!status.ok()) return Fail(status, kFailed);
  std::printf("%s\n%s\n", ResultTable(options, *set, *result).c_str(),
              (options.report / "index.html").c_str());
  return kOk;
}

}  // namespace
}  // namespace vitrine::eval

int main(int argc, char** argv) {
  // `vitrine` hands its verb on as the first argument.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string program = "vitrine-eval";
  if (!arguments.empty() && arguments.front() == "eval") {
    arguments.erase(arguments.begin());
    program = "vitrine eval";
  }
  const vitrine::eval::EvalCommand command =
      vitrine::eval::ParseEvalCommand(std::move(arguments), program);
  if (!command.options) {
    std::fputs(command.text.c_str(),
               command.exit_status == 0 ? stdout : stderr);
    return command.exit_status;
  }
  return vitrine::eval::Run(*command.options);
}
