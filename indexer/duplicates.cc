#include "indexer/duplicates.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

constexpr char kPrefix[] = "duplicate: ";

// The products of the draft's new rows, by content.
using ProductsOfContents = std::map<std::string_view, std::set<std::string>>;

using GoingFn = std::function<bool(const std::string& image_key)>;

bool Shows(const GenerationDraft& draft, const std::string& product_id,
           std::string_view sha256, const GoingFn& going) {
  const auto product = draft.changes.FindProduct(product_id);
  return product &&
         std::any_of(product->images().begin(), product->images().end(),
                     [&](const auto& image) {
                       return image.sha256() == sha256 && !going(image.key());
                     });
}

std::optional<std::string> OtherProduct(const IndexView& view,
                                        const GenerationDraft& draft,
                                        const ProductsOfContents& fresh,
                                        std::string_view sha256,
                                        const std::string& product_id,
                                        const GoingFn& going) {
  const auto found = fresh.find(sha256);
  if (found != fresh.end()) {
    for (const std::string& other : found->second) {
      if (other != product_id) return other;
    }
  }
  for (const std::string& other : view.content->FindProducts(sha256)) {
    // Its rows may be dead, or die with this generation.
    if (other != product_id && Shows(draft, other, sha256, going)) return other;
  }
  return std::nullopt;
}

}  // namespace

void WarnOfDuplicates(
    const IndexView& view,
    const std::function<bool(const std::string& image_key)>& going,
    GenerationDraft* draft) {
  ProductsOfContents fresh;
  for (const auto& [key, row] : draft->changes.changes().rows) {
    if (row) fresh[BytesOf(row->sha256)].insert(key.first);
  }
  for (v1::Receipt& receipt : draft->receipts) {
    const bool is_new = receipt.outcome() == v1::Receipt::OUTCOME_ACCEPTED ||
                        receipt.outcome() == v1::Receipt::OUTCOME_CHANGED;
    // A publication that failed is tried again with the same receipts.
    const bool is_warned =
        std::any_of(receipt.warnings().begin(), receipt.warnings().end(),
                    [](const std::string& warning) {
                      return warning.starts_with(kPrefix);
                    });
    if (!is_new || is_warned) continue;
    const std::string sha256 = absl::HexStringToBytes(receipt.sha256());
    if (const auto other = OtherProduct(view, *draft, fresh, sha256,
                                        receipt.product_id(), going)) {
      receipt.add_warnings(absl::StrCat(kPrefix,
                                        "the very picture of product '", *other,
                                        "'; is it the right one?"));
    }
  }
}

}  // namespace vitrine
