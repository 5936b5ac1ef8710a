#include "clients/eval/report_csv.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace vitrine::eval {
namespace {

std::string Number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.6g", value) : "";
}

void AddLine(const std::vector<std::string>& fields, std::string* csv) {
  absl::StrAppend(csv, absl::StrJoin(fields, ","), "\n");
}

std::string RateName(const Rate& rate) {
  return absl::StrCat("pictures_per_second_", rate.threads, "_threads_batch_",
                      rate.batch);
}

// A figure of a model as a whole.
void AddModelLine(const ExtractorResult& extractor, std::string_view measure,
                  const std::string& value, std::string* csv) {
  AddLine({CsvField(extractor.name), "", "", "", "", "", "",
           std::string(measure), "", value, "", "", ""},
          csv);
}

std::vector<std::string> KeyOf(const ExtractorResult& extractor,
                               const Configuration& configuration) {
  return {CsvField(extractor.name), CsvField(configuration.blocks),
          std::string(NormaliseName(configuration.normalise)),
          std::string(MetricName(configuration.metric))};
}

}  // namespace

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + "\"";
}

std::string MetricsCsv(const EvalResult& result) {
  std::string csv =
      "extractor,blocks,normalise,metric,task,class,relevant,measure,k,value,"
      "low,high,queries\n";
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      const std::vector<std::string> key = KeyOf(extractor, configuration);
      for (const Figure& figure : configuration.figures) {
        std::vector<std::string> line = key;
        line.insert(
            line.end(),
            {CsvField(figure.task), CsvField(figure.label),
             figure.many_relevant ? absl::StrCat(">=", kManyRelevant) : "",
             std::string(MeasureName(figure.measure)), absl::StrCat(figure.k),
             Number(figure.estimate.value), Number(figure.estimate.low),
             Number(figure.estimate.high), absl::StrCat(figure.queries)});
        AddLine(line, &csv);
      }
      if (configuration.self_retrieval) {
        const Estimate& found = *configuration.self_retrieval;
        std::vector<std::string> line = key;
        line.insert(line.end(),
                    {"", "", "", "self_retrieval", "1", Number(found.value),
                     Number(found.low), Number(found.high),
                     absl::StrCat(extractor.views)});
        AddLine(line, &csv);
      }
    }
    for (const Rate& rate : extractor.rates) {
      AddModelLine(extractor, RateName(rate), Number(rate.pictures_per_second),
                   &csv);
    }
    AddModelLine(extractor, "bundle_bytes", absl::StrCat(extractor.bytes),
                 &csv);
    const double ratio = SpeedOverVgg16(result, extractor);
    if (std::isfinite(ratio)) {
      AddModelLine(extractor, "speed_over_vgg16", Number(ratio), &csv);
    }
  }
  return csv;
}

std::string ModelsCsv(const EvalResult& result) {
  std::vector<std::string> headings = {"extractor", "file",    "sha256",
                                       "bytes",     "numbers", "origin",
                                       "trained_on"};
  const std::vector<Rate>& columns = result.extractors.front().rates;
  for (const Rate& rate : columns) headings.push_back(RateName(rate));
  headings.emplace_back("speed_over_vgg16");
  std::string csv;
  AddLine(headings, &csv);
  for (const ExtractorResult& extractor : result.extractors) {
    std::vector<std::string> line = {CsvField(extractor.name),
                                     CsvField(extractor.file.string()),
                                     extractor.sha256,
                                     absl::StrCat(extractor.bytes),
                                     absl::StrCat(extractor.dim),
                                     CsvField(extractor.origin),
                                     CsvField(extractor.trained_on)};
    for (const Rate& rate : columns) {
      line.push_back(Number(RateAt(extractor, rate.threads, rate.batch)));
    }
    line.push_back(Number(SpeedOverVgg16(result, extractor)));
    AddLine(line, &csv);
  }
  return csv;
}

std::string PerQueryCsv(const EvalSet& set, const EvalResult& result,
                        const std::vector<int>& ks) {
  std::string csv =
      "extractor,blocks,normalise,metric,query,product_id,sender,label,"
      "relevant,first";
  for (Measure measure : kMeasures) {
    for (int k : ks) {
      absl::StrAppend(&csv, ",", std::string(MeasureName(measure)), "@", k);
    }
  }
  csv += "\n";
  const Task& task = set.tasks.front();
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      const std::vector<std::string> key = KeyOf(extractor, configuration);
      for (const QueryAnswer& answer : configuration.answers) {
        const Photo& photo = set.photos[answer.photo];
        std::vector<std::string> line = key;
        line.insert(
            line.end(),
            {CsvField(photo.path), CsvField(photo.product_id),
             set.senders_known ? CsvField(photo.sender) : "",
             CsvField(task.classes[task.label[answer.photo]]),
             absl::StrCat(answer.relevant),
             answer.hits.empty()
                 ? ""
                 : CsvField(set.photos[answer.hits.front().photo].path)});
        for (Measure measure : kMeasures) {
          for (int k : ks) {
            line.push_back(
                Number(MeasureAt(measure, answer.right, answer.relevant, k)));
          }
        }
        AddLine(line, &csv);
      }
    }
  }
  return csv;
}

double RateAt(const ExtractorResult& extractor, int threads, int batch) {
  for (const Rate& rate : extractor.rates) {
    if (rate.threads == threads && rate.batch == batch) {
      return rate.pictures_per_second;
    }
  }
  return NAN;
}

double SpeedOverVgg16(const EvalResult& result,
                      const ExtractorResult& extractor) {
  for (const ExtractorResult& other : result.extractors) {
    const std::string name = absl::AsciiStrToLower(other.card_name);
    if (name == "vgg16" || name.ends_with("-vgg16")) {
      return RateAt(extractor, 1, 1) / RateAt(other, 1, 1);
    }
  }
  return NAN;
}

}  // namespace vitrine::eval
