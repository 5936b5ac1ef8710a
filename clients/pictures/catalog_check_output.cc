// A check's report, for people and for programs.
#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "clients/cli/text.h"
#include "clients/pictures/catalog_check.h"

namespace vitrine {
namespace {

using cli::FormatCount;
using json = nlohmann::ordered_json;

constexpr size_t kShown = 5;  // of each kind of problem
constexpr size_t kCategoriesShown = 15;
constexpr size_t kPassedOverShown = 8;

std::string Line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string ReasonName(v1::ErrorReason reason) {
  const std::string& name = v1::ErrorReason_Name(reason);
  return std::string(absl::StripPrefix(name, "ERROR_REASON_"));
}

// What a kind of problem means for the index, as a heading over its cases.
std::string_view Meaning(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kBadRow:
      return "Rows or fields that are not understood: left out";
    case ProblemKind::kDuplicateRow:
      return "Rows that a later row of the same id replaces";
    case ProblemKind::kRowWithoutPicture:
      return "Rows without a picture: not indexed until it comes";
    case ProblemKind::kPictureWithoutRow:
      return "Pictures without a row: indexed; their row applies when it comes";
    case ProblemKind::kPictureOfTwoRows:
      return "Pictures that two rows name: the later row keeps them";
    case ProblemKind::kBadSidecar:
      return "Side-cars or fields of them that are not understood: left out";
    case ProblemKind::kPathEscapes:
      return "Paths that lead out of the catalogue: not read";
    case ProblemKind::kUnreadable:
      return "What could not be read";
    case ProblemKind::kNotUtf8:
      return "Lines that are not UTF-8: read as ISO 8859-1";
    case ProblemKind::kPatternWithoutMatch:
      return "Names in which --product-pattern finds nothing: the product goes "
             "by its path";
    case ProblemKind::kNameTooLong:
      return "Product ids that are too long: not indexed";
    case ProblemKind::kTableInSubfolder:
      return "Tables that are not in the catalogue's own folder: not read";
  }
  return ProblemKindName(kind);
}

struct Refusals {
  std::string heading;
  std::vector<std::string> cases;
};

// By reason; formats that are not read by kind too, whose message says all.
std::vector<Refusals> GroupRefused(const std::vector<RefusedPicture>& refused) {
  std::map<std::pair<std::string, std::string>, Refusals> groups;
  for (const RefusedPicture& picture : refused) {
    const std::string reason = ReasonName(picture.reason);
    const bool by_kind =
        picture.reason == v1::ERROR_REASON_IMAGE_FORMAT_UNSUPPORTED ||
        picture.reason == v1::ERROR_REASON_IMAGE_EMPTY;
    Refusals& group = groups[{reason, by_kind ? picture.message : ""}];
    group.heading = absl::StrCat(
        "Pictures refused, ", reason,
        by_kind ? absl::StrCat(": ", picture.message) : std::string());
    group.cases.push_back(
        by_kind ? picture.path
                : absl::StrCat(picture.path, ": ", picture.message));
  }
  std::vector<Refusals> ordered;
  for (auto& [key, group] : groups) ordered.push_back(std::move(group));
  return ordered;
}

void AddCases(std::string_view heading, const std::vector<std::string>& cases,
              std::string* out) {
  absl::StrAppend(out, "\n", cli::Printable(heading), " (",
                  FormatCount(static_cast<int64_t>(cases.size())), ")\n");
  for (size_t i = 0; i < std::min(cases.size(), kShown); ++i) {
    absl::StrAppend(out, "  ", cli::Printable(cases[i]), "\n");
  }
  if (cases.size() > kShown) {
    absl::StrAppend(out, "  and ",
                    FormatCount(static_cast<int64_t>(cases.size() - kShown)),
                    " more; --format=json lists all\n");
  }
}

// "a, b, c and 4 more".
std::string Some(const std::vector<std::string>& words, size_t shown) {
  std::string text;
  for (size_t i = 0; i < std::min(words.size(), shown); ++i) {
    absl::StrAppend(&text, i > 0 ? ", " : "", words[i]);
  }
  if (words.size() > shown) {
    absl::StrAppend(&text, " and ",
                    FormatCount(static_cast<int64_t>(words.size() - shown)),
                    " more");
  }
  return cli::Printable(text);
}

void AddFacts(const CheckReport& report, std::string* out) {
  auto fact = [out](const char* name, const std::string& value) {
    absl::StrAppendFormat(out, "%-12s %s\n", name, value);
  };
  const std::string table(TableName(report.layout));
  const auto refused = static_cast<int64_t>(report.refused.size());
  fact("catalogue", cli::Printable(report.root));
  fact("layout",
       absl::StrCat(
           std::string(LayoutName(report.layout)),
           table.empty()
               ? ""
               : absl::StrCat(" (", table, ", ", FormatCount(report.rows),
                              report.rows == 1 ? " row)" : " rows)")));
  fact(
      "pictures",
      absl::StrFormat(
          "%s%s, %.1f MB, %s in %.1f s", FormatCount(report.pictures),
          refused > 0 ? absl::StrCat(", and ", FormatCount(refused), " refused")
                      : "",
          static_cast<double>(report.bytes) / 1e6,
          report.quick ? "headers read" : "all decoded", report.seconds));
  fact("products", FormatCount(report.products));
  std::vector<std::string> words;
  int64_t without = 0;
  for (const auto& [category, products] : report.categories) {
    if (category.empty()) {
      without = products;
    } else {
      words.push_back(absl::StrCat(category, " ", FormatCount(products)));
    }
  }
  if (words.empty()) {
    fact("categories", report.rows > 0
                           ? "none; --category-attribute=NAME names the column"
                           : "none");
  } else {
    fact("category", cli::Printable(report.category_attribute));
    fact("categories",
         absl::StrCat(
             FormatCount(static_cast<int64_t>(words.size())), ": ",
             Some(words, kCategoriesShown),
             without > 0 ? absl::StrCat("; none ", FormatCount(without)) : ""));
  }
  words.clear();
  for (const CheckedAttribute& attribute : report.attributes) {
    words.push_back(
        absl::StrCat(attribute.name, " (", attribute.type,
                     attribute.products < report.products
                         ? absl::StrCat(", ", FormatCount(attribute.products),
                                        " of ", FormatCount(report.products))
                         : "",
                     ")"));
  }
  fact("attributes", words.empty() ? "none" : Some(words, words.size()));
  if (!report.passed_over.empty()) {
    fact("passed over",
         absl::StrCat(
             FormatCount(static_cast<int64_t>(report.passed_over.size())), ": ",
             Some(report.passed_over, kPassedOverShown)));
  }
}

json ValueJson(const storage::Attribute& value) {
  switch (value.kind_case()) {
    case storage::Attribute::kNumber:
      return value.number();
    case storage::Attribute::kFlag:
      return value.flag();
    case storage::Attribute::kList:
      return json(std::vector<std::string>(value.list().values().begin(),
                                           value.list().values().end()));
    default:
      return value.text();
  }
}

}  // namespace

std::string CheckTable(const CheckReport& report) {
  std::string out;
  AddFacts(report, &out);
  for (const Refusals& group : GroupRefused(report.refused)) {
    AddCases(group.heading, group.cases, &out);
  }
  std::map<ProblemKind, std::vector<std::string>> problems;
  for (const CatalogProblem& problem : report.problems) {
    problems[problem.kind].push_back(problem.message);
  }
  for (const auto& [kind, messages] : problems) {
    AddCases(Meaning(kind), messages, &out);
  }
  if (report.clean()) {
    absl::StrAppend(&out, "\nNothing is wrong with it",
                    report.quick ? ", as far as headers tell" : "", ".\n");
  } else if (report.pictures == 0) {
    absl::StrAppend(&out, "\nNo picture in ", cli::Printable(report.root),
                    " would be indexed",
                    report.refused.empty()
                        ? "; put some there, or name another folder"
                        : "",
                    ".\n");
  } else {
    absl::StrAppend(&out, "\nAll else is fine.\n");
  }
  return out;
}

std::string CheckJson(const CheckReport& report) {
  json categories = json::array(), attributes = json::array(),
       refused = json::array(), problems = json::array();
  for (const auto& [category, products] : report.categories) {
    categories.push_back({{"category", category}, {"products", products}});
  }
  for (const CheckedAttribute& a : report.attributes) {
    attributes.push_back(
        {{"name", a.name}, {"type", a.type}, {"products", a.products}});
  }
  for (const RefusedPicture& picture : report.refused) {
    refused.push_back({{"path", picture.path},
                       {"product_id", picture.product_id},
                       {"reason", ReasonName(picture.reason)},
                       {"message", picture.message}});
  }
  for (const CatalogProblem& problem : report.problems) {
    problems.push_back({{"kind", ProblemKindName(problem.kind)},
                        {"path", problem.path},
                        {"line", problem.line},
                        {"product_id", problem.product_id},
                        {"message", problem.message}});
  }
  const json root = {{"catalog", report.root},
                     {"layout", LayoutName(report.layout)},
                     {"category_attribute", report.category_attribute},
                     {"quick", report.quick},
                     {"clean", report.clean()},
                     {"rows", report.rows},
                     {"products", report.products},
                     {"images", report.pictures},
                     {"bytes", report.bytes},
                     {"categories", categories},
                     {"attributes", attributes},
                     {"refused", refused},
                     {"problems", problems},
                     {"passed_over", report.passed_over},
                     {"seconds", report.seconds}};
  return Line(root);
}

std::string CheckJsonLines(const CheckReport& report) {
  std::string out =
      Line({{"catalog", std::filesystem::absolute(report.root).string()},
            {"layout", LayoutName(report.layout)},
            {"category_attribute", report.category_attribute},
            {"quick", report.quick},
            {"clean", report.clean()},
            {"products", report.products},
            {"images", report.pictures},
            {"refused", report.refused.size()},
            {"problems", report.problems.size()}});
  for (const CatalogPicture& picture : report.listed) {
    const storage::ProductRecord& record =
        report.records.at(picture.product_id);
    // Sorted by name: a protobuf map has no order of its own.
    std::map<std::string, json> attributes;
    for (const auto& [name, value] : record.attributes()) {
      attributes[name] = ValueJson(value);
    }
    out += Line({{"path", picture.path},
                 {"product_id", picture.product_id},
                 {"title", record.title()},
                 {"category", record.category()},
                 {"attributes", attributes}});
  }
  return out;
}

}  // namespace vitrine
