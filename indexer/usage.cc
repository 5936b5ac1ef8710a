#include "indexer/usage.h"

#include <vector>

namespace vitrine {

const char kUsage[] =
    R"(vitrine-indexer: keeps an index of product photos, from a folder or a queue.

  vitrine-indexer --catalog=DIR --index=DIR           follow the folder
  vitrine-indexer --catalog=DIR --index=DIR --once    bring it up to date, end
  vitrine-indexer --queue=redis://HOST/STREAM --index=DIR
                                                      follow a Redis Stream of
                                                      catalogue events
  vitrine-indexer --index=DIR --verify                whether it is sound

  vitrine-indexer --catalog=DIR --index=DIR/{partition} --partition=0,1/2
                                                      a catalogue in two parts;
                                                      on another machine with
                                                      --partition=1,0/2, each
                                                      stands in for the other

The catalogue may be laid out in any of these ways:
  fashion    styles.csv, one row a product, and images/<id>.jpg
  clothing   images.csv, one row a picture, and images/
  folders    a folder a category, with pictures in it
  plain      pictures and nothing else
  jsonl      products.jsonl, one product a line, naming its pictures
A picture may have a side-car, <name>.json. `vitrine check DIR` says what would
be read. JPEG, PNG and WebP are; what is refused, and why, stands in
<index>/receipts.jsonl, and is tried again when it changes.

Photos that are dropped into the folder are searchable within a second. SIGTERM
ends the indexer when what it is reading is published; a second one at once.
Ends with 0, with 1 after a failure, with 2 for a wrong command line.)";

std::span<const FlagGroup> HelpGroups() {
  static const std::vector<FlagGroup>* const groups =
      new std::vector<FlagGroup>{
          {"Catalogue",
           {"catalog", "layout", "category-attribute", "product-pattern",
            "on-delete", "allow-mass-delete", "rescan-seconds"}},
          {"Queue", {"queue", "queue-files", "queue-trim"}},
          {"Index",
           {"index", "keep-generations", "keep-minutes", "verify", "repair"}},
          {"Model",
           {"model", "trusted-models", "complements", "metric", "promote",
            "keep-previous-hours", "batch"}},
          {"Partitions", {"partition", "takeover-seconds"}},
          {"Pace",
           {"threads", "publish-rows", "graph-rows", "flat-shards",
            "merge-mb-per-s"}},
          {"Watching", {"status", "insecure-status", "log-format"}},
          {"Life cycle", {"once"}}};
  return *groups;
}

std::span<const FlagRule> FlagRules() {
  static const std::vector<FlagRule>* const rules =
      new std::vector<FlagRule>{{"layout", {"catalog"}},
                                {"category-attribute", {"catalog"}},
                                {"product-pattern", {"catalog"}},
                                {"on-delete", {"catalog"}},
                                {"allow-mass-delete", {"catalog"}},
                                {"rescan-seconds", {"catalog"}},
                                {"queue-files", {"queue"}},
                                {"queue-trim", {"queue"}},
                                {"takeover-seconds", {"partition"}},
                                {"insecure-status", {"status"}},
                                {"complements", {}, {"verify", "repair"}},
                                {"repair", {}, {"verify"}},
                                {"once", {}, {"verify"}}};
  return *rules;
}

}  // namespace vitrine
