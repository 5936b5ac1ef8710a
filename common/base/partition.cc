#include "common/base/partition.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

constexpr char kPlace[] = "{partition}";

absl::Status Bad(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", Excerpt(text), "' is no partition: ", std::string(what),
      "; right is NUMBER/OF, such as 0/3, 1/3 and 2/3, or 0,2/3 or all/3 for "
      "several, with OF up to ",
      kMostPartitions));
}

bool ParseNumber(absl::string_view text, uint32_t* number) {
  // absl also takes signs and spaces.
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c >= '0' && c <= '9';
  }) && absl::SimpleAtoi(text, number);
}

}  // namespace

uint32_t PartitionOf(std::string_view product_id, uint32_t of) {
  return static_cast<uint32_t>(Checksum(product_id) % of);
}

std::string Partition::Name() const { return absl::StrCat(number, "/", of); }

absl::StatusOr<std::vector<Partition>> ParsePartitions(std::string_view text) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '/');
  uint32_t of = 0;
  if (parts.size() != 2) return Bad(text, "it is not of the form NUMBER/OF");
  if (!ParseNumber(parts[1], &of) || of < 1 || of > kMostPartitions)
    return Bad(text, absl::StrCat("there cannot be '", parts[1], "' of them"));
  std::vector<Partition> partitions;
  if (parts[0] == "all") {
    for (uint32_t number = 0; number < of; ++number)
      partitions.push_back({number, of});
    return partitions;
  }
  for (const absl::string_view one : absl::StrSplit(parts[0], ',')) {
    uint32_t number = 0;
    if (!ParseNumber(one, &number) || number >= of) {
      return Bad(text, absl::StrCat("'", std::string(one), "' is none of 0 to ",
                                    of - 1));
    }
    const Partition partition = {number, of};
    if (std::find(partitions.begin(), partitions.end(), partition) !=
        partitions.end()) {
      return Bad(text, absl::StrCat(number, " is given twice"));
    }
    partitions.push_back(partition);
  }
  return partitions;
}

std::string FillPartition(std::string_view text, const Partition& partition) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                             {{kPlace, absl::StrCat(partition.number)}});
}

bool HasPartitionPlace(std::string_view text) {
  return text.find(kPlace) != std::string_view::npos;
}

}  // namespace vitrine
