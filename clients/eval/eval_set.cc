#include "clients/eval/eval_set.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/text.h"
#include "clients/eval/split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/catalog/delimited.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;

constexpr char kCategory[] = "category";
constexpr char kColour[] = "colour";
constexpr char kPattern[] = "pattern";
constexpr char kProduct[] = "product";
// Columns that hold the main colour, in this order.
constexpr const char* kColourNames[] = {"baseColour", "base_colour", "colour",
                                        "color"};
// The colours file names this where a garment has no main colour.
constexpr char kSeveral[] = "several";
constexpr size_t kNamed = 5;  // of a list in a message

std::string TextOf(const storage::Attribute& value) {
  switch (value.kind_case()) {
    case storage::Attribute::kText:
      return value.text();
    case storage::Attribute::kNumber:
      return absl::StrFormat("%.15g", value.number());
    case storage::Attribute::kFlag:
      return value.flag() ? "True" : "False";
    case storage::Attribute::kList:
      return absl::StrJoin(value.list().values(), ", ");
    default:
      return {};
  }
}

std::vector<Photo> ReadPhotos(const Catalog& catalog, const Listing& listing) {
  std::unordered_map<std::string, std::string> first;
  for (const CatalogPicture& picture : listing.pictures) {
    first.emplace(picture.product_id, picture.path);
  }
  std::vector<Photo> photos;
  for (const CatalogPicture& picture : listing.pictures) {
    Photo& photo = photos.emplace_back();
    photo.path = picture.path;
    photo.product_id = picture.product_id;
    const storage::ProductRecord record =
        catalog.Describe(picture.product_id, first[picture.product_id]);
    for (const auto& [name, value] : record.attributes()) {
      photo.attributes[name] = TextOf(value);
    }
    if (!record.category().empty()) {
      photo.attributes[kCategory] = record.category();
      // By the name of its column too.
      photo.attributes.try_emplace(catalog.category_attribute(),
                                   record.category());
    }
  }
  return photos;
}

bool HasAttribute(const std::vector<Photo>& photos, const std::string& name) {
  return std::any_of(photos.begin(), photos.end(), [&](const Photo& photo) {
    return !AttributeOf(photo, name).empty();
  });
}

absl::Status CheckAttribute(const std::vector<Photo>& photos,
                            const std::string& name, std::string_view flag,
                            std::string_view remedy) {
  if (HasAttribute(photos, name)) return absl::OkStatus();
  std::set<std::string> names;
  for (const Photo& photo : photos) {
    for (const auto& [its, value] : photo.attributes) names.insert(its);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(flag), ": the catalogue has no attribute '",
      cli::Printable(name), "'; ",
      names.empty()
          ? "it has none at all: add a table of them, "
            "docs/catalogues.md says how"
          : absl::StrCat("those that it has are ", absl::StrJoin(names, ", ")),
      std::string(remedy)));
}

// The first few of some values, for messages.
template <typename Values>
std::string Some(const Values& values) {
  std::vector<std::string> first;
  for (const std::string& value : values) {
    if (first.size() == kNamed) break;
    first.push_back(cli::Printable(value));
  }
  return absl::StrCat(absl::StrJoin(first, ", "),
                      values.size() > kNamed ? ", ..." : "");
}

// What else may be done where too few photos are measured.
std::string MorePhotos(const EvalOptions& options) {
  std::vector<std::string> flags;
  if (!options.whole_split) flags.emplace_back("--split=all");
  if (!options.whole_gallery && !options.whole_split) {
    flags.emplace_back("--gallery=all");
  }
  return flags.empty() ? std::string()
                       : absl::StrCat(", or measure more photos with ",
                                      absl::StrJoin(flags, " or "));
}

absl::Status FindSenders(const EvalOptions& options, EvalSet* set) {
  const std::string& name = options.sender_attribute;
  const bool by_product = name == kProduct;
  set->senders_known = !by_product && HasAttribute(set->photos, name);
  // Where nobody asks for senders, a catalogue need not have them; but a name
  // that somebody wrote is there or wrong.
  if (!set->senders_known && !by_product &&
      (options.cross_sender || name != EvalOptions().sender_attribute)) {
    return CheckAttribute(set->photos, name,
                          options.cross_sender
                              ? "--cross-sender and --sender-attribute"
                              : "--sender-attribute",
                          "; --sender-attribute=product takes each product for "
                          "a sender");
  }
  std::unordered_map<std::string, int> groups;
  for (Photo& photo : set->photos) {
    photo.sender = AttributeOf(photo, name);
    const bool known = set->senders_known && !photo.sender.empty();
    if (!known) photo.sender = photo.product_id;
    // A product is not to be taken for the sender of the same name.
    const std::string key =
        absl::StrCat(known ? "sender " : "product ", photo.sender);
    photo.group =
        groups.try_emplace(key, static_cast<int>(groups.size())).first->second;
  }
  return absl::OkStatus();
}

absl::Status Split(const EvalOptions& options, EvalSet* set) {
  std::vector<Photo>& photos = set->photos;
  if (options.whole_split) {
    for (Photo& photo : photos) photo.asks = true;
    set->split = "all photos";
    return absl::OkStatus();
  }
  // Taking products for senders changes what may answer, not who asks.
  const std::string name = options.sender_attribute == kProduct
                               ? EvalOptions().sender_attribute
                               : options.sender_attribute;
  const bool senders_known = HasAttribute(photos, name);
  if (options.split_file.empty() && !senders_known) {
    for (Photo& photo : photos) photo.asks = IsHeldOut(photo.product_id);
    set->split =
        "the photos of a fifth of the products, by the hash of their id";
  } else {
    const fs::path file = options.split_file.empty()
                              ? ShippedFile("validation_senders.txt")
                              : options.split_file;
    VITRINE_ASSIGN_OR_RETURN(const std::set<std::string> held,
                             ReadValues(file, "--split-file"));
    const char* whose = senders_known ? "senders" : "products";
    set->split = absl::StrCat("the photos of the ", held.size(), " ", whose,
                              " listed in ", file.string());
    bool any = false;
    for (Photo& photo : photos) {
      const std::string_view sender = AttributeOf(photo, name);
      photo.asks = held.contains(sender.empty() ? photo.product_id
                                                : std::string(sender));
      any |= photo.asks;
    }
    if (!any) {
      return absl::InvalidArgumentError(
          absl::StrCat("--split-file: none of the ", held.size(), " ", whose,
                       " in ", file.string(), " (", Some(held),
                       ") is in the catalogue; name a file of its own, or "
                       "measure all photos with --split=all"));
    }
  }
  if (std::none_of(photos.begin(), photos.end(),
                   [](const Photo& photo) { return photo.asks; })) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--split: by chance none of the ", photos.size(),
        " photos is in the fifth of the products that is held out; measure "
        "all of them with --split=all"));
  }
  return absl::OkStatus();
}

bool AnyColumn(std::string_view) { return false; }

absl::Status ReadColours(const fs::path& path, std::vector<Photo>& photos) {
  auto text = ReadFile(path);
  if (!text.ok()) return Annotate(text.status(), "--colours-file");
  CatalogProblems problems;
  VITRINE_ASSIGN_OR_RETURN(
      const auto table,
      DelimitedTable::Parse(*std::move(text), path.filename().string(),
                            AnyColumn, &problems));
  const auto column = [&table](const char* name) -> std::optional<size_t> {
    const auto& columns = table->columns();
    const auto at = std::find(columns.begin(), columns.end(), name);
    if (at == columns.end()) return std::nullopt;
    return at - columns.begin();
  };
  const auto image = column("image"), colour = column(kColour);
  if (!image || !colour) {
    return absl::InvalidArgumentError(
        absl::StrCat("--colours-file: ", path.string(), " has the columns ",
                     absl::StrJoin(table->columns(), ", "),
                     "; it must have image and ", kColour));
  }
  std::unordered_map<std::string, std::string> colours;
  for (size_t row = 0; row < table->rows(); ++row) {
    colours[fs::path(table->cell(row, *image)).stem().string()] =
        table->cell(row, *colour);
  }
  size_t found = 0;
  for (Photo& photo : photos) {
    const auto at = colours.find(fs::path(photo.path).stem().string());
    if (at == colours.end()) continue;
    photo.attributes[kColour] = at->second;
    ++found;
  }
  if (found == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--colours-file: none of the ", colours.size(), " images in ",
        path.string(),
        " is in the catalogue; its column image holds the photos' file names, "
        "with or without their ending"));
  }
  return absl::OkStatus();
}

// `colour` beside the catalogue's own name of it.
absl::Status FindColours(const EvalOptions& options, EvalSet* set) {
  if (!options.colours_file.empty()) {
    return ReadColours(options.colours_file, set->photos);
  }
  for (const char* name : kColourNames) {
    if (!HasAttribute(set->photos, name)) continue;
    for (Photo& photo : set->photos) {
      photo.attributes[kColour] = std::string(AttributeOf(photo, name));
    }
    break;
  }
  return absl::OkStatus();
}

// Photos outside of --only-labels go.
absl::Status KeepOnly(const EvalOptions& options, EvalSet* set) {
  if (options.only_labels.empty()) return absl::OkStatus();
  VITRINE_ASSIGN_OR_RETURN(const std::set<std::string> kept,
                           ReadValues(options.only_labels, "--only-labels"));
  std::set<std::string> seen;
  std::erase_if(set->photos, [&](const Photo& photo) {
    bool keep = false;
    for (const std::string& name : options.label) {
      seen.emplace(AttributeOf(photo, name));
      keep |= kept.contains(std::string(AttributeOf(photo, name)));
    }
    return !keep;
  });
  if (!set->photos.empty()) return absl::OkStatus();
  seen.erase("");
  return absl::InvalidArgumentError(
      absl::StrCat("--only-labels: no photo has one of the labels in ",
                   options.only_labels.string(), " (", Some(kept),
                   "); labels here are ", Some(seen)));
}

void AddAgreement(const EvalOptions& options, EvalSet* set) {
  const std::vector<std::vector<std::string>> questions = {
      {kColour},
      {kCategory, kColour},
      {kPattern},
      {kCategory, kColour, kPattern}};
  std::vector<std::string> none = options.no_class;
  none.emplace_back(kSeveral);
  for (const auto& attributes : questions) {
    Task task = MakeTask(set->photos, attributes, none);
    const bool told = std::any_of(
        set->tasks.begin(), set->tasks.end(),
        [&task](const Task& other) { return other.name == task.name; });
    if (task.classes.size() > 1 && !told) set->tasks.push_back(std::move(task));
  }
}

}  // namespace

std::string_view AttributeOf(const Photo& photo, const std::string& name) {
  const auto at = photo.attributes.find(name);
  return at == photo.attributes.end() ? std::string_view() : at->second;
}

std::string LabelOf(const Task& task, int photo) {
  const int label = task.label[photo];
  return label < 0 ? "" : task.classes[label];
}

Task MakeTask(const std::vector<Photo>& photos,
              const std::vector<std::string>& attributes,
              const std::vector<std::string>& no_class) {
  Task task;
  task.name = absl::StrJoin(attributes, "+");
  std::vector<std::string> labels;
  std::set<std::string> classes;
  for (const Photo& photo : photos) {
    std::vector<std::string> values;
    for (const std::string& name : attributes) {
      const std::string value(AttributeOf(photo, name));
      if (value.empty() || std::find(no_class.begin(), no_class.end(), value) !=
                               no_class.end()) {
        break;
      }
      values.push_back(value);
    }
    const bool whole = values.size() == attributes.size();
    labels.push_back(whole ? absl::StrJoin(values, " / ") : "");
    if (whole) classes.insert(labels.back());
  }
  task.classes.assign(classes.begin(), classes.end());
  for (const std::string& label : labels) {
    const auto at =
        std::lower_bound(task.classes.begin(), task.classes.end(), label);
    task.label.push_back(
        label.empty() ? -1 : static_cast<int>(at - task.classes.begin()));
  }
  return task;
}

absl::StatusOr<EvalSet> ReadEvalSet(const EvalOptions& options) {
  EvalSet set;
  VITRINE_ASSIGN_OR_RETURN(set.catalog, Catalog::Open(options.catalog));
  VITRINE_ASSIGN_OR_RETURN(const Listing listing, set.catalog->Scan());
  set.photos = ReadPhotos(*set.catalog, listing);
  if (set.photos.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--catalog: ", options.catalog.root.string(),
                     " holds no pictures; vitrine check says what it sees"));
  }
  VITRINE_RETURN_IF_ERROR(FindSenders(options, &set));
  VITRINE_RETURN_IF_ERROR(Split(options, &set));
  VITRINE_RETURN_IF_ERROR(FindColours(options, &set));
  // Colours may come from a file of their own.
  for (const std::string& name : options.label) {
    VITRINE_RETURN_IF_ERROR(CheckAttribute(set.photos, name, "--label", ""));
  }
  VITRINE_RETURN_IF_ERROR(KeepOnly(options, &set));
  if (!options.whole_gallery) {
    std::erase_if(set.photos, [](const Photo& photo) { return !photo.asks; });
  }
  set.tasks.push_back(MakeTask(set.photos, options.label, options.no_class));
  AddAgreement(options, &set);
  VITRINE_RETURN_IF_ERROR(CheckAnswerable(
      options, set, std::vector<bool>(set.photos.size(), true), &set.warnings));
  return set;
}

absl::Status CheckAnswerable(const EvalOptions& options, const EvalSet& set,
                             const std::vector<bool>& usable,
                             std::vector<std::string>* warnings) {
  const Task& task = set.tasks.front();
  const std::string flag =
      absl::StrCat("--label=", absl::StrJoin(options.label, ","));
  // A class can be answered where a second photo of it may answer.
  std::vector<int> photos(task.classes.size()), queries(task.classes.size());
  std::vector<std::set<int>> groups(task.classes.size());
  for (size_t i = 0; i < set.photos.size(); ++i) {
    const int label = task.label[i];
    if (label < 0 || !usable[i]) continue;
    ++photos[label];
    queries[label] += set.photos[i].asks;
    groups[label].insert(set.photos[i].group);
  }
  const int64_t refused = std::count(usable.begin(), usable.end(), false);
  const std::string unread =
      refused == 0 ? ""
                   : absl::StrCat(" that can be read (", refused, " of ",
                                  usable.size(), " photos cannot)");
  const auto has_photos = [](int n) { return n > 0; };
  const auto first = std::find_if(photos.begin(), photos.end(), has_photos);
  if (std::count_if(photos.begin(), photos.end(), has_photos) < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        flag, ": ",
        first == photos.end()
            ? absl::StrCat("no photo of the split", unread, " has such a label")
            : absl::StrCat(
                  "all photos of the split", unread, " are of the one class '",
                  cli::Printable(task.classes[first - photos.begin()]), "'"),
        "; at least two classes are needed to tell right answers from wrong "
        "ones: name another attribute",
        MorePhotos(options)));
  }
  std::vector<std::string> lone;
  int asked = 0, answerable = 0;
  for (size_t i = 0; i < task.classes.size(); ++i) {
    asked += queries[i];
    if (options.cross_sender ? groups[i].size() > 1 : photos[i] > 1) {
      answerable += queries[i];
    } else if (queries[i] > 0) {
      lone.push_back(task.classes[i]);
    }
  }
  const char* second =
      options.cross_sender ? "a photo by another sender" : "a second photo";
  if (answerable == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        flag, ": none of the ", asked,
        " queries has a right answer, as no class (", Some(lone), ") has ",
        second, unread, "; name another attribute", MorePhotos(options)));
  }
  if (!lone.empty()) {
    warnings->push_back(
        absl::StrCat("no query of ", Some(lone),
                     " can have a right answer, as there is not ", second,
                     "; they count as wrong; leave such classes out with "
                     "--no-class, or measure more photos"));
  }
  return absl::OkStatus();
}

}  // namespace vitrine::eval
