// vitrine-pictures: what the `vitrine` command does with pictures and may not
// link OpenCV for.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/text.h"
#include "clients/pictures/sample.h"

namespace {

using vitrine::cli::FormatCount;

constexpr int kOk = 0;
constexpr int kUsage = 2;

// What the program was started as: `vitrine` runs it under its own name.
std::string g_program = "vitrine-pictures";

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "%s: %s\n", g_program.c_str(),
               std::string(status.message()).c_str());
  return code;
}

int RunSample(const vitrine::SampleOptions& options) {
  const absl::StatusOr<vitrine::SampleReport> report =
      vitrine::WriteSample(options);
  if (!report.ok()) return Fail(report.status(), kUsage);
  std::printf("%s: %s products, %s pictures", options.out.c_str(),
              FormatCount(report->products).c_str(),
              FormatCount(report->pictures).c_str());
  if (report->drawn < report->pictures) {
    std::printf(" (%s were there)",
                FormatCount(report->pictures - report->drawn).c_str());
  }
  std::printf("; drawn %s in %.1f s, %.1f MB\n",
              FormatCount(report->drawn).c_str(), report->seconds,
              static_cast<double>(report->bytes) / 1e6);
  return kOk;
}

void AddSample(CLI::App& app, vitrine::SampleOptions& options) {
  CLI::App* verb = app.add_subcommand(
      "sample", "Draw a sample catalogue of believable garments");
  verb->add_option("--out", options.out,
                   "The folder to draw into: new or empty")
      ->required()
      ->type_name("DIR");
  verb->add_option("--products", options.products,
                   "How many products; the first 200 of 44,000 are the 200")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--seed", options.seed, "Equal seeds draw equal pictures")
      ->type_name("S")
      ->capture_default_str();
  verb->add_option("--start", options.first_id,
                   "The first product's id; each product depends on the seed "
                   "and its id alone")
      ->type_name("ID")
      ->capture_default_str();
  verb->add_option("--threads", options.threads, "0: one for each core")
      ->type_name("T")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  verb->footer(
      "Writes styles.csv and images/<id>.jpg (360 x 480, about 30 KB each) in "
      "the\nlayout of the Fashion Product Images set: 27 kinds of clothes, "
      "shoes, bags and\naccessories with true articleType, baseColour and "
      "pattern; some products have\nfurther pictures, <id>_2.jpg and "
      "<id>_3.jpg. Stopped, the same command goes on.\n\n"
      "Examples:\n"
      "  " +
      g_program +
      " sample --out=sample --products=1000\n"
      "  " +
      g_program +
      " sample --out=fresh --products=5 --start=1001\n"
      "      the five products that would come next");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 0 && argv[0] != nullptr && *argv[0] != '\0') {
    const std::string path = argv[0];
    g_program = path.substr(path.rfind('/') + 1);
  }
  // Buffers of a picture's size come and go all the time; giving each back to
  // the system costs a quarter of the run.
  ::mallopt(M_MMAP_THRESHOLD, 256 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  CLI::App app("Draws and reads pictures for the vitrine command.", g_program);
  app.require_subcommand(1);
  vitrine::SampleOptions sample;
  AddSample(app, sample);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s; see %s --help\n", g_program.c_str(),
                 error.what(), g_program.c_str());
    return kUsage;
  }
  if (app.got_subcommand("sample")) return RunSample(sample);
  return kUsage;
}
