#include "clients/cli/filter_flag.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "common/base/utf8.h"

namespace vitrine::cli {
namespace {

[[noreturn]] void Refuse(const std::string& text, const std::string& what) {
  throw CLI::ValidationError("--filter", "'" + text + "' " + what);
}

// The text up to the first character that is one of `ends` and has no backslash
// before it, without its backslashes; takes it, but not the end, off `*rest`.
std::string TakeUntil(std::string_view ends, std::string_view* rest) {
  std::string taken;
  while (!rest->empty() && ends.find((*rest)[0]) == ends.npos) {
    if ((*rest)[0] == '\\' && rest->size() > 1) rest->remove_prefix(1);
    taken += (*rest)[0];
    rest->remove_prefix(1);
  }
  return taken;
}

double ParseBound(const std::string& text, std::string_view bound) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(bound.data(), bound.data() + bound.size(), number);
  if (error != std::errc() || end != bound.data() + bound.size() ||
      !std::isfinite(number)) {
    Refuse(text, "compares with '" + std::string(bound) +
                     "', which is no number; write one, such as price<=50");
  }
  return number;
}

// "<=50" and the like; below and above are up to the next number there is.
void ReadRange(const std::string& text, std::string_view rest,
               v1::Filter::NumberRange* range) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool below = rest[0] == '<';
  const bool with_end = rest.substr(1).starts_with('=');
  double bound = ParseBound(text, rest.substr(with_end ? 2 : 1));
  if (!with_end) bound = std::nextafter(bound, below ? -kInfinity : kInfinity);
  if (below) {
    range->set_max(bound);
  } else {
    range->set_min(bound);
  }
}

void ReadValues(const std::string& text, std::string_view rest,
                v1::Filter::StringSet* set) {
  if (rest.starts_with('=')) {
    Refuse(text, "has one = too many; write colour=Red");
  }
  if (rest.starts_with('<') || rest.starts_with('>')) {
    Refuse(text, "has its signs the wrong way round; write price<=50");
  }
  while (true) {
    std::string value = TakeUntil("|", &rest);
    if (value.empty()) {
      Refuse(text,
             "lacks a value; write colour=Red, or colour=Red|Blue for either");
    }
    set->add_values(std::move(value));
    if (rest.empty()) return;
    rest.remove_prefix(1);
  }
}

}  // namespace

v1::Filter ParseCondition(const std::string& text) {
  if (!IsUtf8(text)) Refuse(text, "is not UTF-8");
  v1::Filter filter;
  std::string_view rest = text;
  v1::Filter::Condition* condition = nullptr;
  if (rest.starts_with('!')) {
    rest.remove_prefix(1);
    if (rest.starts_with('!')) Refuse(text, "has one ! too many");
    condition = filter.mutable_none()->add_filters()->mutable_condition();
  } else {
    condition = filter.mutable_condition();
  }
  const std::string name = TakeUntil("=<>?", &rest);
  if (name.empty() || rest.empty()) {
    Refuse(text,
           "is no condition; write NAME=VALUE, NAME=VALUE|VALUE, NAME<=NUMBER, "
           "NAME>=NUMBER or NAME? (is there), with a ! before it for what must "
           "not hold");
  }
  if (name.ends_with('!')) {
    Refuse(text, "has its ! at the wrong place; write !" +
                     name.substr(0, name.size() - 1) + std::string(rest));
  }
  condition->set_attribute(name);
  switch (rest[0]) {
    case '?':
      if (rest.size() > 1) {
        Refuse(text, "goes on after its ?; write " + name + "?");
      }
      condition->set_exists(true);
      break;
    case '=':
      ReadValues(text, rest.substr(1), condition->mutable_any_of());
      break;
    default:
      ReadRange(text, rest, condition->mutable_range());
  }
  return filter;
}

v1::Boost ParseBoost(const std::string& text) {
  const size_t at = text.rfind('@');
  const char* const end = text.data() + text.size();
  float factor = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at + 1, end, factor).ptr != end ||
      at + 1 == text.size()) {
    throw CLI::ValidationError(
        "--boost", "'" + text +
                       "' is no boost: give a condition and a factor, such as "
                       "brand=Acme@1.5; above 1 comes sooner, below 1 later");
  }
  v1::Boost boost;
  boost.set_factor(factor);
  try {
    *boost.mutable_filter() = ParseCondition(text.substr(0, at));
  } catch (const CLI::ValidationError& error) {
    std::string_view what = error.what();
    if (const size_t colon = what.find(": "); colon != what.npos)
      what.remove_prefix(colon + 2);
    throw CLI::ValidationError("--boost", std::string(what));
  }
  return boost;
}

v1::Filter AllOf(const std::vector<v1::Filter>& conditions) {
  if (conditions.size() == 1) return conditions[0];
  v1::Filter filter;
  for (const v1::Filter& condition : conditions) {
    *filter.mutable_all()->add_filters() = condition;
  }
  return filter;
}

}  // namespace vitrine::cli
