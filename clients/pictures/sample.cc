#include "clients/pictures/sample.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/progress.h"
#include "clients/cli/text.h"
#include "clients/pictures/product.h"
#include "clients/pictures/whole_file.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// To be raised with every change that makes other pictures of the same seed.
constexpr int kDrawing = 1;
// Tells a folder that this program may write to. Readers of catalogues pass
// over names with a leading dot, and so over this and over what is half
// written.
constexpr char kMarker[] = ".vitrine-sample";
constexpr int kJpegQuality = 90;

absl::Status CheckRanges(const SampleOptions& options) {
  if (options.products < 1 || options.products > kMaxProducts) {
    return absl::InvalidArgumentError(
        absl::StrCat("--products=", options.products, ": give 1 to ",
                     cli::FormatCount(kMaxProducts)));
  }
  if (options.first_id < 1 || options.first_id > kMaxFirstId) {
    return absl::InvalidArgumentError(
        absl::StrCat("--start=", options.first_id, ": give 1 to ",
                     cli::FormatCount(kMaxFirstId)));
  }
  return absl::OkStatus();
}

// Whether `out` may be written to: it is not there, empty, or a sample that was
// drawn in the same way and is no larger.
absl::Status CheckTarget(const SampleOptions& options) {
  std::error_code error;
  if (!fs::exists(options.out, error)) return absl::OkStatus();
  VITRINE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                           ListFolder(options.out));
  if (names.empty()) return absl::OkStatus();
  const std::string out = options.out.string();
  absl::StatusOr<std::string> text = ReadFile(options.out / kMarker, 4096);
  if (!text.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        out, " is not empty and was not drawn by this program (it holds ",
        names.front(), "); nothing was written; give an empty or new folder"));
  }
  const json marker = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const auto value = [&marker](const char* name) -> int64_t {
    return marker.is_object() && marker.contains(name) &&
                   marker[name].is_number_integer()
               ? marker[name].get<int64_t>()
               : -1;
  };
  if (value("drawing") != kDrawing) {
    return absl::FailedPreconditionError(absl::StrCat(
        out,
        " was drawn by another version of this program; remove it, or "
        "give an empty or new folder"));
  }
  if (static_cast<uint64_t>(value("seed")) != options.seed ||
      value("first_id") != options.first_id ||
      value("products") > options.products) {
    return absl::FailedPreconditionError(absl::StrCat(
        out, " holds ", value("products"),
        " products drawn with --seed=", static_cast<uint64_t>(value("seed")),
        " --start=", value("first_id"), ", not ", options.products,
        " with --seed=", options.seed, " --start=", options.first_id,
        "; it can grow with its own seed and start; else remove it, or give "
        "an empty or new folder"));
  }
  return absl::OkStatus();
}

absl::Status WriteTables(const SampleOptions& options,
                         const std::vector<SampleProduct>& products) {
  VITRINE_RETURN_IF_ERROR(MakeFolders(options.out / "images"));
  const json marker = {{"drawing", kDrawing},
                       {"seed", options.seed},
                       {"first_id", options.first_id},
                       {"products", options.products}};
  VITRINE_RETURN_IF_ERROR(
      WriteWholeFile(options.out / kMarker, marker.dump() + "\n"));
  std::string csv = StylesHeader() + "\n";
  for (const SampleProduct& product : products) {
    csv += StylesRow(product) + "\n";
  }
  return WriteWholeFile(options.out / "styles.csv", csv);
}

bool IsDrawn(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  // A crash of the machine can leave an empty file, as nothing is synced.
  return !error && size > 0;
}

}  // namespace

absl::StatusOr<SampleReport> WriteSample(const SampleOptions& options) {
  VITRINE_RETURN_IF_ERROR(CheckRanges(options));
  VITRINE_RETURN_IF_ERROR(CheckTarget(options));
  const auto start = std::chrono::steady_clock::now();
  std::vector<SampleProduct> products;
  products.reserve(options.products);
  for (int64_t i = 0; i < options.products; ++i) {
    products.push_back(DescribeProduct(options.seed, options.first_id + i));
  }
  const char* remedy =
      "; free some space, or give another --out; the same command goes on "
      "where this one stopped";
  auto explain = [remedy](const absl::Status& status) {
    return absl::IsResourceExhausted(status)
               ? absl::Status(status.code(),
                              absl::StrCat(status.message(), remedy))
               : status;
  };
  if (absl::Status status = WriteTables(options, products); !status.ok()) {
    return explain(status);
  }

  // Each thread draws a product of its own; OpenCV's own threads would fight.
  cv::setNumThreads(1);
  const int threads = options.threads > 0 ? options.threads : AvailableCores();
  std::vector<Board> boards(threads);
  std::atomic<int64_t> next{0}, drawn{0}, pictures{0};
  std::atomic<uint64_t> bytes{0};
  std::mutex mutex;
  absl::Status failure;
  std::atomic<bool> failed{false};
  cli::Progress progress(std::cerr,
                         ::isatty(STDERR_FILENO) == 1
                             ? cli::Progress::Mode::kTerminal
                             : cli::Progress::Mode::kLines,
                         options.products, "products drawn");
  int64_t done = 0;
  auto draw_product = [&](const SampleProduct& product, Board& board) {
    for (int n = 0; n < product.pictures; ++n) {
      ++pictures;
      const fs::path path = options.out / "images" / PictureName(product, n);
      if (IsDrawn(path)) continue;
      const Picture picture = DrawProduct(product, n, board);
      std::vector<uint8_t> jpeg;
      if (!cv::imencode(".jpg", picture.pixels, jpeg,
                        {cv::IMWRITE_JPEG_QUALITY, kJpegQuality})) {
        return absl::InternalError(
            absl::StrCat("cannot encode ", path.string()));
      }
      VITRINE_RETURN_IF_ERROR(WriteWholeFile(
          path, {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()}));
      ++drawn;
      bytes += jpeg.size();
    }
    return absl::OkStatus();
  };
  ParallelFor(threads, threads, [&](int thread) {
    for (int64_t i = next++; i < options.products && !failed; i = next++) {
      absl::Status status;
      try {
        status = draw_product(products[i], boards[thread]);
      } catch (const std::exception& e) {
        status = absl::InternalError(absl::StrCat(
            "cannot draw product ", products[i].id, ": ", e.what()));
      }
      std::lock_guard lock(mutex);
      if (status.ok()) {
        progress.Update(++done, 0);
      } else {
        if (failure.ok()) failure = status;
        failed = true;
      }
    }
  });
  if (!failure.ok()) return explain(failure);
  return SampleReport{.products = options.products,
                      .pictures = pictures,
                      .drawn = drawn,
                      .bytes = bytes,
                      .seconds = std::chrono::duration<double>(
                                     std::chrono::steady_clock::now() - start)
                                     .count()};
}

}  // namespace vitrine
