#include "clients/eval/eval_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/text.h"
#include "clients/eval/index_models.h"
#include "clients/eval/run_facts.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

constexpr int kUsage = 2;
constexpr int kMaxK = 1000;

constexpr char kDescription[] =
    "Measure how well models find alike photos of a catalogue, and how fast.";

constexpr char kExamples[] =
    R"(How it is measured: each photo of the validation split is a query against the
others; an answer is right where it has the query's label. docs/evaluation.md
has the formulas. The report folder gets index.html, its pictures, metrics.csv
and per_query.csv.

Examples:
  One model, on the photos of the validation senders that come with Vitrine:
    vitrine eval --catalog=clothing-dataset --model=vitrine-lite0.pt --cross-sender --report=out
  Several models under five metrics, scaled as they are served and raw:
    vitrine eval --catalog=photos --model a.pt b.pt vgg16.pt --normalise=unit,raw \
        --metric=cosine,euclidean,manhattan,chebyshev,braycurtis --report=out
  Right is what agrees in kind and colour; the answers come from all photos:
    vitrine eval --catalog=sample --model=a.pt --label=articleType,baseColour \
        --gallery=all --report=out
  Only categories that no training has seen:
    vitrine eval --catalog=clothing-dataset --model a.pt b.pt --cross-sender \
        --only-labels=models/left_out_categories.txt --report=out
  The model that an index serves against the one that waits to:
    vitrine eval --index=photos-index --cross-sender --report=out
  Without a minute for speed and other views:
    vitrine eval --catalog=photos --model=a.pt --views=0 --no-speed --report=out)";

// The flags as text, before they are judged.
struct RawFlags {
  std::vector<std::string> models;
  std::string index;
  // Lists: words with commas between them, or the flag several times.
  std::vector<std::string> metric = {"cosine"}, normalise = {"unit"};
  std::vector<std::string> k = {"1,5,10,20"}, label = {"category"};
  std::vector<std::string> no_class = {"Not sure,Skip,Other"};
  std::string split = "validation", gallery = "within", layout = "auto";
  bool no_speed = false;
};

std::vector<std::string> Words(const std::vector<std::string>& lists) {
  std::vector<std::string> words;
  for (const std::string& list : lists) {
    for (absl::string_view word : absl::StrSplit(list, ',')) {
      word = absl::StripAsciiWhitespace(word);
      if (!word.empty()) words.emplace_back(word);
    }
  }
  return words;
}

absl::Status Wrong(std::string_view flag, const std::string& value,
                   std::string_view right) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(flag), ": '", cli::Printable(value),
                   "' is not right; ", std::string(right)));
}

absl::StatusOr<std::vector<int>> ParseKs(
    const std::vector<std::string>& lists) {
  std::vector<int> ks;
  for (const std::string& word : Words(lists)) {
    const bool digits =
        word.size() <= 4 && std::all_of(word.begin(), word.end(), [](char c) {
          return c >= '0' && c <= '9';
        });
    const int k = digits ? std::stoi(word) : 0;
    if (k < 1 || k > kMaxK) {
      return Wrong("--k", word,
                   absl::StrCat("each k is a whole number from 1 to ", kMaxK,
                                ", as in --k=1,5,10,20"));
    }
    ks.push_back(k);
  }
  if (ks.empty()) {
    return Wrong("--k", absl::StrJoin(lists, ","),
                 "name at least one, as in --k=10");
  }
  std::sort(ks.begin(), ks.end());
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  return ks;
}

// Whether `value` is the second of two words that a flag knows.
absl::StatusOr<bool> Second(std::string_view flag, const std::string& value,
                            const std::string& first,
                            const std::string& second) {
  if (value == first) return false;
  if (value == second) return true;
  return Wrong(flag, value, absl::StrCat("use ", first, " or ", second));
}

template <typename T>
void AddOnce(T value, std::vector<T>* values) {
  if (std::find(values->begin(), values->end(), value) == values->end()) {
    values->push_back(value);
  }
}

// One that is named twice would count twice, or be taken for two.
absl::Status CheckOnce(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (std::find(labels.begin(), labels.begin() + i, labels[i]) !=
        labels.begin() + i) {
      return Wrong("--label", labels[i],
                   "it is named twice: name each attribute once");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDistinct(const std::vector<std::filesystem::path>& models) {
  std::map<std::filesystem::path, std::filesystem::path> seen;
  for (const std::filesystem::path& model : models) {
    std::error_code error;
    const auto [at, fresh] =
        seen.try_emplace(std::filesystem::weakly_canonical(
                             std::filesystem::absolute(model), error),
                         model);
    if (fresh) continue;
    return Wrong(
        "--model", model.string(),
        at->second == model
            ? std::string("it is named twice: name each bundle once")
            : absl::StrCat("it is the same file as ", at->second.string(),
                           ": name each bundle once"));
  }
  return absl::OkStatus();
}

absl::Status Judge(const RawFlags& flags, EvalOptions* options) {
  VITRINE_ASSIGN_OR_RETURN(options->catalog.layout, ParseLayout(flags.layout));
  for (const std::string& model : flags.models) {
    options->models.emplace_back(model);
  }
  if (!flags.index.empty()) {
    VITRINE_RETURN_IF_ERROR(TakeFromIndex(flags.index, options));
  }
  VITRINE_RETURN_IF_ERROR(CheckDistinct(options->models));
  options->metrics.clear();
  for (const std::string& word : Words(flags.metric)) {
    VITRINE_ASSIGN_OR_RETURN(const Metric metric, ParseMetric(word));
    AddOnce(metric, &options->metrics);
  }
  options->normalise.clear();
  for (const std::string& word : Words(flags.normalise)) {
    VITRINE_ASSIGN_OR_RETURN(const bool raw,
                             Second("--normalise", word, "unit", "raw"));
    AddOnce(raw ? Normalise::kRaw : Normalise::kUnit, &options->normalise);
  }
  VITRINE_ASSIGN_OR_RETURN(options->ks, ParseKs(flags.k));
  options->speed = !flags.no_speed;
  options->label = Words(flags.label);
  VITRINE_RETURN_IF_ERROR(CheckOnce(options->label));
  options->no_class = Words(flags.no_class);
  if (options->metrics.empty() || options->normalise.empty() ||
      options->label.empty()) {
    return absl::InvalidArgumentError(
        "--metric, --normalise and --label name at least one word each, as in "
        "--metric=cosine --normalise=unit --label=category");
  }
  VITRINE_ASSIGN_OR_RETURN(options->whole_split,
                           Second("--split", flags.split, "validation", "all"));
  VITRINE_ASSIGN_OR_RETURN(options->whole_gallery,
                           Second("--gallery", flags.gallery, "within", "all"));
  return absl::OkStatus();
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(34); }
  std::string make_usage(const CLI::App*, std::string name) const override {
    return "\nUsage: " + name +
           " --catalog=DIR --model=FILE ... --report=DIR [--flag=value ...]\n";
  }
  // CLI11 leaves two empty lines between groups.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(
               CLI::Formatter::make_help(app, name, mode), "\n\n\n", "\n\n") +
           "\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_option_text();
  }
};

void AddWhat(CLI::App& app, RawFlags& flags, EvalOptions& options) {
  const char* group = "What to measure";
  app.add_option("--catalog", options.catalog.root, "The catalogue's folder")
      ->option_text("=DIR")
      ->group(group);
  app.add_option("--model", flags.models, "The bundles; several are compared")
      ->option_text("=FILE ...")
      ->group(group);
  app.add_option("--index", flags.index,
                 "The models of this index, and the catalogue that it\n"
                 "was made of: which of two is the better")
      ->option_text("=DIR")
      ->group(group);
  app.add_option("--label", flags.label,
                 "The attributes that right answers share with the\n"
                 "query; several: all of them (category)")
      ->allow_extra_args(false)
      ->option_text("=NAME,...")
      ->group(group);
  app.add_option("--metric", flags.metric,
                 "cosine, euclidean, manhattan, chebyshev and\n"
                 "braycurtis (cosine)")
      ->allow_extra_args(false)
      ->option_text("=NAME,...")
      ->group(group);
  app.add_option("--normalise", flags.normalise,
                 "Vectors as they are served (unit) or as the model\n"
                 "gives them (raw) (unit)")
      ->allow_extra_args(false)
      ->option_text("=unit,raw")
      ->group(group);
  app.add_option("--k", flags.k, "How many answers count (1,5,10,20)")
      ->allow_extra_args(false)
      ->option_text("=K,...")
      ->group(group);
  app.add_option("--views", options.views,
                 "Other views of so many photos must find them; 0\n"
                 "leaves that out (400)")
      ->option_text("=N")
      ->check(CLI::Range(0, 1'000'000))
      ->group(group);
  app.add_option("--colours-file", options.colours_file,
                 "A CSV with the columns image and colour, where the\n"
                 "catalogue knows no colours")
      ->option_text("=FILE")
      ->group(group);
  app.add_flag("--no-speed", flags.no_speed, "Do not measure pictures a second")
      ->group(group);
}

void AddWhich(CLI::App& app, RawFlags& flags, EvalOptions& options) {
  const char* group = "Which photos";
  app.add_option("--split", flags.split,
                 "The queries: photos of the validation senders, or\n"
                 "all (validation)")
      ->option_text("=validation|all")
      ->group(group);
  app.add_option("--split-file", options.split_file,
                 "The validation senders, one a line, or products\n"
                 "where senders are unknown. Left out: the senders that\n"
                 "come with Vitrine, or a fifth of the products")
      ->option_text("=FILE")
      ->group(group);
  app.add_option("--gallery", flags.gallery,
                 "The answers come from the split, or from all photos\n"
                 "(within)")
      ->option_text("=within|all")
      ->group(group);
  app.add_flag("--cross-sender", options.cross_sender,
               "Photos of the query's own sender are no answers")
      ->group(group);
  app.add_option("--sender-attribute", options.sender_attribute,
                 "The attribute that names the sender; product takes\n"
                 "each product for a sender (sender_id)")
      ->option_text("=NAME")
      ->group(group);
  app.add_option("--no-class", flags.no_class,
                 "Labels that name no class: such photos neither ask\n"
                 "nor answer (Not sure,Skip,Other)")
      ->allow_extra_args(false)
      ->option_text("=LABEL,...")
      ->group(group);
  app.add_option("--only-labels", options.only_labels,
                 "Only photos with one of these labels, one a line")
      ->option_text("=FILE")
      ->group(group);
  app.add_option("--layout", flags.layout,
                 "How the catalogue is laid out (auto)")
      ->option_text("=auto|fashion|clothing|folders|plain|jsonl")
      ->group(group);
  app.add_option("--category-attribute", options.catalog.category_attribute,
                 "Which column or attribute is the category. Left out:\n"
                 "it is found")
      ->option_text("=NAME")
      ->group(group);
  app.add_option("--product-pattern", options.catalog.product_pattern,
                 "A regular expression whose group 1, found in a\n"
                 "file's name, is the product")
      ->option_text("=REGEX")
      ->group(group);
}

void AddOutput(CLI::App& app, EvalOptions& options) {
  const char* group = "Output";
  app.add_option("--report", options.report,
                 "The folder for the report; an older one is replaced")
      ->option_text("=DIR")
      ->group(group);
  app.add_option("--threads", options.threads, "0: one a core (0)")
      ->option_text("=T")
      ->check(CLI::Range(0, 1024))
      ->group(group);
  app.add_flag("--progress", options.progress,
               "Show progress on standard error even where it is no\n"
               "terminal")
      ->group(group);
  app.set_help_flag("--help", "Show this help")->group(group);
}

// CLI11 would take the next argument for a value that is empty.
absl::Status CheckEmpty(const CLI::App& app,
                        std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool alone = arguments[i].empty() && i > 0;
    if (!alone && !arguments[i].ends_with('=')) continue;
    const std::string flag =
        alone ? arguments[i - 1]
              : arguments[i].substr(0, arguments[i].size() - 1);
    // Another that ends so is a value, or no flag at all: not for us.
    if (app.get_option_no_throw(flag) == nullptr) continue;
    if (flag != "--no-class") {
      const bool must =
          flag == "--catalog" || flag == "--model" || flag == "--report";
      return Wrong(
          flag, "",
          must ? "give it a value" : "give it a value, or leave the flag out");
    }
    // No label names no class: a list without words.
    arguments[i] = alone ? "," : flag + "=,";
  }
  return absl::OkStatus();
}

absl::Status MissingFlag(const EvalOptions& options) {
  const char* missing = options.catalog.root.empty() ? "--catalog=DIR"
                        : options.models.empty()     ? "--model=FILE"
                        : options.report.empty()     ? "--report=DIR"
                                                     : nullptr;
  if (missing == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(missing, " is missing"));
}

// The flag that was not known, and perhaps the one that was meant.
std::string UnknownFlag(const CLI::App& app) {
  const std::string argument = app.remaining().front();
  const std::string flag = argument.substr(0, argument.find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  const std::string nearest = cli::Nearest(flag, names);
  return absl::StrCat("eval has no flag ", cli::Printable(flag),
                      nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

}  // namespace

std::string_view NormaliseName(Normalise normalise) {
  return normalise == Normalise::kUnit ? "unit" : "raw";
}

EvalCommand ParseEvalCommand(std::vector<std::string> arguments,
                             const std::string& program) {
  EvalOptions options;
  RawFlags flags;
  CLI::App app(kDescription, program);
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kExamples);
  AddWhat(app, flags, options);
  AddWhich(app, flags, options);
  AddOutput(app, options);
  const auto refuse = [&program](const std::string& why) -> EvalCommand {
    return {std::nullopt, kUsage,
            absl::StrCat("vitrine: ", why, "; see ", program, " --help\n")};
  };
  options.command = ShellCommand(program, arguments);
  const absl::Status whole = CheckEmpty(app, arguments);
  if (!whole.ok()) return refuse(std::string(whole.message()));
  try {
    // CLI11 takes the arguments from the back.
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, 0, app.help()};
  } catch (const CLI::ExtrasError&) {
    return refuse(UnknownFlag(app));
  } catch (const CLI::Error& error) {
    return refuse(error.what());
  }
  absl::Status status = Judge(flags, &options);
  status.Update(MissingFlag(options));
  if (!status.ok()) return refuse(std::string(status.message()));
  EvalCommand command;
  command.options = std::move(options);
  return command;
}

}  // namespace vitrine::eval
