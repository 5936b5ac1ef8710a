#include "clients/cli/verbs.h"

#include <chrono>

#include "clients/cli/backup.h"
#include "clients/cli/connection.h"
#include "clients/cli/export.h"
#include "clients/cli/output_json.h"
#include "clients/cli/output_table.h"
#include "clients/cli/push.h"
#include "clients/cli/receipts_verb.h"
#include "clients/cli/requests.h"
#include "clients/cli/sheet.h"
#include "clients/cli/stream.h"
#include "clients/cli/switch_models.h"
#include "common/base/status.h"

namespace vitrine::cli {
namespace {

constexpr int kEmbedBatch = 16;  // Of at most 64 in a request.

class Stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(
               std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

// Prints the answers of one run, in their order, and keeps count.
class Report {
 public:
  Report(const Flags& flags, const Environment& environment,
         Connection& connection, std::optional<int64_t> total)
      : flags_(flags),
        environment_(environment),
        connection_(connection),
        only_one_(total == 1),
        progress_(environment.err,
                  only_one_ ? Progress::Mode::kOff : environment.progress,
                  total, "queries") {}

  void Answer(const Query& query, const v1::SearchResponse& response,
              double total_ms) {
    Print(flags_.format == Format::kJson
              ? ToLine(SearchJson(query.label, response, flags_.thumbnails))
              : SearchTable(query.label, response, flags_.offset, total_ms));
    Draw(query, SearchSheet, response);
  }

  void Answer(const Query& query, const v1::RecommendResponse& response,
              double total_ms) {
    Print(flags_.format == Format::kJson
              ? ToLine(RecommendJson(query.label, response, flags_.thumbnails))
              : RecommendTable(query.label, response, total_ms));
    Draw(query, RecommendSheet, response);
  }

  void Answer(const Query& query, const v1::Vector& vector,
              const std::string& model) {
    Print(ToLine(EmbedJson(query.label, vector, model)));
  }

  void Fail(const Query& query, const v1::Error& error) {
    ++failed_;
    progress_.Clear();
    environment_.err << ErrorLine(query.label, error) << std::flush;
    if (flags_.format == Format::kJson) {
      environment_.out << ToLine(ErrorJson(query.label, error)) << std::flush;
    }
    Count();
  }

  // What ends the whole run.
  void Fail(const v1::Error& error) {
    ++failed_;
    progress_.Clear();
    environment_.err << ErrorLine("", error) << std::flush;
  }

  int ExitStatus() const { return failed_ > 0 ? kFailed : kOk; }

 private:
  void Print(const std::string& answer) {
    progress_.Clear();
    if (done_ > 0 && flags_.format == Format::kTable) environment_.out << "\n";
    environment_.out << answer << std::flush;
    Count();
  }

  template <typename Response>
  void Draw(const Query& query,
            Json (*new_sheet)(const Flags&, const Query&, const Response&),
            const Response& response) {
    if (flags_.sheet.empty()) return;
    Json sheet = new_sheet(flags_, query, response);
    AddQueryPictures(connection_, flags_, query, &sheet);
    std::string path = SheetPath(flags_.sheet, done_, only_one_);
    absl::Status status = DrawSheet(environment_.pictures_program, path, sheet);
    if (!status.ok()) Fail(ErrorOf(Annotate(status, "no sheet " + path)));
  }

  void Count() { progress_.Update(++done_, failed_); }

  const Flags& flags_;
  const Environment& environment_;
  Connection& connection_;
  bool only_one_;
  Progress progress_;
  int64_t done_ = 0;
  int64_t failed_ = 0;
};

void SearchOne(Connection& connection, const Flags& flags,
               const std::vector<v1::Example>& extra, QuerySource* source,
               Report* report) {
  for (LoadedQuery& loaded :
       BatchReader(flags, source, 1, /*extra_bytes=*/0).Next()) {
    if (loaded.error) {
      report->Fail(loaded.query, *loaded.error);
      continue;
    }
    v1::SearchRequest request =
        MakeSearchRequest(flags, std::move(loaded.example), extra);
    v1::SearchResponse response;
    Stopwatch stopwatch;
    grpc::Status status = connection.stub().Search(
        connection.NewContext().get(), request, &response);
    if (status.ok()) {
      report->Answer(loaded.query, response, stopwatch.ms());
    } else {
      report->Fail(loaded.query, connection.ErrorOfCall(status));
    }
  }
}

void Search(Connection& connection, const Flags& flags, QuerySource* source,
            Report* report) {
  absl::StatusOr<std::vector<v1::Example>> extra = LoadExtraExamples(flags);
  if (!extra.ok()) return report->Fail(ErrorOf(extra.status()));
  if (source->total() == 1) {
    return SearchOne(connection, flags, *extra, source, report);
  }
  auto take = [report](const Query& query, const SearchOutcome& outcome) {
    if (const auto* error = std::get_if<v1::Error>(&outcome)) {
      report->Fail(query, *error);
    } else {
      report->Answer(query, std::get<v1::SearchResponse>(outcome), 0);
    }
  };
  if (auto error = SearchMany(connection, flags, *extra, source, take)) {
    report->Fail(*error);
  }
}

void Recommend(Connection& connection, const Flags& flags, QuerySource* source,
               Report* report) {
  BatchReader reader(flags, source, 1, /*extra_bytes=*/0);
  for (;;) {
    std::vector<LoadedQuery> batch = reader.Next();
    if (batch.empty()) return;
    if (batch[0].error) {
      report->Fail(batch[0].query, *batch[0].error);
      continue;
    }
    v1::RecommendRequest request =
        MakeRecommendRequest(flags, std::move(batch[0].example));
    v1::RecommendResponse response;
    Stopwatch stopwatch;
    grpc::Status status = connection.stub().Recommend(
        connection.NewContext().get(), request, &response);
    if (status.ok()) {
      report->Answer(batch[0].query, response, stopwatch.ms());
      continue;
    }
    report->Fail(batch[0].query, connection.ErrorOfCall(status));
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return;
  }
}

void Embed(Connection& connection, const Flags& flags, QuerySource* source,
           Report* report) {
  BatchReader reader(flags, source, kEmbedBatch, /*extra_bytes=*/0);
  for (;;) {
    std::vector<LoadedQuery> batch = reader.Next();
    if (batch.empty()) return;
    v1::EmbedRequest request;
    request.set_required_model(flags.required_model);
    request.set_model(flags.model);
    for (LoadedQuery& loaded : batch) {
      if (loaded.error) continue;
      *request.add_images() = std::move(*loaded.example.mutable_image());
    }
    v1::EmbedResponse response;
    if (request.images_size() > 0) {
      grpc::Status status = connection.stub().Embed(
          connection.NewContext().get(), request, &response);
      if (!status.ok()) return report->Fail(connection.ErrorOfCall(status));
      if (response.items_size() != request.images_size()) {
        return report->Fail(ErrorOf(absl::InternalError(
            "the server answered " + std::to_string(response.items_size()) +
            " of " + std::to_string(request.images_size()) + " pictures")));
      }
    }
    int next = 0;
    for (const LoadedQuery& loaded : batch) {
      if (loaded.error) {
        report->Fail(loaded.query, *loaded.error);
        continue;
      }
      const v1::EmbedResponse::Item& item = response.items(next++);
      if (item.has_error()) {
        report->Fail(loaded.query, item.error());
      } else {
        report->Answer(loaded.query, item.vector(), response.model());
      }
    }
  }
}

int Describe(Connection& connection, const Flags& flags,
             const Environment& environment) {
  v1::DescribeIndexResponse response;
  grpc::Status status = connection.stub().DescribeIndex(
      connection.NewContext().get(), {}, &response);
  if (!status.ok()) {
    environment.err << ErrorLine("", connection.ErrorOfCall(status));
    return kFailed;
  }
  environment.out << (flags.format == Format::kJson
                          ? ToLine(DescribeJson(response))
                          : DescribeTable(response));
  return kOk;
}

int RunQueries(Connection& connection, const Flags& flags,
               const Environment& environment) {
  auto source = QuerySource::Open(flags, environment.standard_input);
  if (!source.ok()) {
    environment.err << ErrorLine("", ErrorOf(source.status()));
    return kFailed;
  }
  Report report(flags, environment, connection, (*source)->total());
  switch (flags.verb) {
    case Verb::kRecommend:
      Recommend(connection, flags, source->get(), &report);
      break;
    case Verb::kEmbed:
      Embed(connection, flags, source->get(), &report);
      break;
    default:
      Search(connection, flags, source->get(), &report);
      break;
  }
  return report.ExitStatus();
}

}  // namespace

int Run(const Flags& flags, const Environment& environment) {
  if (flags.verb == Verb::kPush) return Push(flags, environment);
  if (flags.verb == Verb::kPromote || flags.verb == Verb::kRollback) {
    return SwitchModels(flags, environment);
  }
  if (flags.verb == Verb::kBackup) return Backup(flags, environment);
  auto made = Connection::Make(flags.server, flags.security, flags.timeout_ms);
  if (!made.ok()) {
    environment.err << "vitrine: " << made.status().message() << "\n";
    return kUsage;
  }
  Connection connection = *std::move(made);
  int exit_status = kOk;
  switch (flags.verb) {
    case Verb::kDescribe:
      exit_status = Describe(connection, flags, environment);
      break;
    case Verb::kExport:
      exit_status = Export(connection, flags, environment);
      break;
    case Verb::kReceipts:
      exit_status = Receipts(connection, flags, environment);
      break;
    default:
      exit_status = RunQueries(connection, flags, environment);
      break;
  }
  if (!environment.out.flush()) {
    environment.err << "vitrine: cannot write the answers to standard output\n";
    return kFailed;
  }
  return exit_status;
}

}  // namespace vitrine::cli
