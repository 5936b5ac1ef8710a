#include "clients/cli/verb_flags.h"

#include <map>

#include "clients/cli/filter_flag.h"
#include "clients/cli/flag_parts.h"
#include "clients/cli/flag_values.h"
#include "clients/cli/verb_examples.h"
#include "common/base/partition.h"

namespace vitrine::cli {
namespace {

void AddFormat(CLI::App* app, Flags* flags, bool has_table) {
  std::map<std::string, Format> formats = {{"json", Format::kJson}};
  if (has_table) formats["table"] = Format::kTable;
  auto* option =
      app->add_option_function<std::string>(
             "--format",
             [flags, formats](const std::string& text) {
               auto found = formats.find(text);
               if (found == formats.end()) {
                 throw CLI::ValidationError(
                     "--format",
                     "'" + text + "' is no format here; use " +
                         (formats.size() > 1 ? "table or json" : "json"));
               }
               flags->format = found->second;
             },
             has_table ? "A table for people, or one JSON object a line (table)"
                       : "One JSON object a line")
          ->group("Output");
  option->option_text(has_table ? "=table|json" : "=json");
  if (!has_table) flags->format = Format::kJson;
}

void AddImages(CLI::App* app, Flags* flags) {
  app->add_option("--image", flags->images,
                  "A JPEG, PNG or WebP file; a folder, read recursively; or - "
                  "for paths on standard input. Several are several queries")
      ->option_text("=PATH ...")
      ->group("What to ask for");
}

void AddProducts(CLI::App* app, Flags* flags) {
  app->add_option("--product", flags->products,
                  "A product of the index; several are several queries")
      ->option_text("=ID ...")
      ->group("What to ask for");
}

void AddRegion(CLI::App* app, Flags* flags) {
  app->add_option_function<std::string>(
         "--region",
         [flags](const std::string& text) {
           flags->region = ParseRegion(text);
         },
         "Only this part of each --image, in shares of its width and height")
      ->option_text("=X0,Y0,X1,Y1")
      ->group("What to ask for");
}

void AddFilter(CLI::App* app, Flags* flags) {
  app->add_option_function<std::vector<std::string>>(
         "--filter",
         [flags](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             flags->filters.push_back(ParseCondition(value));
           }
         },
         "Only products of which this holds, and every other --filter: "
         "NAME=VALUE, NAME=VALUE|VALUE (either), NAME<=NUMBER (also >=, < and "
         ">), NAME? (has one); ! before it is the contrary. NAME is an "
         "attribute, category or product_id. Quote it: '!colour=Red|Blue'")
      ->option_text("=CONDITION ...")
      ->group("Which answers");
}

void AddCondition(CLI::App* app, Flags* flags) {
  AddFilter(app, flags);
  app->add_option("--exclude", flags->exclude, "A product to leave out")
      ->option_text("=ID ...")
      ->group("Which answers");
  app->add_option("--min-generation", flags->min_generation,
                  "Fail where the server has an older generation")
      ->option_text("=N")
      ->group("Which answers");
  app->add_flag("--require-complete", flags->require_complete,
                "Fail where a part of the index cannot be asked, in place of "
                "an answer that says so")
      ->group("Which answers");
}

void AddOrder(CLI::App* app, Flags* flags) {
  app->add_option_function<std::vector<std::string>>(
         "--max-per",
         [flags](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             for (const std::string& part : SplitAtCommas(value)) {
               flags->max_per.push_back(ParseMaxPer(part));
             }
           }
         },
         "So many answers at most with one value of an attribute")
      ->option_text("=brand=2")
      ->group("Which answers");
  app->add_option_function<std::vector<std::string>>(
         "--boost",
         [flags](const std::vector<std::string>& values) {
           for (const std::string& value : values)
             flags->boosts.push_back(ParseBoost(value));
         },
         "Products of which a condition, as of --filter, holds come sooner or, "
         "by a factor below 1, later: their scores count so many times, 0.1 to "
         "10")
      ->option_text("=CONDITION@FACTOR ...")
      ->group("Which answers");
}

void AddModel(CLI::App* app, Flags* flags) {
  app->add_option("--model", flags->model,
                  "Ask the vectors of this model, where the index has those of "
                  "two (see describe): its SHA-256, or its first 8 digits")
      ->option_text("=ID")
      ->group("Which answers");
  app->add_option("--required-model", flags->required_model,
                  "Fail where another model is served: its SHA-256, or the "
                  "first 8 digits of it or more")
      ->option_text("=ID")
      ->group("Which answers");
}

void AddPictures(CLI::App* app, Flags* flags) {
  app->add_option("--sheet", flags->sheet,
                  "Also draw the answer as a contact sheet; of several "
                  "queries, sheet-1.png, sheet-2.png, ...")
      ->option_text("=FILE.png")
      ->group("Output");
  app->add_flag("--thumbnails", flags->thumbnails,
                "Add the thumbnails, in base64, to --format=json")
      ->group("Output");
}

void AddExtraExamples(CLI::App* app, Flags* flags) {
  for (bool minus : {false, true}) {
    for (bool is_image : {true, false}) {
      std::string name = std::string(minus ? "--minus-" : "--plus-") +
                         (is_image ? "image" : "product");
      app->add_option_function<std::vector<std::string>>(
             name,
             [flags, is_image, minus](const std::vector<std::string>& values) {
               for (const std::string& value : values) {
                 flags->extra_examples.push_back(
                     ParseExtraExample(value, is_image, minus));
               }
             },
             minus ? "Less like this; its weight is 0.5 where none is given"
                   : "Also like this; its weight is 1 where none is given")
          ->option_text(is_image ? "=PATH[@WEIGHT] ..." : "=ID[@WEIGHT] ...")
          ->group("What to ask for");
    }
  }
}

}  // namespace

std::unique_ptr<CLI::App> SearchApp(Flags* flags) {
  auto app = NewApp(
      "search", "The products most similar to a picture, a product or a vector",
      kSearchExamples);
  AddImages(app.get(), flags);
  AddProducts(app.get(), flags);
  app->add_option("--vector", flags->vectors,
                  "A file of JSON lines, each an array of numbers or a line of "
                  "`vitrine embed`; or - for standard input")
      ->option_text("=FILE ...")
      ->group("What to ask for");
  AddExtraExamples(app.get(), flags);
  AddRegion(app.get(), flags);
  app->add_option_function<std::vector<std::string>>(
         "--emphasis",
         [flags](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             for (const std::string& part : SplitAtCommas(value)) {
               flags->emphasis.push_back(ParseEmphasis(part));
             }
           }
         },
         "How much each block of the model counts; 1 changes nothing")
      ->option_text("=shape=1,colour=2")
      ->group("What to ask for");

  app->add_option("--k", flags->k, "How many answers (10)")
      ->option_text("=N")
      ->group("Which answers");
  app->add_option("--offset", flags->offset, "Skip so many")
      ->option_text("=N")
      ->group("Which answers");
  app->add_option("--min-score", flags->min_score,
                  "Leave out what scores less, 0 to 1")
      ->option_text("=SCORE")
      ->group("Which answers");
  app->add_flag("!--no-group", flags->group,
                "One answer a picture instead of one a product")
      ->group("Which answers");
  app->add_flag("--exclude-query", flags->exclude_query,
                "Leave out the products that are asked for")
      ->group("Which answers");
  AddCondition(app.get(), flags);
  AddOrder(app.get(), flags);
  AddModel(app.get(), flags);
  app->add_option("--facets", flags->facets,
                  "Also count the values of these attributes among all that "
                  "match")
      ->option_text("=colour,category,...")
      ->delimiter(',')
      ->group("Which answers");

  app->add_option("--metric", flags->metric,
                  "How to compare (that of the index)")
      ->option_text("=cosine|euclidean|manhattan")
      ->check(CLI::IsMember({"cosine", "euclidean", "manhattan"}))
      ->group("How to search");
  app->add_flag("--exact", flags->exact, "Compare with every picture")
      ->group("How to search");
  app->add_option("--ef", flags->ef,
                  "Candidates kept by the graph walk; more finds more and "
                  "takes longer")
      ->option_text("=N")
      ->group("How to search");

  app->add_flag("--collapse", flags->collapse,
                "Leave out copies of a picture that is there already")
      ->group("Which answers");
  app->add_option("--min-recall", flags->min_recall,
                  "Share of the right answers that must be found on average; "
                  "picks --ef, or compares with every picture")
      ->option_text("=0.98")
      ->excludes("--ef")
      ->group("How to search");

  AddFormat(app.get(), flags, true);
  AddPictures(app.get(), flags);
  app->add_flag("--vectors", flags->return_vectors,
                "Add the stored vectors to --format=json")
      ->group("Output");
  AddProgress(app.get(), flags);
  AddConnection(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> RecommendApp(Flags* flags) {
  auto app = NewApp("recommend",
                    "Similar products of the same category, and pieces of "
                    "other categories to go with it",
                    kRecommendExamples);
  AddImages(app.get(), flags);
  AddProducts(app.get(), flags);
  AddRegion(app.get(), flags);
  app->add_option("--category", flags->category,
                  "The category, where you know better than the neighbours")
      ->option_text("=NAME")
      ->group("What to ask for");
  app->add_option("--min-confidence", flags->min_confidence,
                  "A guessed category less sure than this, 0 to 1, restricts "
                  "nothing (0.5)")
      ->option_text("=SHARE")
      ->group("What to ask for");

  app->add_option("--k-similar,--k", flags->k_similar,
                  "How many similar products (10)")
      ->option_text("=N")
      ->group("Which answers");
  app->add_option("--k-per-slot", flags->k_per_slot,
                  "How many pieces from each slot (3)")
      ->option_text("=N")
      ->group("Which answers");
  app->add_option("--slots", flags->slots,
                  "The slots to fill (all that go with the category)")
      ->option_text("=shoes,bag,...")
      ->delimiter(',')
      ->group("Which answers");
  AddCondition(app.get(), flags);
  AddOrder(app.get(), flags);
  AddModel(app.get(), flags);

  AddFormat(app.get(), flags, true);
  AddPictures(app.get(), flags);
  AddProgress(app.get(), flags);
  AddConnection(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> EmbedApp(Flags* flags) {
  auto app =
      NewApp("embed", "The vectors of pictures, as JSON lines", kEmbedExamples);
  AddImages(app.get(), flags);
  AddRegion(app.get(), flags);
  AddModel(app.get(), flags);
  AddFormat(app.get(), flags, false);
  AddProgress(app.get(), flags);
  AddConnection(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> DescribeApp(Flags* flags) {
  auto app = NewApp("describe",
                    "What the index holds: size, categories, attributes, model",
                    kDescribeExamples);
  AddFormat(app.get(), flags, true);
  AddConnection(app.get(), flags);
  return app;
}

std::unique_ptr<CLI::App> PushApp(Flags* flags) {
  auto app = NewApp("push", "Put products and pictures into an indexer's queue",
                    kPushExamples);
  app->add_option("--queue", flags->queue,
                  "The Redis Stream: "
                  "redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME]")
      ->option_text("=URL")
      ->group("Queue");
  app->add_option("--partitions", flags->partitions,
                  "How many streams there are: a product goes to that of its "
                  "partition, whose number stands for {partition} in --queue")
      ->option_text("=N [1]")
      ->check(CLI::Range(1, static_cast<int>(kMostPartitions)))
      ->group("Queue");
  app->add_option("--source", flags->source,
                  "The sender's name. A product belongs to the source that put "
                  "it, and others cannot change it")
      ->option_text("=NAME")
      ->group("Queue");
  app->add_flag("--wait", flags->wait,
                "Wait until the indexer has taken all, and it is durable")
      ->group("Queue");
  app->add_option("--server", flags->push_server,
                  "With --wait: a server of the index, to wait until it finds "
                  "all, and tell which pictures were refused, and why")
      ->option_text("=HOST:PORT")
      ->group("Queue");
  AddSecurity(app.get(), "Queue", flags);
  app->add_option("--max-backlog", flags->max_backlog,
                  "Wait while so many entries are not yet taken; 0 never waits")
      ->option_text("=N [1000]")
      ->check(CLI::NonNegativeNumber)
      ->group("Queue");
  app->add_option("--catalog", flags->catalog,
                  "A catalogue folder, in any layout that the indexer reads")
      ->option_text("=DIR")
      ->group("What to push");
  app->add_option("--layout", flags->layout,
                  "How the catalogue is laid out: auto, fashion, clothing, "
                  "folders, plain or jsonl")
      ->option_text("=NAME [auto]")
      ->group("What to push");
  app->add_option("--category-attribute", flags->category_attribute,
                  "The column or attribute of the catalogue that is the "
                  "category")
      ->option_text("=NAME")
      ->group("What to push");
  app->add_option("--product-pattern", flags->product_pattern,
                  "A regular expression whose group is the product's id in the "
                  "names of the catalogue's pictures, as in ^([A-Z0-9]+)_")
      ->option_text("=REGEX")
      ->group("What to push");
  app->add_option("--image", flags->images, "A picture")
      ->option_text("=FILE ...")
      ->group("What to push");
  app->add_option("--product", flags->products,
                  "The product of the pictures; without it each is one, by its "
                  "file's name")
      ->option_text("=ID")
      ->group("What to push");
  app->add_option("--delete", flags->deletions, "A product that is gone")
      ->option_text("=ID ...")
      ->group("What to push");
  app->add_flag("--by-path", flags->by_path,
                "Send where the catalogue's pictures lie, not what is in them: "
                "the indexer reads them below its --queue-files")
      ->group("What to push");
  AddProgress(app.get(), flags);
  AddHelp(app.get(), "Output");
  return app;
}

std::unique_ptr<CLI::App> ExportApp(Flags* flags) {
  auto app = NewApp("export", "Every product of the index, as JSON lines",
                    kExportExamples);
  app->add_flag("--vectors", flags->return_vectors,
                "Add the vector of each picture")
      ->group("Output");
  app->add_option("--after", flags->after_product_id,
                  "Start after this product")
      ->option_text("=ID")
      ->group("Output");
  AddFilter(app.get(), flags);
  AddFormat(app.get(), flags, false);
  AddProgress(app.get(), flags);
  AddConnection(app.get(), flags);
  return app;
}

}  // namespace vitrine::cli
