#include "common/catalog/offer_time.h"

#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

// Takes text apart from its front; every step is in vain after one that fails.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  int Digits(size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      good_ = good_ && i < rest_.size() && absl::ascii_isdigit(rest_[i]);
      if (good_) value = value * 10 + (rest_[i] - '0');
    }
    if (good_) rest_.remove_prefix(count);
    return value;
  }
  // Whether one of `any` comes next; takes it.
  bool Takes(std::string_view any) {
    if (!good_ || rest_.empty() || any.find(rest_[0]) == any.npos) return false;
    taken_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(std::string_view any) { good_ = Takes(any); }
  void Require(bool condition) { good_ = good_ && condition; }
  char taken() const { return taken_; }
  bool good() const { return good_; }
  bool AtEnd() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  char taken_ = 0;
  bool good_ = true;
};

// The milliseconds that follow a full stop; finer ones are left out.
int Fraction(Parser* parser) {
  int ms = parser->Digits(1) * 100;
  for (int unit = 10; parser->Takes("0123456789"); unit /= 10) {
    ms += (parser->taken() - '0') * unit;
  }
  return ms;
}

}  // namespace

std::optional<int64_t> ParseOfferTime(std::string_view text) {
  Parser parser(text);
  const int year = parser.Digits(4);
  parser.Expect("-");
  const int month = parser.Digits(2);
  parser.Expect("-");
  const int day = parser.Digits(2);
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  parser.Require(date.ok());
  if (!parser.good()) return std::nullopt;
  std::chrono::sys_time<std::chrono::milliseconds> time =
      std::chrono::sys_days(date);
  if (!parser.AtEnd()) {
    parser.Expect("Tt ");
    const int hour = parser.Digits(2);
    parser.Expect(":");
    const int minute = parser.Digits(2);
    parser.Expect(":");
    const int second = parser.Digits(2);
    // 60 is a leap second.
    parser.Require(hour < 24 && minute < 60 && second <= 60);
    const int ms = parser.Takes(".") ? Fraction(&parser) : 0;
    time += std::chrono::hours(hour) + std::chrono::minutes(minute) +
            std::chrono::seconds(second) + std::chrono::milliseconds(ms);
    if (parser.Takes("+-")) {
      const int sign = parser.taken() == '+' ? 1 : -1;
      const int hours = parser.Digits(2);
      parser.Expect(":");
      const int minutes = parser.Digits(2);
      parser.Require(hours < 24 && minutes < 60);
      time -=
          sign * (std::chrono::hours(hours) + std::chrono::minutes(minutes));
    } else {
      parser.Expect("Zz");
    }
  }
  if (!parser.AtEnd()) return std::nullopt;
  const int64_t unix_ms = time.time_since_epoch().count();
  return unix_ms != 0 ? unix_ms : -1;
}

std::string BadOfferTime(std::string_view name, std::string_view value) {
  return absl::StrCat(
      "\"", std::string(name), "\" is ", std::string(value),
      ", which is no time; the product is offered as if it were not there; "
      "write a date or a date with time and zone, as in \"2026-03-01\" or "
      "\"2026-03-01T09:30:00Z\"");
}

}  // namespace vitrine
