#include "clients/cli/flag_values.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "absl/time/time.h"

namespace vitrine::cli {
namespace {

// Numbers as in "0.25" or "2", the whole of `text`.
template <typename Number>
bool ParseNumber(std::string_view text, Number* value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string> SplitAtCommas(const std::string& text) {
  return CLI::detail::split(text, ',');
}

Region ParseRegion(const std::string& text) {
  std::vector<std::string> parts = SplitAtCommas(text);
  float edges[4];
  bool good = parts.size() == 4;
  for (size_t i = 0; good && i < 4; ++i) {
    good = ParseNumber(parts[i], &edges[i]);
  }
  if (!good) {
    throw CLI::ValidationError(
        "--region",
        "'" + text +
            "' is no region: give left,top,right,bottom in shares of the "
            "picture, such as 0,0.5,1,1 for its lower half");
  }
  return {edges[0], edges[1], edges[2], edges[3]};
}

std::pair<std::string, float> ParseEmphasis(const std::string& text) {
  size_t equals = text.find('=');
  float value = 0;
  if (equals == 0 || equals == std::string::npos ||
      !ParseNumber(std::string_view(text).substr(equals + 1), &value)) {
    throw CLI::ValidationError(
        "--emphasis", "'" + text +
                          "' is no emphasis: give a block of the model and a "
                          "number, such as shape=1,colour=2");
  }
  return {text.substr(0, equals), value};
}

std::pair<std::string, int32_t> ParseMaxPer(const std::string& text) {
  const size_t equals = text.rfind('=');
  int32_t limit = 0;
  if (equals == 0 || equals == std::string::npos ||
      !ParseNumber(std::string_view(text).substr(equals + 1), &limit) ||
      limit < 1) {
    throw CLI::ValidationError(
        "--max-per",
        "'" + text +
            "' is no limit: give an attribute and how many answers "
            "may share a value of it, such as brand=2");
  }
  return {text.substr(0, equals), limit};
}

ExtraExample ParseExtraExample(const std::string& text, bool is_image,
                               bool minus) {
  ExtraExample example{is_image, text, minus ? 0.5f : 1.0f};
  size_t at = text.rfind('@');
  float weight = 0;
  if (at != std::string::npos && at > 0 &&
      ParseNumber(std::string_view(text).substr(at + 1), &weight)) {
    if (!(weight > 0)) {
      throw CLI::ValidationError(
          std::string(minus ? "--minus-" : "--plus-") +
              (is_image ? "image" : "product"),
          "the weight in '" + text +
              "' must be above 0; for \"less like this\" use --minus-" +
              (is_image ? "image" : "product"));
    }
    example.value = text.substr(0, at);
    example.weight = weight;
  }
  if (minus) example.weight = -example.weight;
  return example;
}

int64_t ParseSince(const std::string& text, int64_t now_unix_ms) {
  const std::string units = "smhdw";
  constexpr int64_t kSeconds[] = {1, 60, 3600, 86'400, 7 * 86'400};
  const size_t unit = text.empty() ? text.npos : units.find(text.back());
  int64_t count = 0;
  // A century of each: no overflow.
  if (unit != text.npos &&
      ParseNumber(std::string_view(text).substr(0, text.size() - 1), &count) &&
      count >= 0 && count <= 100 * 366 * 86'400LL / kSeconds[unit]) {
    return now_unix_ms - count * kSeconds[unit] * 1000;
  }
  absl::Time time;
  std::string ignored;
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%E*S%Ez"}) {
    if (absl::ParseTime(format, text, &time, &ignored)) {
      return absl::ToUnixMillis(time);
    }
  }
  throw CLI::ValidationError(
      "--since", "'" + text +
                     "' is no time: give how long ago, as 7d, 12h or 30m, or a "
                     "day, as 2026-11-01, or 2026-11-01T12:30:00Z");
}

}  // namespace vitrine::cli
