#include "clients/cli/flags.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "clients/cli/text.h"
#include "clients/cli/verb_flags.h"
#include "common/base/utf8.h"

namespace vitrine::cli {
namespace {

constexpr char kHelp[] =
    R"(Vitrine: visual search in a product catalogue.

Usage: vitrine VERB [--flag=value ...]

  search      the products most similar to a picture, a product or a vector
  recommend   similar products, and pieces of other categories to go with it
  embed       the vectors of pictures, as JSON lines
  describe    what the index holds: size, categories, attributes, model
  export      every product of the index, as JSON lines
  push        put products and pictures into an indexer's queue
  receipts    what became of each picture, and why some were refused
  backup      copy an index while it is written and served
  promote     let the other model of an index serve
  rollback    return to the model that served before
  check       what would be read from a catalogue folder; writes nothing
  sample      draw a sample catalogue of garments
  eval        measure how well models find alike photos, and how fast

vitrine VERB --help shows a verb's flags, with examples.
vitrine --version shows the version.

Exit status: 0 done, 1 a request failed or check found something wrong, 2 the
command line is wrong.

Examples:
  vitrine search --image=dress.jpg
  vitrine search --image=photos/ --format=json > answers.jsonl
  vitrine recommend --product=1163 --sheet=look.png
  vitrine describe
  vitrine receipts --refused
)";

struct VerbEntry {
  const char* name;
  Verb verb;
  std::unique_ptr<CLI::App> (*new_app)(Flags*);
};

constexpr VerbEntry kVerbs[] = {
    {"search", Verb::kSearch, SearchApp},
    {"recommend", Verb::kRecommend, RecommendApp},
    {"embed", Verb::kEmbed, EmbedApp},
    {"describe", Verb::kDescribe, DescribeApp},
    {"export", Verb::kExport, ExportApp},
    {"push", Verb::kPush, PushApp},
    {"receipts", Verb::kReceipts, ReceiptsApp},
    {"backup", Verb::kBackup, BackupApp},
    {"promote", Verb::kPromote, PromoteApp},
    {"rollback", Verb::kRollback, RollbackApp},
};

CommandLine UsageError(const std::string& message) {
  return {std::nullopt, kUsage, "vitrine: " + message + "\n"};
}

CommandLine UnknownVerb(const std::string& word) {
  std::vector<std::string> names = {"check", "eval", "sample"};
  for (const VerbEntry& entry : kVerbs) names.emplace_back(entry.name);
  std::string nearest = Nearest(word, names);
  return UsageError("no verb '" + Printable(word) + "'; " +
                    (nearest.empty() ? "vitrine --help lists them"
                                     : "did you mean " + nearest + "?"));
}

// The first argument that no flag of `app` took.
CommandLine UnknownArgument(const CLI::App& app, const std::string& argument) {
  std::string help = app.get_name() + " --help";
  std::string verb = app.get_name().substr(app.get_name().find(' ') + 1);
  if (!argument.starts_with("-")) {
    return UsageError("'" + Printable(argument) +
                      "' belongs to no flag; a picture is given as --image=" +
                      Printable(argument) + " (" + help + ")");
  }
  std::string flag = argument.substr(0, argument.find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  std::string nearest = Nearest(flag, names);
  return UsageError(verb + " has no flag " + Printable(flag) + "; " +
                    (nearest.empty() ? help + " lists them"
                                     : "did you mean " + nearest + "?"));
}

// The first id or name that is not UTF-8, which the API's messages cannot hold;
// null where all are.
const std::string* NotUtf8(const Flags& flags) {
  std::vector<const std::string*> texts = {
      &flags.required_model, &flags.model, &flags.category,
      &flags.after_product_id, &flags.source};
  for (const auto* list : {&flags.products, &flags.exclude, &flags.slots,
                           &flags.facets, &flags.deletions}) {
    for (const std::string& text : *list) texts.push_back(&text);
  }
  for (const ExtraExample& extra : flags.extra_examples) {
    if (!extra.is_image) texts.push_back(&extra.value);
  }
  for (const auto& [block, emphasis] : flags.emphasis) texts.push_back(&block);
  auto found = std::find_if(texts.begin(), texts.end(),
                            [](const auto* text) { return !IsUtf8(*text); });
  return found == texts.end() ? nullptr : *found;
}

// What the flags cannot say of themselves: who needs whom.
std::string Contradiction(const Flags& flags) {
  bool queries = !flags.images.empty() || !flags.products.empty() ||
                 !flags.vectors.empty();
  switch (flags.verb) {
    case Verb::kSearch:
      if (!queries && flags.extra_examples.empty()) {
        return "search needs a query: --image=PATH, --product=ID or "
               "--vector=FILE";
      }
      break;
    case Verb::kRecommend:
      if (!queries) return "recommend needs --image=PATH or --product=ID";
      break;
    case Verb::kEmbed:
      if (!queries) return "embed needs --image=PATH";
      break;
    case Verb::kPush:
      if (flags.queue.empty()) return "push needs --queue=redis://HOST/STREAM";
      if (flags.catalog.empty() && flags.images.empty() &&
          flags.deletions.empty()) {
        return "push needs something to push: --catalog=DIR, --image=FILE or "
               "--delete=ID";
      }
      if (flags.products.size() > 1 ||
          (!flags.products.empty() && flags.images.empty())) {
        return "push takes one --product, with the --image files that show it";
      }
      if (!flags.push_server.empty() && !flags.wait) {
        return "--server tells of push what has become of it, which takes "
               "--wait";
      }
      if (!flags.push_server.empty() && flags.partitions > 1) {
        return "--server tells of one partition, and there are several; leave "
               "it out, and ask each for its receipts";
      }
      if (!(flags.category_attribute + flags.product_pattern).empty() &&
          flags.catalog.empty()) {
        return "--category-attribute and --product-pattern say how a --catalog "
               "is read, and there is none";
      }
      if (flags.by_path && flags.catalog.empty()) {
        return "--by-path is for the pictures of a --catalog, and there is "
               "none";
      }
      break;
    case Verb::kPromote:
    case Verb::kRollback:
      if (flags.index.empty()) {
        return std::string(flags.verb == Verb::kPromote ? "promote"
                                                        : "rollback") +
               " needs --index=DIR, the folder of the index";
      }
      break;
    case Verb::kReceipts:
      if (flags.follow && (flags.by_folder || flags.format == Format::kHtml)) {
        return "--follow never ends, and --by and --format=html are made at "
               "the end; use --follow with a list";
      }
      if (flags.by_folder && flags.format == Format::kHtml) {
        return "--format=html has a table by folder already; leave --by out";
      }
      if (!flags.catalog.empty() && flags.format != Format::kHtml) {
        return "--catalog brings the pictures into --format=html, and is for "
               "nothing else";
      }
      break;
    case Verb::kBackup:
      if (flags.index.empty()) return "backup needs --index=DIR";
      if (flags.destination.empty()) {
        return "backup needs a folder to copy into: vitrine backup "
               "--index=DIR DEST";
      }
      break;
    case Verb::kDescribe:
    case Verb::kExport:
      break;
  }
  if (const std::string* text = NotUtf8(flags)) {
    return "'" + Printable(*text) +
           "' is not UTF-8, as all ids and names of an index are; the product "
           "of a file with such a name is listed by vitrine export";
  }
  if (flags.region && flags.images.empty()) {
    return "--region is a part of an --image, and there is none";
  }
  if (std::count(flags.images.begin(), flags.images.end(), "-") +
          std::count(flags.vectors.begin(), flags.vectors.end(), "-") >
      1) {
    return "standard input (-) can be read once only";
  }
  return {};
}

}  // namespace

CommandLine ParseCommandLine(std::vector<std::string> arguments) {
  if (arguments.empty()) return {std::nullopt, kUsage, kHelp};
  const std::string word = arguments[0];
  if (word == "--help" || word == "-h" || word == "help") {
    return {std::nullopt, kOk, kHelp};
  }
  if (word == "--version") {
    return {std::nullopt, kOk, "vitrine " VITRINE_VERSION "\n"};
  }
  if (word.starts_with("-")) {
    return UsageError("the verb comes first, as in: vitrine search " +
                      Printable(word));
  }
  const VerbEntry* verb = std::find_if(
      std::begin(kVerbs), std::end(kVerbs),
      [&word](const VerbEntry& entry) { return word == entry.name; });
  if (verb == std::end(kVerbs)) return UnknownVerb(word);

  Flags flags;
  flags.verb = verb->verb;
  std::unique_ptr<CLI::App> app = verb->new_app(&flags);
  // CLI11 takes the arguments from the back.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend() - 1);
  try {
    app->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, kOk, app->help()};
  } catch (const CLI::ExtrasError&) {
    return UnknownArgument(*app, app->remaining().front());
  } catch (const CLI::ConversionError& error) {
    // "Could not convert: --k = ten".
    std::string what = error.what();
    size_t colon = what.find(": ");
    return UsageError(what.substr(colon == what.npos ? 0 : colon + 2) +
                      " is no number that fits");
  } catch (const CLI::Error& error) {
    return UsageError(error.what());
  }
  std::string contradiction = Contradiction(flags);
  if (!contradiction.empty()) return UsageError(contradiction);
  CommandLine command_line;
  command_line.flags = std::move(flags);
  return command_line;
}

}  // namespace vitrine::cli
