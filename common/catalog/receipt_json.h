// A receipt as a line of receipts.jsonl, both ways.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

// A receipt as a line of JSON, without the line's end: time, source, path,
// product_id, sha256, outcome ("accepted", "changed", "removed", "refused"),
// reason ("IMAGE_TRUNCATED", …), message, generation, searchable_at, warnings,
// arrived_at. Fields that say nothing are left out.
std::string ReceiptToJson(const v1::Receipt& receipt);

// The contrary. Fields that it does not know are passed over, and a reason that
// it does not know, as of a newer version, is ERROR_REASON_UNSPECIFIED.
// INVALID_ARGUMENT where the line is no JSON object with a time, a path and an
// outcome, or where a field is of the wrong kind.
absl::StatusOr<v1::Receipt> ReceiptFromJson(std::string_view line);

// "IMAGE_TRUNCATED" for ERROR_REASON_IMAGE_TRUNCATED.
std::string ReasonName(v1::ErrorReason reason);
// "refused" for OUTCOME_REFUSED.
std::string OutcomeName(v1::Receipt::Outcome outcome);

// "2026-11-01T12:00:00.250Z".
std::string Rfc3339(const google::protobuf::Timestamp& time);

}  // namespace vitrine
