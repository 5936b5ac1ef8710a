#include "common/catalog/receipt_json.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

using nlohmann::json;

absl::Status NoReceipt(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("it is no receipt: ", what));
}

// Fields of a line; the first that is of the wrong kind is remembered.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  std::string Text(const char* name) {
    const auto field = object_.find(name);
    if (field == object_.end()) return "";
    if (!field->is_string()) return Wrong(name, "text");
    return field->get<std::string>();
  }
  uint64_t Number(const char* name) {
    const auto field = object_.find(name);
    if (field == object_.end()) return 0;
    if (field->is_number_unsigned()) return field->get<uint64_t>();
    Wrong(name, "a whole number");
    return 0;
  }
  // Whether there is such a time.
  bool Time(const char* name, google::protobuf::Timestamp* time) {
    const std::string text = Text(name);
    if (text.empty()) return false;
    absl::Time at;
    std::string ignored;
    if (!absl::ParseTime(absl::RFC3339_full, text, &at, &ignored) ||
        at == absl::InfiniteFuture() || at == absl::InfinitePast()) {
      Wrong(name, "a time");
      return false;
    }
    const int64_t seconds = absl::ToUnixSeconds(at);
    time->set_seconds(seconds);
    time->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(at - absl::FromUnixSeconds(seconds))));
    return true;
  }
  std::vector<std::string> Texts(const char* name) {
    std::vector<std::string> texts;
    const auto field = object_.find(name);
    if (field == object_.end()) return texts;
    if (!field->is_array()) Wrong(name, "a list");
    for (const json& text : *field) {
      if (text.is_string()) texts.push_back(text.get<std::string>());
    }
    return texts;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  std::string Wrong(const char* name, const char* right) {
    if (wrong_.empty()) wrong_ = absl::StrCat(name, " is not ", right);
    return "";
  }

  const json& object_;
  std::string wrong_;
};

}  // namespace

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  const absl::Time at =
      absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone());
}

std::string ReasonName(v1::ErrorReason reason) {
  return std::string(
      absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
}

std::string OutcomeName(v1::Receipt::Outcome outcome) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(v1::Receipt::Outcome_Name(outcome), "OUTCOME_"));
}

std::string ReceiptToJson(const v1::Receipt& receipt) {
  nlohmann::ordered_json json;
  json["time"] = Rfc3339(receipt.time());
  json["source"] = receipt.source();
  json["path"] = receipt.path();
  json["product_id"] = receipt.product_id();
  if (!receipt.sha256().empty()) json["sha256"] = receipt.sha256();
  json["outcome"] = OutcomeName(receipt.outcome());
  if (receipt.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    json["reason"] = ReasonName(receipt.reason());
  }
  if (!receipt.message().empty()) json["message"] = receipt.message();
  json["generation"] = receipt.generation();
  if (receipt.has_searchable_at()) {
    json["searchable_at"] = Rfc3339(receipt.searchable_at());
  }
  if (receipt.warnings_size() > 0) {
    json["warnings"] = std::vector<std::string>(receipt.warnings().begin(),
                                                receipt.warnings().end());
  }
  if (receipt.has_arrived_at()) {
    json["arrived_at"] = Rfc3339(receipt.arrived_at());
  }
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

absl::StatusOr<v1::Receipt> ReceiptFromJson(std::string_view line) {
  const json object = json::parse(line.begin(), line.end(), nullptr,
                                  /*allow_exceptions=*/false);
  if (!object.is_object()) return NoReceipt("it is no JSON object");
  Fields fields(object);
  v1::Receipt receipt;
  if (!fields.Time("time", receipt.mutable_time())) {
    return NoReceipt(fields.wrong().empty() ? "it has no time"
                                            : fields.wrong());
  }
  receipt.set_source(fields.Text("source"));
  if (!object.contains("path")) return NoReceipt("it has no path");
  receipt.set_path(fields.Text("path"));
  receipt.set_product_id(fields.Text("product_id"));
  receipt.set_sha256(fields.Text("sha256"));
  const std::string outcome = fields.Text("outcome");
  v1::Receipt::Outcome parsed = v1::Receipt::OUTCOME_UNSPECIFIED;
  v1::Receipt::Outcome_Parse(
      absl::StrCat("OUTCOME_", absl::AsciiStrToUpper(outcome)), &parsed);
  if (parsed == v1::Receipt::OUTCOME_UNSPECIFIED) {
    return NoReceipt(absl::StrCat("'", outcome, "' is no outcome"));
  }
  receipt.set_outcome(parsed);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", fields.Text("reason")),
                        &reason);
  receipt.set_reason(reason);
  receipt.set_message(fields.Text("message"));
  receipt.set_generation(fields.Number("generation"));
  google::protobuf::Timestamp time;
  if (fields.Time("searchable_at", &time)) {
    *receipt.mutable_searchable_at() = time;
  }
  if (fields.Time("arrived_at", &time)) *receipt.mutable_arrived_at() = time;
  for (std::string& warning : fields.Texts("warnings")) {
    receipt.add_warnings(std::move(warning));
  }
  if (!fields.wrong().empty()) return NoReceipt(fields.wrong());
  return receipt;
}

}  // namespace vitrine
