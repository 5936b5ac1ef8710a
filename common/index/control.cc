#include "common/index/control.h"

#include <filesystem>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr char kRequestEnding[] = ".request";
constexpr char kTakenEnding[] = ".taken";
constexpr char kAnswerEnding[] = ".answer";
constexpr char kDeclinedEnding[] = ".declined";
constexpr char kServe[] = "serve";
constexpr char kGiveUp[] = "give-up";
constexpr uint64_t kMostBytes = 4096;

std::filesystem::path FileOf(const IndexPaths& paths, std::string_view name,
                             const char* ending) {
  return paths.control() / absl::StrCat(std::string(name), ending);
}

}  // namespace

absl::StatusOr<std::string> PostRequest(const IndexPaths& paths,
                                        ControlRequest::Kind kind,
                                        uint64_t set) {
  VITRINE_RETURN_IF_ERROR(MakeFolders(paths.control()));
  std::random_device random;
  const std::string name = absl::StrFormat("%08x%08x", random(), random());
  VITRINE_RETURN_IF_ERROR(PublishFile(
      FileOf(paths, name, kRequestEnding),
      absl::StrCat(kind == ControlRequest::kServe ? kServe : kGiveUp, " ",
                   set)));
  return name;
}

absl::Status WithdrawRequest(const IndexPaths& paths, std::string_view name) {
  for (const char* ending : {kRequestEnding, kTakenEnding, kAnswerEnding}) {
    VITRINE_RETURN_IF_ERROR(RemoveFile(FileOf(paths, name, ending)));
  }
  return absl::OkStatus();
}

bool IsTaken(const IndexPaths& paths, std::string_view name) {
  std::error_code error;
  return std::filesystem::exists(FileOf(paths, name, kTakenEnding), error);
}

std::optional<ControlAnswer> TakeAnswer(const IndexPaths& paths,
                                        std::string_view name) {
  const auto bytes = ReadFile(FileOf(paths, name, kAnswerEnding), kMostBytes);
  if (!bytes.ok()) return std::nullopt;
  WithdrawRequest(paths, name).IgnoreError();
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(*bytes, absl::MaxSplits(' ', 1));
  ControlAnswer answer;
  int code = 0;
  if (parts.first == "generation" &&
      absl::SimpleAtoi(parts.second, &answer.generation)) {
    return answer;
  }
  if (!absl::SimpleAtoi(parts.first, &code) || code == 0) {
    answer.status = absl::DataLossError(
        absl::StrCat("the indexer's answer cannot be read: ", *bytes));
    return answer;
  }
  answer.status =
      absl::Status(static_cast<absl::StatusCode>(code), parts.second);
  return answer;
}

absl::Status DeclineModel(const IndexPaths& paths, std::string_view model) {
  const absl::Status noted =
      PublishFile(FileOf(paths, model, kDeclinedEnding), "");
  return absl::IsAlreadyExists(noted) ? absl::OkStatus() : noted;
}

absl::Status AcceptModel(const IndexPaths& paths, std::string_view model) {
  return RemoveFile(FileOf(paths, model, kDeclinedEnding));
}

bool IsModelDeclined(const IndexPaths& paths, std::string_view model) {
  std::error_code error;
  return std::filesystem::exists(FileOf(paths, model, kDeclinedEnding), error);
}

std::vector<ControlRequest> TakeRequests(const IndexPaths& paths) {
  std::vector<ControlRequest> requests;
  const auto names = ListFolder(paths.control());
  if (!names.ok()) return requests;
  for (const std::string& file : *names) {
    if (!std::string_view(file).ends_with(kRequestEnding)) continue;
    ControlRequest request;
    request.name =
        file.substr(0, file.size() - std::string_view(kRequestEnding).size());
    const auto bytes = ReadFile(paths.control() / file, kMostBytes);
    if (!bytes.ok()) continue;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(*bytes, absl::MaxSplits(' ', 1));
    if ((parts.first != kServe && parts.first != kGiveUp) ||
        !absl::SimpleAtoi(parts.second, &request.set)) {
      AnswerRequest(paths, request,
                    {absl::InvalidArgumentError(absl::StrCat(
                        "\"", *bytes, "\" is no request of this version"))})
          .IgnoreError();
      continue;
    }
    request.kind = parts.first == kServe ? ControlRequest::kServe
                                         : ControlRequest::kGiveUp;
    if (!IsTaken(paths, request.name)) {
      PublishFile(FileOf(paths, request.name, kTakenEnding), "").IgnoreError();
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

absl::Status AnswerRequest(const IndexPaths& paths,
                           const ControlRequest& request,
                           const ControlAnswer& answer) {
  const std::string text =
      answer.status.ok() ? absl::StrCat("generation ", answer.generation)
                         : absl::StrCat(static_cast<int>(answer.status.code()),
                                        " ", answer.status.message());
  absl::Status written =
      PublishFile(FileOf(paths, request.name, kAnswerEnding), text);
  if (!written.ok() && !absl::IsAlreadyExists(written)) return written;
  // After the answer stands: a request without one is answered once more.
  return RemoveFile(FileOf(paths, request.name, kRequestEnding));
}

}  // namespace vitrine
