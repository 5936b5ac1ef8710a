#include "clients/eval/report_sheets.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/eval/extractor.h"
#include "clients/eval/retrieval_metrics.h"
#include "clients/pictures/contact_sheet.h"

namespace vitrine::eval {
namespace {

constexpr size_t kMaxColumns = 11;  // a query and ten answers
constexpr int kPhotoSide = 400;

// The photo in the colours' order of OpenCV; empty where it is gone.
cv::Mat Load(const EvalSet& set, int photo) {
  absl::StatusOr<Image> image =
      ReadPhoto(*set.catalog, set.photos[photo].path, kPhotoSide);
  if (!image.ok()) return {};
  cv::Mat picture;
  cv::cvtColor(cv::Mat(image->height, image->width, CV_8UC3, image->rgb.data()),
               picture, cv::COLOR_RGB2BGR);
  return picture;
}

SheetHit CellOf(const EvalSet& set, int photo) {
  SheetHit cell;
  cell.picture = Load(set, photo);
  cell.category = LabelOf(set.tasks.front(), photo);
  cell.product_id = set.photos[photo].product_id;
  return cell;
}

void AddHits(const EvalSet& set, const QueryAnswer& answer, Metric metric,
             size_t k, SheetRow* row) {
  const size_t count = std::min(k, answer.hits.size());
  for (size_t i = 0; i < count && row->hits.size() < kMaxColumns; ++i) {
    SheetHit cell = CellOf(set, answer.hits[i].photo);
    cell.score = ScoreOf(metric, answer.hits[i].distance);
    cell.right = answer.right[i] != 0;
    row->hits.push_back(std::move(cell));
  }
}

ContactSheet SheetFor(const EvalSet& set, int photo) {
  ContactSheet sheet;
  sheet.query = {Load(set, photo)};
  sheet.query_label =
      absl::StrCat("query: ", LabelOf(set.tasks.front(), photo));
  return sheet;
}

// All of a row stand beside each other.
int LongestRow(const ContactSheet& sheet) {
  size_t longest = 3;
  for (const SheetRow& row : sheet.rows) {
    longest = std::max(longest, row.hits.size());
  }
  return static_cast<int>(longest);
}

absl::StatusOr<std::string> Png(const cv::Mat& page) {
  std::vector<uint8_t> png;
  if (!cv::imencode(".png", page, png)) {
    return absl::InternalError("cannot encode a sheet as PNG");
  }
  return std::string(png.begin(), png.end());
}

// Best first; ties by the photos' order.
std::vector<const QueryAnswer*> Ranked(const std::vector<QueryAnswer>& answers,
                                       int k) {
  std::vector<const QueryAnswer*> ranked;
  for (const QueryAnswer& answer : answers) {
    // One that can have no right answer says nothing.
    if (answer.relevant > 0) ranked.push_back(&answer);
  }
  const auto quality = [k](const QueryAnswer* answer) {
    // Average precision first: precision alone would rank by how many right
    // answers there are.
    return std::pair(AveragePrecisionAt(answer->right, answer->relevant, k),
                     PrecisionAt(answer->right, k));
  };
  std::stable_sort(ranked.begin(), ranked.end(),
                   [&](const QueryAnswer* a, const QueryAnswer* b) {
                     return quality(a) > quality(b);
                   });
  return ranked;
}

}  // namespace

std::vector<const QueryAnswer*> Extremes(
    const Task& task, const std::vector<QueryAnswer>& answers, int k, size_t n,
    bool best) {
  std::vector<const QueryAnswer*> ranked = Ranked(answers, k);
  if (!best) std::reverse(ranked.begin(), ranked.end());
  std::vector<const QueryAnswer*> chosen;
  std::set<int> classes;
  for (const bool any_class : {false, true}) {
    for (const QueryAnswer* answer : ranked) {
      if (chosen.size() == n) break;
      const bool told =
          std::find(chosen.begin(), chosen.end(), answer) != chosen.end();
      if (told ||
          (!classes.insert(task.label[answer->photo]).second && !any_class)) {
        continue;
      }
      chosen.push_back(answer);
    }
  }
  return chosen;
}

std::vector<const QueryAnswer*> Typical(const Task& task,
                                        const std::vector<QueryAnswer>& answers,
                                        int k, size_t n) {
  const std::vector<const QueryAnswer*> ranked = Ranked(answers, k);
  std::vector<const QueryAnswer*> chosen;
  std::set<int> classes;
  for (size_t i = 1; i <= n && !ranked.empty(); ++i) {
    const size_t from =
        ranked.size() - 1 - (i * ranked.size() / (n + 1)) % ranked.size();
    size_t at = from;
    // The next better one of a class that is not shown yet.
    while (at > 0 && classes.contains(task.label[ranked[at]->photo])) --at;
    if (classes.contains(task.label[ranked[at]->photo])) at = from;
    classes.insert(task.label[ranked[at]->photo]);
    if (std::find(chosen.begin(), chosen.end(), ranked[at]) == chosen.end()) {
      chosen.push_back(ranked[at]);
    }
  }
  return chosen;
}

absl::StatusOr<std::string> DrawSideBySide(
    const EvalSet& set, const std::vector<std::string>& names,
    const std::vector<const QueryAnswer*>& answers, Metric metric, int k) try {
  const int query = answers.front()->photo;
  ContactSheet sheet = SheetFor(set, query);
  for (size_t i = 0; i < names.size(); ++i) {
    SheetRow& row = sheet.rows.emplace_back();
    row.title = names[i];
    SheetHit own = CellOf(set, query);
    own.same_content = true;
    row.hits.push_back(std::move(own));
    AddHits(set, *answers[i], metric, k, &row);
  }
  sheet.columns = LongestRow(sheet);
  return Png(DrawContactSheet(sheet));
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

absl::StatusOr<std::string> DrawQueries(
    const EvalSet& set, const std::string& title,
    const std::vector<const QueryAnswer*>& answers, Metric metric, int k) try {
  std::vector<cv::Mat> pages;
  int width = 0;
  for (const QueryAnswer* answer : answers) {
    ContactSheet sheet = SheetFor(set, answer->photo);
    if (pages.empty()) sheet.title = title;
    SheetRow& row = sheet.rows.emplace_back();
    row.title = absl::StrFormat(
        "%d of %d that could be right among the first %d are found",
        static_cast<int>(std::lround(PrecisionAt(answer->right, k) * k)),
        static_cast<int>(std::min<int64_t>(answer->relevant, k)), k);
    AddHits(set, *answer, metric, k, &row);
    sheet.columns = LongestRow(sheet);
    pages.push_back(DrawContactSheet(sheet));
    width = std::max(width, pages.back().cols);
  }
  for (cv::Mat& page : pages) {
    cv::copyMakeBorder(page, page, 0, 0, 0, width - page.cols,
                       cv::BORDER_CONSTANT, cv::Scalar::all(255));
  }
  cv::Mat all;
  cv::vconcat(pages, all);
  return Png(all);
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

}  // namespace vitrine::eval
