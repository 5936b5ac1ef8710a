#include "clients/cli/receipts_verb.h"

#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

#include "absl/time/clock.h"
#include "clients/cli/output_json.h"
#include "clients/cli/output_table.h"
#include "clients/cli/patient_stream.h"
#include "clients/cli/receipt_html.h"
#include "clients/cli/receipt_lines.h"
#include "clients/cli/receipt_pictures.h"
#include "clients/cli/receipt_report.h"
#include "clients/cli/text.h"
#include "common/base/file_watch.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"
#include "common/catalog/receipt_reader.h"
#include "common/index/index_paths.h"

namespace vitrine::cli {
namespace {

constexpr std::chrono::hours kForEver(24 * 365 * 10);
// How often the file is looked at where the file system tells nothing.
constexpr int kPollMs = 500;

// Takes some receipts and how many lines before them could not be read; false
// where no more are wanted.
using TakeReceipts = std::function<bool(
    const google::protobuf::RepeatedPtrField<v1::Receipt>& receipts,
    uint64_t unreadable_lines)>;

std::optional<v1::Error> FromServer(Connection& connection, const Flags& flags,
                                    bool refused_only,
                                    const TakeReceipts& take) {
  v1::ReceiptsRequest request;
  if (flags.since_unix_ms) {
    *request.mutable_since() =
        google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
            *flags.since_unix_ms);
  }
  request.set_refused_only(refused_only);
  request.set_follow(flags.follow);
  PatientStream<v1::ReceiptsResponse> stream(
      flags.follow ? std::chrono::milliseconds(kForEver)
                   : std::chrono::milliseconds(connection.timeout_ms()),
      [&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
        return connection.catalog_stub().PrepareAsyncReceipts(context, request,
                                                              queue);
      });
  std::string last_time;
  v1::ReceiptsResponse response;
  while (stream.Read(&response)) {
    if (!take(response.receipts(), response.unreadable_lines())) return {};
    if (!response.receipts().empty()) {
      last_time =
          Rfc3339(response.receipts(response.receipts_size() - 1).time());
    }
  }
  const grpc::Status status = stream.Finish();
  if (status.ok()) return {};
  v1::Error error = connection.ErrorOfCall(status);
  if (!last_time.empty()) {
    error.set_message(error.message() + " (--since=" + last_time +
                      " goes on from the last receipt)");
  }
  return error;
}

absl::Status FromFolder(const Flags& flags, bool refused_only,
                        const TakeReceipts& take) {
  const IndexPaths paths{flags.index};
  std::error_code error;
  if (!std::filesystem::exists(paths.receipts(), error) &&
      !std::filesystem::exists(paths.manifests(), error)) {
    return absl::NotFoundError(
        "there is no index in " + flags.index +
        ": name the folder that vitrine-indexer writes (its --index), or ask a "
        "server with --server=HOST:PORT");
  }
  FileWatch watch(paths.receipts(), kPollMs);
  std::optional<absl::Time> since;
  if (flags.since_unix_ms) since = absl::FromUnixMillis(*flags.since_unix_ms);
  ReceiptReader reader(paths.receipts(), since);
  do {
    for (bool at_end = false; !at_end;) {
      VITRINE_ASSIGN_OR_RETURN(const ReceiptBatch batch, reader.Next());
      at_end = batch.at_end;
      google::protobuf::RepeatedPtrField<v1::Receipt> receipts;
      for (const v1::Receipt& receipt : batch.receipts) {
        if (!refused_only ||
            receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) {
          *receipts.Add() = receipt;
        }
      }
      if (!take(receipts, batch.unreadable_lines)) return absl::OkStatus();
    }
  } while (flags.follow && watch.Wait());
  return absl::OkStatus();
}

bool IsWanted(const Flags& flags, const v1::Receipt& receipt) {
  return (!flags.refused && !flags.warned) ||
         (flags.refused && receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) ||
         (flags.warned && receipt.warnings_size() > 0);
}

std::string Line(Format format, const v1::Receipt& receipt) {
  switch (format) {
    case Format::kJson:
      return ReceiptToJson(receipt) + "\n";
    case Format::kCsv:
      return ReceiptCsvLine(receipt);
    default:
      return ReceiptLine(receipt);
  }
}

class ReceiptsVerb {
 public:
  ReceiptsVerb(Connection& connection, const Flags& flags,
               const Environment& environment)
      : connection_(connection),
        flags_(flags),
        environment_(environment),
        is_report_(flags.by_folder || flags.format == Format::kHtml) {}

  int Run() {
    if (!is_report_ && flags_.format == Format::kCsv) {
      environment_.out << ReceiptCsvHead();
    }
    // Whether a picture is still refused is told by what came later.
    const bool refused_only = flags_.refused && !flags_.warned && !is_report_;
    const TakeReceipts take = [this](const auto& receipts,
                                     uint64_t unreadable) {
      return Take(receipts, unreadable);
    };
    std::optional<v1::Error> error;
    {
      Progress progress(environment_.err, ProgressMode(), std::nullopt,
                        "receipts");
      progress_ = &progress;
      if (flags_.index.empty()) {
        error = FromServer(connection_, flags_, refused_only, take);
      } else if (absl::Status status = FromFolder(flags_, refused_only, take);
                 !status.ok()) {
        error = ErrorOf(status);
      }
      if (error) progress.Clear();
      progress_ = nullptr;
    }
    if (!error && is_report_) {
      if (absl::Status status = PrintReport(); !status.ok()) {
        error = ErrorOf(status);
      }
    }
    if (unreadable_ > 0) {
      environment_.err << "vitrine: " << FormatCount(unreadable_)
                       << (unreadable_ == 1 ? " line" : " lines")
                       << " of receipts.jsonl could not be read\n";
    }
    if (error) environment_.err << ErrorLine("", *error);
    return error ? kFailed : kOk;
  }

 private:
  // Lists are their own progress on a terminal.
  Progress::Mode ProgressMode() const {
    return is_report_ || environment_.progress == Progress::Mode::kLines
               ? environment_.progress
               : Progress::Mode::kOff;
  }

  template <typename Receipts>
  bool Take(const Receipts& receipts, uint64_t unreadable) {
    unreadable_ += static_cast<int64_t>(unreadable);
    for (const v1::Receipt& receipt : receipts) {
      if (is_report_) {
        report_.Add(receipt);
      } else if (IsWanted(flags_, receipt)) {
        environment_.out << Line(flags_.format, receipt);
      }
    }
    read_ += receipts.size();
    progress_->Update(read_, 0);
    return static_cast<bool>(environment_.out.flush());
  }

  absl::Status PrintReport() {
    const ReceiptSummary summary = report_.Summarise();
    if (flags_.format == Format::kHtml) return PrintPage(summary);
    auto* text = flags_.format == Format::kJson  ? SummaryJson
                 : flags_.format == Format::kCsv ? SummaryCsv
                                                 : SummaryTable;
    environment_.out << text(summary, flags_.refused, flags_.warned);
    return absl::OkStatus();
  }

  absl::Status PrintPage(const ReceiptSummary& summary) {
    ReceiptPage page{summary};
    const bool both = flags_.refused == flags_.warned;
    page.has_refused = both || flags_.refused;
    page.has_warned = both || flags_.warned;
    page.unreadable_lines = unreadable_;
    page.made_at =
        absl::FormatTime("%Y-%m-%d %H:%M", absl::Now(), absl::UTCTimeZone());
    const PictureFolders folders = {flags_.catalog, flags_.index};
    if (!folders.catalog.empty() || !folders.index.empty()) {
      page.has_pictures = true;
      const std::string& program = environment_.pictures_program;
      if (page.has_refused) {
        VITRINE_ASSIGN_OR_RETURN(
            page.refused, ThumbnailsOf(program, folders, summary.refused));
      }
      if (page.has_warned) {
        VITRINE_ASSIGN_OR_RETURN(
            page.warned, ThumbnailsOf(program, folders, summary.warned));
      }
    }
    environment_.out << ReceiptHtml(page);
    return absl::OkStatus();
  }

  Connection& connection_;
  const Flags& flags_;
  const Environment& environment_;
  const bool is_report_;
  ReceiptReport report_;
  Progress* progress_ = nullptr;
  int64_t read_ = 0;
  int64_t unreadable_ = 0;
};

}  // namespace

int Receipts(Connection& connection, const Flags& flags,
             const Environment& environment) {
  return ReceiptsVerb(connection, flags, environment).Run();
}

}  // namespace vitrine::cli
