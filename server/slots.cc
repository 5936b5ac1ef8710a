#include "server/slots.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "server/default_slots.h"

namespace vitrine {
namespace {

constexpr std::string_view kNone = "none";
constexpr std::string_view kUnknown = "unknown";

bool EndsWith(std::string_view word, std::string_view end) {
  return word.ends_with(end);
}

// One spelling for a word and its plural; not always the dictionary's, but the
// same for both: shoes → shoe, dresses → dress, scarves → scarf, hoodies and
// hoodie → hoody.
void Singularise(std::string* word) {
  if (EndsWith(*word, "s") && !EndsWith(*word, "ss")) word->pop_back();
  for (std::string_view end : {"sse", "che", "she", "xe"}) {
    if (EndsWith(*word, end)) {
      word->pop_back();
      return;
    }
  }
  if (EndsWith(*word, "ie")) {
    word->replace(word->size() - 2, 2, "y");
  } else if (EndsWith(*word, "ve")) {
    word->replace(word->size() - 2, 2, "f");
  }
}

absl::Status LineError(std::string_view origin, size_t line,
                       std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(origin), ":", line, ": ", std::string(what)));
}

// The edit distance of Levenshtein.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string FoldCategory(std::string_view category) {
  std::string folded;
  std::string word;
  auto end_word = [&] {
    Singularise(&word);
    folded += word;
    word.clear();
  };
  for (char c : category) {
    const auto byte = static_cast<unsigned char>(c);
    // Letters beyond ASCII are kept as they are.
    if (absl::ascii_isalnum(byte) || byte >= 0x80) {
      word += absl::ascii_tolower(byte);
    } else if (!word.empty()) {
      end_word();
    }
  }
  if (!word.empty()) end_word();
  return folded;
}

std::optional<int> FindCategory(std::span<const std::string_view> categories,
                                std::string_view name) {
  const auto exact = std::find(categories.begin(), categories.end(), name);
  if (exact != categories.end())
    return static_cast<int>(exact - categories.begin());
  const std::string folded = FoldCategory(name);
  std::optional<int> found;
  for (size_t i = 0; i < categories.size(); ++i) {
    if (FoldCategory(categories[i]) != folded) continue;
    if (found) return std::nullopt;
    found = static_cast<int>(i);
  }
  return found;
}

std::vector<std::string> CloseCategories(
    std::span<const std::string_view> categories, std::string_view name,
    size_t n) {
  const std::string folded = FoldCategory(name);
  std::vector<std::pair<size_t, std::string>> names;
  for (const std::string_view category : categories) {
    names.emplace_back(EditDistance(folded, FoldCategory(category)), category);
  }
  std::sort(names.begin(), names.end());
  names.resize(std::min(n, names.size()));
  std::vector<std::string> close;
  for (auto& [distance, close_name] : names) close.push_back(close_name);
  return close;
}

absl::StatusOr<SlotTable> SlotTable::Parse(std::string_view text,
                                           std::string_view origin) {
  SlotTable table;
  struct Rule {
    size_t line;
    std::string a;
    std::string b;
  };
  std::vector<Rule> rules;
  std::unordered_map<std::string, std::pair<size_t, std::string>> seen;
  size_t number = 0;
  for (absl::string_view raw :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    const std::string line(absl::StripAsciiWhitespace(raw));
    if (line.empty() || line[0] == '#') continue;
    size_t cut = line.find('\t');
    if (cut == std::string::npos) cut = line.rfind(',');
    if (cut == std::string::npos) {
      std::vector<std::string> words =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.size() != 3 || words[0] != "never") {
        return LineError(
            origin, number,
            absl::StrCat("'", line,
                         "' is neither `category,slot` (or with a tab) nor "
                         "`never SLOT SLOT`"));
      }
      rules.push_back({number, absl::AsciiStrToLower(words[1]),
                       absl::AsciiStrToLower(words[2])});
      continue;
    }
    const std::string category(absl::StripAsciiWhitespace(line.substr(0, cut)));
    const std::string slot =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(line.substr(cut + 1)));
    const std::string folded = FoldCategory(category);
    if (folded.empty() || slot.empty()) {
      return LineError(origin, number,
                       absl::StrCat("'", line,
                                    "' lacks its category or its slot; right "
                                    "is `Casual Shoes,shoes`"));
    }
    auto [before, is_new] = seen.try_emplace(folded, number, slot);
    if (!is_new && before->second.second != slot) {
      return LineError(
          origin, number,
          absl::StrCat("'", category, "' is ", slot, " here and ",
                       before->second.second, " in line ", before->second.first,
                       "; give it one slot"));
    }
    if (slot == kUnknown) {
      table.unknown_.insert(folded);
    } else if (slot != kNone) {
      int index = table.Find(slot);
      if (index < 0) {
        index = static_cast<int>(table.slots_.size());
        table.slots_.push_back(slot);
      }
      table.slot_of_[folded] = index;
    }
  }
  for (const Rule& rule : rules) {
    const int a = table.Find(rule.a);
    const int b = table.Find(rule.b);
    if (a < 0 || b < 0) {
      return LineError(
          origin, rule.line,
          absl::StrCat("no category has the slot '", a < 0 ? rule.a : rule.b,
                       "'; slots are ", absl::StrJoin(table.slots_, ", ")));
    }
    table.never_.insert(std::minmax(a, b));
  }
  if (table.slots_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(origin),
                     ": gives no category a slot; it needs lines such "
                     "as `Casual Shoes,shoes`"));
  }
  return table;
}

const SlotTable& SlotTable::Default() {
  // The shipped text is parsed by a test of its own.
  static const SlotTable* table =
      new SlotTable(Parse(kDefaultSlots, "default_slots.txt").value());
  return *table;
}

int SlotTable::Find(std::string_view slot) const {
  auto found = std::find(slots_.begin(), slots_.end(), slot);
  return found == slots_.end() ? -1 : static_cast<int>(found - slots_.begin());
}

std::string_view SlotTable::SlotOf(std::string_view category) const {
  auto found = slot_of_.find(FoldCategory(category));
  return found == slot_of_.end() ? std::string_view()
                                 : std::string_view(slots_[found->second]);
}

bool SlotTable::IsUnknown(std::string_view category) const {
  return unknown_.contains(FoldCategory(category));
}

bool SlotTable::GoWith(std::string_view a, std::string_view b) const {
  const int first = Find(a);
  const int second = Find(b);
  return first >= 0 && second >= 0 && first != second &&
         !never_.contains(std::minmax(first, second));
}

}  // namespace vitrine
