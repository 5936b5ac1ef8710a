// The flags of the verbs that are about an index as a whole.
#include <chrono>
#include <map>

#include "clients/cli/flag_parts.h"
#include "clients/cli/flag_values.h"
#include "clients/cli/verb_examples.h"
#include "clients/cli/verb_flags.h"

namespace vitrine::cli {

std::unique_ptr<CLI::App> ReceiptsApp(Flags* flags) {
  auto app = NewApp("receipts",
                    "What became of each picture, and why some were refused",
                    kReceiptsExamples);
  app->add_option_function<std::string>(
         "--since",
         [flags](const std::string& text) {
           const auto now = std::chrono::system_clock::now().time_since_epoch();
           flags->since_unix_ms = ParseSince(
               text, std::chrono::duration_cast<std::chrono::milliseconds>(now)
                         .count());
         },
         "Only from then on: 7d, 12h or 30m ago, or 2026-11-01 (UTC)")
      ->option_text("=WHEN")
      ->group("Which receipts");
  app->add_flag("--refused", flags->refused, "Only pictures that were refused")
      ->group("Which receipts");
  app->add_flag("--warned", flags->warned,
                "Only pictures with warnings; with --refused, both")
      ->group("Which receipts");
  app->add_flag("--follow", flags->follow,
                "Go on with those that come, until interrupted")
      ->group("Which receipts");
  app->add_option("--index", flags->index,
                  "Read them from an index's folder; no server is asked")
      ->option_text("=DIR")
      ->group("Which receipts");
  app->add_option_function<std::string>(
         "--by",
         [flags](const std::string& text) {
           if (text != "folder") {
             throw CLI::ValidationError(
                 "--by", "'" + text + "' is nothing to count by; use folder");
           }
           flags->by_folder = true;
         },
         "Count them by folder, each picture by its last receipt; and how long "
         "it took from a picture's arrival until it was searchable")
      ->option_text("=folder")
      ->group("Output");
  app->add_option_function<std::string>(
         "--format",
         [flags](const std::string& text) {
           const std::map<std::string, Format> formats = {
               {"table", Format::kTable},
               {"json", Format::kJson},
               {"csv", Format::kCsv},
               {"html", Format::kHtml}};
           const auto found = formats.find(text);
           if (found == formats.end()) {
             throw CLI::ValidationError(
                 "--format", "'" + text +
                                 "' is no format here; use table, json, csv "
                                 "or html");
           }
           flags->format = found->second;
         },
         "Lines for people, one JSON object a line, a spreadsheet, or one page "
         "with the pictures that were refused or warned of (table)")
      ->option_text("=table|json|csv|html")
      ->group("Output");
  app->add_option("--catalog", flags->catalog,
                  "The catalogue's folder, from which --format=html takes the "
                  "pictures")
      ->option_text("=DIR")
      ->group("Output");
  AddProgress(app.get(), flags);
  AddConnection(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> BackupApp(Flags* flags) {
  auto app = NewApp("backup",
                    "Copy an index, whole and checked, while it is written and "
                    "served",
                    kBackupExamples);
  app->add_option("DEST", flags->destination,
                  "The folder to copy into: new, empty, or an earlier backup "
                  "of the same index")
      ->option_text(" ")
      ->group("What to copy");
  app->add_option("--index", flags->index, "The index's folder")
      ->option_text("=DIR")
      ->group("What to copy");
  AddProgress(app.get(), flags);
  AddHelp(app.get(), "Output");
  return app;
}

namespace {

void AddSwitch(CLI::App* app, Flags* flags) {
  app->add_option("--index", flags->index, "The folder of the index")
      ->option_text("=DIR")
      ->group("What to do");
  app->add_flag("--no-wait", flags->no_wait,
                "Leave the request for the indexer, and end")
      ->group("What to do");
  AddProgress(app, flags);
  AddHelp(app, "Output");
}

}  // namespace

std::unique_ptr<CLI::App> PromoteApp(Flags* flags) {
  auto app = NewApp("promote",
                    "Let the other model of an index serve, once it has every "
                    "picture",
                    kPromoteExamples);
  AddSwitch(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> RollbackApp(Flags* flags) {
  auto app = NewApp("rollback",
                    "Return to the model that served before, or give up the "
                    "one that is being built",
                    kRollbackExamples);
  AddSwitch(app.get(), flags);
  return app;
}

}  // namespace vitrine::cli
