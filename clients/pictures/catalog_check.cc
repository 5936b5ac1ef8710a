#include "clients/pictures/catalog_check.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <set>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog_folder.h"
#include "common/catalog/catalog_names.h"
#include "common/image/image.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

// Bundles take 256 pixels; a smaller decoding reads just as much of the file.
constexpr int kModelSize = 256;

// OK where the picture would be indexed; NOT_FOUND where it is gone since the
// scan; else why it would be refused.
absl::Status TryPicture(const Catalog& catalog, const CatalogPicture& picture,
                        bool quick) {
  const ImageLimits limits;
  const absl::StatusOr<std::string> bytes =
      catalog.ReadPicture(picture.path, limits.max_bytes);
  if (!bytes.ok()) {
    return ReadRefusal(bytes.status(), picture.path, limits.max_bytes);
  }
  if (quick) return ProbeImage(*bytes, limits).status();
  return DecodeImage(*bytes, limits, DecodeMinSide(kModelSize)).status();
}

// In the words of `vitrine describe`.
std::string_view TypeName(const storage::Attribute& value) {
  switch (value.kind_case()) {
    case storage::Attribute::kNumber:
      return "number";
    case storage::Attribute::kFlag:
      return "flag";
    case storage::Attribute::kList:
      return "list";
    default:
      return "text";
  }
}

// What a walk of the catalogue has no use for.
std::vector<std::string> PassedOver(const Catalog& catalog) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator at(
      catalog.root(), fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    const std::string path =
        EscapePath(at->path().lexically_relative(catalog.root()).string());
    std::error_code gone;
    if (at->is_directory(gone)) {
      if (IgnoredFolder(path) || IsIndexFolder(at->path())) {
        found.push_back(path + "/");
        at.disable_recursion_pending();
      }
    } else if (catalog.RoleOf(path) == FileRole::kIgnored) {
      found.push_back(path);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void DescribeProducts(const Catalog& catalog, CheckReport* report) {
  for (const CatalogPicture& picture : report->listed) {
    const auto [at, is_first] = report->records.try_emplace(picture.product_id);
    if (is_first) {
      at->second = catalog.Describe(picture.product_id, picture.path);
    }
  }
  std::map<std::string, int64_t> categories;
  struct Seen {
    std::set<std::string_view> types;
    int64_t products = 0;
  };
  std::map<std::string, Seen> attributes;
  for (const auto& [product_id, record] : report->records) {
    ++categories[record.category()];
    for (const auto& [name, value] : record.attributes()) {
      Seen& seen = attributes[name];
      seen.types.insert(TypeName(value));
      ++seen.products;
    }
  }
  report->products = static_cast<int64_t>(report->records.size());
  report->categories.assign(categories.begin(), categories.end());
  std::stable_sort(
      report->categories.begin(), report->categories.end(),
      [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [name, seen] : attributes) {
    const std::string_view type =
        seen.types.size() == 1 ? *seen.types.begin() : "mixed";
    report->attributes.push_back({name, std::string(type), seen.products});
  }
}

// Whether a picture that is refused anyway has a row is of no interest, and
// that it leads out of the catalogue is why it was refused.
void AddProblems(const Listing& listing, CheckReport* report) {
  std::set<std::string_view> refused;
  for (const RefusedPicture& picture : report->refused) {
    refused.insert(picture.path);
  }
  for (const CatalogProblem& problem : listing.problems) {
    if ((problem.kind == ProblemKind::kPictureWithoutRow ||
         problem.kind == ProblemKind::kPathEscapes) &&
        problem.line == 0 && refused.contains(problem.path)) {
      continue;
    }
    report->problems.push_back(problem);
  }
}

std::vector<absl::Status> TryPictures(const Catalog& catalog,
                                      const Listing& listing,
                                      const CheckOptions& options) {
  const int n = static_cast<int>(listing.pictures.size());
  std::vector<absl::Status> outcomes(n);
  cli::Progress progress(std::cerr, options.progress, n, "pictures");
  std::mutex mutex;
  int64_t done = 0, refused = 0;
  ParallelFor(
      n, options.threads > 0 ? options.threads : AvailableCores(), [&](int i) {
        outcomes[i] = TryPicture(catalog, listing.pictures[i], options.quick);
        std::lock_guard lock(mutex);
        refused += !outcomes[i].ok();
        progress.Update(++done, refused);
      });
  return outcomes;
}

}  // namespace

bool CheckReport::clean() const {
  return pictures > 0 && refused.empty() && problems.empty();
}

absl::StatusOr<CheckReport> CheckCatalog(const CheckOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  VITRINE_ASSIGN_OR_RETURN(const std::unique_ptr<Catalog> catalog,
                           Catalog::Open(options.catalog));
  VITRINE_ASSIGN_OR_RETURN(const Listing listing, catalog->Scan());
  const std::vector<absl::Status> outcomes =
      TryPictures(*catalog, listing, options);
  CheckReport report;
  report.root = options.catalog.root.string();
  report.layout = catalog->layout();
  report.category_attribute = catalog->category_attribute();
  report.quick = options.quick;
  report.rows = static_cast<int64_t>(catalog->rows());
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const CatalogPicture& picture = listing.pictures[i];
    if (absl::IsNotFound(outcomes[i])) continue;
    report.bytes += picture.bytes;
    if (outcomes[i].ok()) {
      ++report.pictures;
      report.listed.push_back(picture);
    } else {
      const v1::Error error = ErrorOf(outcomes[i]);
      report.refused.push_back(
          {picture.path, picture.product_id, error.reason(), error.message()});
    }
  }
  AddProblems(listing, &report);
  DescribeProducts(*catalog, &report);
  report.passed_over = PassedOver(*catalog);
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return report;
}

}  // namespace vitrine
