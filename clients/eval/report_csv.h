// The tables of the report, for spreadsheets and scripts. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// A field as RFC 4180 has it: quoted where it must be.
std::string CsvField(std::string_view text);

// A figure a line. Columns: extractor, blocks, normalise, metric, task, class,
// relevant ("" or ">=10"), measure, k, value, low, high, queries. A field that
// does not apply is empty. Besides the measures of retrieval_metrics.h there
// are self_retrieval, pictures_per_second_T_threads_batch_B, bundle_bytes and,
// where VGG16 is among the models, speed_over_vgg16.
std::string MetricsCsv(const EvalResult& result);

// An extractor a line: extractor, file, sha256, bytes, numbers, origin and
// trained_on (as its card tells them), and its rates and speed_over_vgg16,
// named as the measures of MetricsCsv.
std::string ModelsCsv(const EvalResult& result);

// A query under a configuration a line, of the first task. Columns: extractor,
// blocks, normalise, metric, query, product_id, sender, label, relevant, first
// (the path of the first answer), and for each k precision@k, map@k, ...
std::string PerQueryCsv(const EvalSet& set, const EvalResult& result,
                        const std::vector<int>& ks);

// How many times as fast as VGG16 an extractor is, one picture at a time on one
// thread; NaN where either is not known. VGG16 is the first model whose card
// names it vgg16 or ...-vgg16, in letters of either case.
double SpeedOverVgg16(const EvalResult& result,
                      const ExtractorResult& extractor);

// The rate at that many threads and pictures a batch; NaN where it was not
// measured.
double RateAt(const ExtractorResult& extractor, int threads, int batch);

}  // namespace vitrine::eval
