// vitrine-pictures: what the `vitrine` command does with pictures and may not
// link OpenCV for.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/text.h"
#include "clients/pictures/catalog_check.h"
#include "clients/pictures/contact_sheet.h"
#include "clients/pictures/sample.h"
#include "clients/pictures/thumbnails.h"
#include "clients/pictures/whole_file.h"
#include "common/base/status.h"

namespace {

using vitrine::cli::FormatCount;

constexpr int kOk = 0;
constexpr int kFailed = 1;
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

// Reads the sheet's description from standard input.
absl::StatusOr<std::vector<uint8_t>> MakeSheet() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  VITRINE_ASSIGN_OR_RETURN(const vitrine::ContactSheet sheet,
                           vitrine::ParseContactSheet(text));
  const cv::Mat page = vitrine::DrawContactSheet(sheet);
  std::vector<uint8_t> png;
  if (!cv::imencode(".png", page, png)) {
    return absl::InternalError("cannot encode the sheet as PNG");
  }
  return png;
}

int RunSheet(const std::string& out) {
  const auto png = MakeSheet();
  if (!png.ok()) return Fail(png.status(), kFailed);
  const absl::Status written = vitrine::WriteWholeFile(
      out, {reinterpret_cast<const char*>(png->data()), png->size()});
  return written.ok() ? kOk : Fail(written, kFailed);
}

void AddSheet(CLI::App& app, std::string& out) {
  CLI::App* verb = app.add_subcommand(
      "sheet", "Draw a contact sheet of a query and its answers");
  verb->add_option("--out", out, "The PNG to write; an older one is replaced")
      ->required()
      ->type_name("FILE.png");
  verb->footer(
      "Reads one JSON object on standard input; all but `rows` may be left "
      "out:\n"
      "  {\"title\": \"...\",\n"
      "   \"query\": {\"label\": \"query: a.jpg\",\n"
      "             \"images\": [{\"path\": \"a.jpg\"} or "
      "{\"jpeg_base64\": \"...\"}]},\n"
      "   \"rows\": [{\"title\": \"similar\",\n"
      "             \"hits\": [{\"jpeg_base64\": \"...\", \"score\": 0.973,\n"
      "                       \"same_content\": false, \"product_id\": "
      "\"1163\",\n"
      "                       \"category\": \"Dresses\", \"title\": "
      "\"...\"}]}]}\n"
      "A hit without a thumbnail gets a grey box. `vitrine search "
      "--sheet=FILE.png` and\n`vitrine recommend --sheet=FILE.png` run this "
      "verb.\n\n"
      "Example:\n"
      "  " +
      g_program + " sheet --out=sheet.png < sheet.json");
}

void AddThumbnails(CLI::App& app, std::string& root) {
  CLI::App* verb = app.add_subcommand(
      "thumbnails", "Make small pictures of a catalogue's, for a report");
  verb->add_option("--root", root, "The catalogue's folder")
      ->required()
      ->type_name("DIR");
  verb->footer(
      "Reads JSON lines on standard input, {\"path\": below the root, "
      "\"sha256\": ...}, and\nwrites one for each: {\"jpeg_base64\": ...} or "
      "{\"error\": why there is none};\n\"changed\" is true where the file has "
      "another SHA-256. `vitrine receipts\n--format=html` runs this verb.");
}

int RunThumbnails(const std::string& root) {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const auto lines = vitrine::MakeThumbnails(root, text);
  if (!lines.ok()) return Fail(lines.status(), kFailed);
  if (std::fputs(lines->c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Fail(vitrine::ErrnoStatus(errno, "cannot write to standard output"),
                kFailed);
  }
  return kOk;
}

struct CheckFlags {
  vitrine::CheckOptions options;
  std::string root;
  std::string layout = "auto";
  std::string format = "table";
  bool progress = false;
};

void AddCheck(CLI::App& app, CheckFlags& flags) {
  CLI::App* verb = app.add_subcommand(
      "check", "Say what would be read from a catalogue; writes nothing");
  verb->add_option("DIR", flags.root, "The catalogue's folder")
      ->required()
      ->option_text("");
  vitrine::CatalogOptions& catalog = flags.options.catalog;
  verb->add_option("--layout", flags.layout, "How it is laid out (auto: found)")
      ->option_text("=auto|fashion|clothing|folders|plain|jsonl");
  verb->add_option("--category-attribute", catalog.category_attribute,
                   "Which column or attribute is the category. Left out: it "
                   "is found")
      ->option_text("=NAME");
  verb->add_option("--product-pattern", catalog.product_pattern,
                   "A regular expression whose group 1, found in a file's "
                   "name, is the product")
      ->option_text("=REGEX");
  verb->add_flag("--quick", flags.options.quick,
                 "Read the pictures' headers and decode none: sees no picture "
                 "that is cut off or damaged");
  verb->add_option("--threads", flags.options.threads,
                   "Pictures at a time (0: one a core)")
      ->option_text("=T")
      ->check(CLI::Range(0, 1024));
  verb->add_option("--format", flags.format,
                   "A text for people, one JSON object with all problems, or "
                   "one a picture that would be indexed (table)")
      ->option_text("=table|json|jsonl")
      ->check(CLI::IsMember({"table", "json", "jsonl"}));
  verb->add_flag("--progress", flags.progress,
                 "Show progress on standard error even where it is no "
                 "terminal");
  verb->footer(
      "Reads the catalogue with the code and the flags of vitrine-indexer, and "
      "decodes\nevery picture. Exit status: 0 nothing is wrong, 1 pictures or "
      "rows have problems\n(each is named, with its remedy), 2 the catalogue "
      "cannot be read or the command\nline is wrong.\n\n"
      "Examples:\n"
      "  " +
      g_program +
      " check photos\n"
      "  " +
      g_program +
      " check photos --quick\n"
      "  " +
      g_program +
      " check drop --product-pattern='([^_]+)_[0-9]+'\n"
      "  " +
      g_program +
      " check photos --format=json | jq -r '.refused[] | [.path, .message] | "
      "@tsv'\n"
      "  " +
      g_program +
      " check photos --format=jsonl > listing.jsonl\n"
      "      the pictures with product, category and attributes, as "
      "vitrine_models reads\n      them");
}

int RunCheck(CheckFlags& flags) {
  using vitrine::cli::Progress;
  const auto layout = vitrine::ParseLayout(flags.layout);
  if (!layout.ok()) return Fail(layout.status(), kUsage);
  flags.options.catalog.root = flags.root;
  flags.options.catalog.layout = *layout;
  if (::isatty(STDERR_FILENO) == 1) {
    flags.options.progress = Progress::Mode::kTerminal;
  } else if (flags.progress) {
    flags.options.progress = Progress::Mode::kLines;
  }
  const auto report = vitrine::CheckCatalog(flags.options);
  if (!report.ok()) return Fail(report.status(), kUsage);
  const std::string text = flags.format == "json"    ? CheckJson(*report)
                           : flags.format == "jsonl" ? CheckJsonLines(*report)
                                                     : CheckTable(*report);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Fail(vitrine::ErrnoStatus(errno, "cannot write to standard output"),
                kFailed);
  }
  return report->clean() ? kOk : kFailed;
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
  std::string sheet_out;
  AddSheet(app, sheet_out);
  std::string thumbnails_root;
  AddThumbnails(app, thumbnails_root);
  CheckFlags check;
  AddCheck(app, check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::string command = g_program;
    for (const CLI::App* verb : app.get_subcommands()) {
      command += " " + verb->get_name();
    }
    std::fprintf(stderr, "%s: %s; see %s --help\n", g_program.c_str(),
                 error.what(), command.c_str());
    return kUsage;
  }
  if (app.got_subcommand("sample")) return RunSample(sample);
  if (app.got_subcommand("sheet")) return RunSheet(sheet_out);
  if (app.got_subcommand("thumbnails")) return RunThumbnails(thumbnails_root);
  if (app.got_subcommand("check")) return RunCheck(check);
  return kUsage;
}
