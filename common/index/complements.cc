#include "common/index/complements.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/vector/blocks.h"

namespace vitrine {
namespace {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxRank = 512;
constexpr int kMaxProjections = 10'000;
// So that no sum of products leaves float's range.
constexpr float kLargest = 1e6f;

absl::Status CheckNumbers(std::string_view what,
                          const google::protobuf::RepeatedField<float>& numbers,
                          int64_t wanted) {
  if (numbers.size() != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(what), " has ", numbers.size(), " numbers, not ", wanted));
  }
  for (int i = 0; i < numbers.size(); ++i) {
    if (std::abs(numbers[i]) <= kLargest) continue;  // Not so where it is NaN.
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(what), "[", i, "] is ", numbers[i],
                     ", and no number within 1e6 of 0"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Complements::Check() {
  if (complements_.version() != kVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has format version ", complements_.version(),
        ", but this program reads version ", kVersion,
        ": use the newer Vitrine, or fit it with the vitrine_models of this"));
  }
  const std::string& model = complements_.model();
  if (model.size() != 64 ||
      model.find_first_not_of("0123456789abcdef") != model.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("its model is ", Excerpt(model), ", and no SHA-256"));
  }
  int64_t dim = 0;
  for (const v1::Block& block : complements_.blocks()) {
    dim += block.dim();
    if (block.dim() <= 0 || dim > kMaxDim || !(block.weight() > 0) ||
        block.weight() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("its block ", Excerpt(block.name()), " has ",
                       block.dim(), " numbers and weight ", block.weight(),
                       ", or its vectors have more ", "than ", kMaxDim));
    }
    blocks_.push_back({block.name(), block.dim(), block.weight()});
  }
  if (blocks_.empty() || complements_.projections().empty() ||
      complements_.projections_size() > kMaxProjections) {
    return absl::InvalidArgumentError(absl::StrCat(
        "it has ", blocks_.size(), " blocks and ",
        complements_.projections_size(), " projections: it needs both, and at ",
        "most ", kMaxProjections, " projections"));
  }
  int number = 0;
  for (const v1::Projection& projection : complements_.projections()) {
    const std::string name = absl::StrCat(
        "projection ", ++number, ", from \"", Excerpt(projection.category()),
        "\" \"", Excerpt(projection.slot()), "\" to \"",
        Excerpt(projection.to_slot()), "\"");
    if (projection.to_slot().empty() || projection.rank() > kMaxRank) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": it names no slot, or its rank ",
                       projection.rank(), " is more than ", kMaxRank));
    }
    const int64_t cells = dim * projection.rank();
    for (const auto& [what, numbers, wanted] :
         {std::tuple("right", &projection.right(), cells),
          std::tuple("left", &projection.left(), cells),
          std::tuple("bias", &projection.bias(), dim)}) {
      VITRINE_RETURN_IF_ERROR(
          Annotate(CheckNumbers(what, *numbers, wanted), name));
    }
    if (!projections_
             .emplace(std::tuple(std::string_view(projection.category()),
                                 std::string_view(projection.slot()),
                                 std::string_view(projection.to_slot())),
                      &projection)
             .second) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": it is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Complements>> Complements::Parse(
    std::string_view bytes, std::string_view name) {
  auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), std::string(what)));
  };
  if (bytes.size() > kMaxComplementsBytes) {
    return wrong(absl::StrCat(" has ", bytes.size(), " bytes; at most ",
                              kMaxComplementsBytes, " are read"));
  }
  v1::ComplementsFile file;
  if (!file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      file.sha256().size() != sizeof(Sha256Digest)) {
    return wrong(
        " holds no learned complements, or is cut: give what `python -m "
        "vitrine_models complements` has written");
  }
  if (Sha256ToHex(file.sha256()) != ToHex(Sha256(file.complements()))) {
    return wrong(" is damaged: it fails its checksum");
  }
  const std::shared_ptr<Complements> complements(new Complements());
  complements->digest_ = ToHex(Sha256(bytes));
  if (!complements->complements_.ParseFromString(file.complements())) {
    return wrong(" is damaged: its message does not parse");
  }
  VITRINE_RETURN_IF_ERROR(Annotate(complements->Check(), std::string(name)));
  return complements;
}

absl::StatusOr<std::shared_ptr<const Complements>> Complements::Open(
    const std::filesystem::path& path, const storage::FileRef& ref) {
  auto damaged = [&path](std::string_view what) {
    return absl::DataLossError(absl::StrCat(path.string(), std::string(what)));
  };
  const auto bytes = ReadFile(path, kMaxComplementsBytes);
  if (absl::IsNotFound(bytes.status())) return damaged(" is missing");
  if (absl::IsResourceExhausted(bytes.status())) {
    return damaged(" is damaged: it is larger than any such file");
  }
  VITRINE_RETURN_IF_ERROR(bytes.status());
  const std::string found = ToHex(Sha256(*bytes));
  if (found != ref.name()) {
    return damaged(absl::StrCat(" is damaged: by its SHA-256 it is ", found));
  }
  auto complements = Parse(*bytes, path.string());
  if (absl::IsInvalidArgument(complements.status())) {
    return absl::DataLossError(complements.status().message());
  }
  return complements;
}

absl::Status Complements::CheckIsFor(const storage::VectorSet& set) const {
  if (model() != set.model()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it was fitted to the vectors of model ", model(), ", and not of ",
        set.model(), ": fit it anew from the server of this index"));
  }
  bool same = static_cast<int>(blocks_.size()) == set.blocks_size();
  for (int b = 0; same && b < set.blocks_size(); ++b) {
    same = blocks_[static_cast<size_t>(b)].dim ==
           static_cast<int>(set.blocks(b).dim());
  }
  if (same) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "its blocks are not those of the vectors of model ", set.model()));
}

const v1::Projection* Complements::Find(std::string_view category,
                                        std::string_view slot,
                                        std::string_view to_slot) const {
  const auto found = projections_.find({category, slot, to_slot});
  return found == projections_.end() ? nullptr : found->second;
}

std::optional<ComplementQuery> Complements::Project(
    const v1::Projection& projection, std::span<const float> vector) const {
  const size_t dim = static_cast<size_t>(projection.bias_size());
  const size_t rank = projection.rank();
  if (vector.size() != dim) return std::nullopt;
  std::vector<double> inner(rank);
  const float* right = projection.right().data();
  for (double& sum : inner) {
    for (size_t i = 0; i < dim; ++i, ++right) {
      sum += static_cast<double>(*right) * vector[i];
    }
  }
  ComplementQuery query;
  const float* left = projection.left().data();
  for (size_t i = 0; i < dim; ++i) {
    double sum = projection.bias(static_cast<int>(i));
    for (size_t r = 0; r < rank; ++r, ++left) {
      sum += static_cast<double>(*left) * inner[r];
    }
    query.vector.push_back(static_cast<float>(sum));
  }
  double largest = 0;
  std::vector<double> emphasis;
  const float* values = query.vector.data();
  for (const Block& block : blocks_) {
    double square = 0;
    for (int i = 0; i < block.dim; ++i, ++values) {
      square += static_cast<double>(*values) * *values;
    }
    emphasis.push_back(std::sqrt(square / block.weight));
    largest = std::max(largest, emphasis.back());
  }
  if (!(largest > 1e-9) || !std::isfinite(largest)) return std::nullopt;
  for (const double one : emphasis) {
    query.emphasis.push_back(static_cast<float>(one / largest));
  }
  NormaliseBlocks(blocks_, query.vector.data());
  return query;
}

}  // namespace vitrine
