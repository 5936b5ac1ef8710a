#include "clients/eval/report_html.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/text.h"
#include "clients/eval/html_table.h"
#include "clients/eval/report_style.h"
#include "clients/eval/report_tables.h"

namespace vitrine::eval {
namespace {

using cli::FormatCount;

// The folder's own name, of "." and "photos/" too.
std::string NameOf(const std::filesystem::path& folder) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(folder, error);
  return (whole.has_filename() ? whole.filename() : folder).string();
}

std::string Summary(const EvalOptions& options, const EvalSet& set,
                    const EvalResult& result) {
  const auto& answers =
      result.extractors.front().configurations.front().answers;
  std::set<int> groups;
  for (const QueryAnswer& answer : answers) {
    groups.insert(set.photos[answer.photo].group);
  }
  return absl::StrCat(
      FormatCount(static_cast<int64_t>(answers.size())), " photos by ",
      FormatCount(static_cast<int64_t>(groups.size())),
      set.senders_known ? " senders" : " products", " of ",
      Escape(NameOf(options.catalog.root)), " ask for photos with the same ",
      Escape(absl::StrJoin(options.label, " and ")), "; the answers come from ",
      options.whole_gallery ? "the whole catalogue" : "these photos",
      options.cross_sender ? set.senders_known
                                 ? ", but never from the query's own sender"
                                 : ", but never from the query's own product"
                           : "",
      ". Intervals are 95 % bootstrap intervals over ",
      set.senders_known ? "senders" : "products", ".");
}

std::string PictureHtml(const ReportPicture& picture) {
  std::string html = absl::StrCat(
      "<figure><h2>", Escape(picture.heading), "</h2>\n<a href=\"",
      Escape(picture.file), "\"><img src=\"", Escape(picture.file), "\" alt=\"",
      Escape(picture.heading), "\"></a>\n<figcaption>", Escape(picture.caption),
      "</figcaption></figure>\n");
  if (!picture.table.empty()) {
    absl::StrAppend(&html, picture.table_first ? "<details open>" : "<details>",
                    "<summary>As a table</summary>\n", picture.table,
                    "</details>\n");
  }
  return html;
}

bool HasConfigurations(const EvalResult& result) {
  return std::any_of(result.extractors.begin(), result.extractors.end(),
                     [](const ExtractorResult& extractor) {
                       return extractor.configurations.size() > 1;
                     });
}

// What it takes to make the report again, and to know how far to trust it.
std::string MadeHtml(const EvalOptions& options, const EvalSet& set,
                     const EvalResult& result) {
  const RunFacts& facts = result.facts;
  std::string html = "<dl>\n";
  const auto add = [&html](const char* name, const std::string& text) {
    absl::StrAppend(&html, "<dt>", name, "</dt><dd>", text, "</dd>\n");
  };
  add("Command", absl::StrCat("<code>", Escape(facts.command), "</code>"));
  add("Begun", absl::StrCat(facts.date, "; it took ",
                            cli::FormatSeconds(result.seconds)));
  add("Program", absl::StrCat("Vitrine ", facts.version));
  add("Machine",
      absl::StrCat(facts.processor.empty() ? "a processor without a name"
                                           : Escape(facts.processor),
                   "; ", facts.threads,
                   facts.threads == 1 ? " thread" : " threads", " on ",
                   facts.cores, facts.cores == 1 ? " core" : " cores"));
  add("Catalogue", Escape(options.catalog.root.string()));
  const auto queries = static_cast<int64_t>(
      result.extractors.front().configurations.front().answers.size());
  add("Queries",
      absl::StrCat(FormatCount(queries), ", of ", Escape(set.split)));
  add("Answers",
      absl::StrCat("from ", FormatCount(result.gallery), " photos",
                   options.whole_gallery ? " of the whole catalogue"
                                         : ", the same that ask",
                   "; never the query itself",
                   options.cross_sender ? set.senders_known
                                              ? ", nor any photo by its sender"
                                              : ", nor any photo of its product"
                                        : ""));
  add("Right",
      absl::StrCat(
          "the same ", Escape(absl::StrJoin(options.label, " and ")),
          options.no_class.empty()
              ? ""
              : absl::StrCat("; no class: ",
                             Escape(absl::StrJoin(options.no_class, ", ")))));
  add("Left out",
      absl::StrCat(FormatCount(result.refused), " photos that cannot be read"));
  return html + "</dl>\n";
}

}  // namespace

std::string ReportHtml(const EvalOptions& options, const EvalSet& set,
                       const EvalResult& result,
                       const std::vector<ReportPicture>& pictures) {
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width\">\n",
      kReportTitle, "\n<style>", std::string(kReportStyle),
      "</style>\n<main>\n<h1>How well ",
      result.extractors.size() == 1
          ? "one model finds"
          : absl::StrCat(result.extractors.size(), " models find"),
      " alike photos</h1>\n<p class=lead>", Summary(options, set, result),
      "</p>\n");
  for (const ReportPicture& picture : pictures) {
    html += PictureHtml(picture);
  }
  const bool speed = !result.extractors.front().rates.empty();
  absl::StrAppend(
      &html,
      speed ? "<h2>Retrieval, speed and size</h2>\n"
            : "<h2>Retrieval and size</h2>\n",
      ModelHtml(options, set, result), "<p>By all blocks, ",
      options.normalise.front() == Normalise::kUnit
          ? "scaled as they are served"
          : "as the model gives them",
      ", under the metric ", std::string(MetricName(options.metrics.front())),
      ". P: precision; R: average relevance score; mAP is normalised by min(k, "
      "relevant).",
      speed ? " All rates are of this run, in which the models took turns; one "
              "thread is timed by its CPU time, several by the clock on the "
              "wall."
            : "",
      " <a href=models.csv>models.csv</a> has a model a line, <a "
      "href=metrics.csv>metrics.csv</a> all figures, <a "
      "href=per_query.csv>per_query.csv</a> each query.</p>\n");
  if (HasConfigurations(result)) {
    absl::StrAppend(&html, "<h2>By blocks, scaling and metric</h2>\n",
                    ConfigurationHtml(options, set, result),
                    "<p>In bold: what the pictures and the other tables "
                    "show.</p>\n");
  }
  if (set.tasks.size() > 1 || result.extractors.front().views > 0) {
    absl::StrAppend(&html, "<h2>Agreement and other views</h2>\n",
                    AgreementHtml(options, set, result),
                    "<p>Agreement: the share of the first answers that have "
                    "the query's colour, pattern and so on, among the photos "
                    "of which they are known.</p>\n");
  }
  absl::StrAppend(&html, "<h2>By ", Escape(set.tasks.front().name), "</h2>\n",
                  ClassHtml(options, set, result));
  if (!result.warnings.empty() || result.refused > 0) {
    html += "<h2>To be known</h2>\n<ul>\n";
    for (const std::string& warning : result.warnings) {
      absl::StrAppend(&html, "<li>", Escape(warning), "</li>\n");
    }
    if (result.refused > 0) {
      absl::StrAppend(&html, "<li>", FormatCount(result.refused),
                      " photos could not be read and are left out; vitrine "
                      "check names them</li>\n");
    }
    html += "</ul>\n";
  }
  absl::StrAppend(&html, "<h2>How this was made</h2>\n",
                  MadeHtml(options, set, result));
  return html + "</main>\n</html>\n";
}

}  // namespace vitrine::eval
