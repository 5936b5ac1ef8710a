// products.jsonl.
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/base/utf8.h"
#include "common/catalog/catalog_names.h"
#include "common/catalog/json_product.h"
#include "common/catalog/metadata.h"

namespace vitrine {
namespace {

// An attribute as a category.
std::string CategoryText(const storage::Attribute& attribute) {
  switch (attribute.kind_case()) {
    case storage::Attribute::kText:
      return attribute.text();
    case storage::Attribute::kNumber:
      return absl::StrCat(attribute.number());
    case storage::Attribute::kFlag:
      return attribute.flag() ? "true" : "false";
    case storage::Attribute::kList:
      return attribute.list().values_size() > 0 ? attribute.list().values(0)
                                                : "";
    case storage::Attribute::KIND_NOT_SET:
      break;
  }
  return "";
}

// Keeps the text and reads a line again when it is asked for: a tenth of the
// memory of a record for each product.
class JsonlMetadata : public Metadata {
 public:
  JsonlMetadata(std::string text, std::string_view category_attribute)
      : text_(std::move(text)),
        category_attribute_(category_attribute.empty() ? "category"
                                                       : category_attribute) {}

  absl::Status Load(const std::string& file, CatalogProblems* problems) {
    const std::string_view all = text_;
    std::set<std::string> attribute_names;
    std::vector<std::string> complaints;
    std::unordered_map<std::string, size_t> picture_at;
    int number = 0;
    for (size_t at = all.starts_with("\xEF\xBB\xBF") ? 3 : 0;
         at < all.size();) {
      const size_t end = std::min(all.find('\n', at), all.size());
      const std::string_view line = all.substr(at, end - at);
      at = end + 1;
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      JsonProduct product;
      complaints.clear();
      const bool usable =
          ParseJsonProduct(line, JsonForm::kLine, &product, &complaints);
      const std::string id = usable ? *product.id : "";
      auto report = [&](ProblemKind kind, std::string_view what) {
        problems->push_back(
            {kind, file, number, id,
             absl::StrCat(file, " line ", number, ": ", std::string(what))});
      };
      for (const std::string& complaint : complaints) {
        report(ProblemKind::kBadRow,
               usable ? complaint
                      : absl::StrCat(complaint, ": ", Excerpt(line),
                                     "; the line is left out"));
      }
      if (!usable) continue;
      for (const auto& [name, value] : product.attributes.attributes()) {
        attribute_names.insert(name);
      }
      const auto [known, is_new] = by_id_.try_emplace(id, lines_.size());
      const size_t row = known->second;
      if (is_new) {
        lines_.push_back({line, id, number, product.deleted, {}});
      } else {
        report(ProblemKind::kDuplicateRow,
               absl::StrCat("the id \"", Excerpt(id), "\" was in line ",
                            lines_[row].number,
                            " before; this line counts; remove the other"));
        lines_[row].text = line;
        lines_[row].number = number;
        lines_[row].deleted = product.deleted;
        for (size_t picture : lines_[row].pictures) {
          if (pictures_[picture].second == row) {
            pictures_[picture].second = kNobody;
          }
        }
        lines_[row].pictures.clear();
      }
      for (const std::string& image : product.images) {
        auto path = CleanPath(image);
        if (!path) {
          report(ProblemKind::kPathEscapes,
                 absl::StrCat("the image \"", Excerpt(image),
                              "\" does not lie in the catalogue; give its path "
                              "below the catalogue's folder, without .."));
          continue;
        }
        const auto [entry, added] =
            picture_at.try_emplace(*path, pictures_.size());
        lines_[row].pictures.push_back(entry->second);
        if (added) {
          pictures_.emplace_back(*std::move(path), row);
          continue;
        }
        size_t& owner = pictures_[entry->second].second;
        if (owner != kNobody && owner != row) {
          report(
              ProblemKind::kPictureOfTwoRows,
              absl::StrCat("the image \"", Excerpt(image),
                           "\" is also named by \"", Excerpt(lines_[owner].id),
                           "\" in line ", lines_[owner].number,
                           "; it goes to this product; name it once"));
        }
        owner = row;
      }
    }
    std::erase_if(pictures_, [](const auto& p) { return p.second == kNobody; });
    for (Line& line : lines_) std::vector<size_t>().swap(line.pictures);
    if (category_attribute_ != "category" && !lines_.empty() &&
        !attribute_names.contains(category_attribute_)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no product of ", file, " has the attribute \"", category_attribute_,
          "\" that was named as the category; there are: category, ",
          absl::StrJoin(attribute_names, ", ")));
    }
    return absl::OkStatus();
  }

  size_t rows() const override { return lines_.size(); }
  std::string_view id(size_t row) const override { return lines_[row].id; }
  int line(size_t row) const override { return lines_[row].number; }
  std::optional<size_t> Find(std::string_view id) const override {
    const auto it = by_id_.find(std::string(id));
    if (it == by_id_.end()) return std::nullopt;
    return it->second;
  }
  bool IsDeleted(size_t row) const override { return lines_[row].deleted; }
  void Describe(size_t row, storage::ProductRecord* record) const override {
    JsonProduct product;
    std::vector<std::string> told_already;
    ParseJsonProduct(lines_[row].text, JsonForm::kLine, &product,
                     &told_already);
    record->set_title(product.title.value_or(""));
    record->set_category(product.category.value_or(""));
    record->set_visible_from_unix_ms(product.visible_from_unix_ms.value_or(0));
    record->set_visible_until_unix_ms(
        product.visible_until_unix_ms.value_or(0));
    *record->mutable_attributes() =
        std::move(*product.attributes.mutable_attributes());
    if (category_attribute_ != "category") {
      const auto it = record->attributes().find(category_attribute_);
      record->set_category(
          it == record->attributes().end() ? "" : CategoryText(it->second));
      record->mutable_attributes()->erase(category_attribute_);
    }
  }
  uint64_t Fingerprint(size_t row) const override {
    return Checksum(lines_[row].text);
  }
  const std::string& category_attribute() const override {
    return category_attribute_;
  }
  const std::vector<std::pair<std::string, size_t>>& pictures() const override {
    return pictures_;
  }

 private:
  static constexpr size_t kNobody = SIZE_MAX;
  struct Line {
    std::string_view text;
    std::string id;
    int number;
    bool deleted;
    std::vector<size_t> pictures;  // indices into pictures_, while loading
  };

  const std::string text_;
  const std::string category_attribute_;
  std::vector<Line> lines_;
  std::unordered_map<std::string, size_t> by_id_;
  std::vector<std::pair<std::string, size_t>> pictures_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Metadata>> ParseJsonlMetadata(
    std::string text, std::string_view name,
    std::string_view category_attribute, CatalogProblems* problems) {
  auto metadata =
      std::make_unique<JsonlMetadata>(std::move(text), category_attribute);
  if (absl::Status status = metadata->Load(std::string(name), problems);
      !status.ok()) {
    return status;
  }
  return std::unique_ptr<Metadata>(std::move(metadata));
}

}  // namespace vitrine
