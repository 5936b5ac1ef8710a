#include "common/index/shard.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/vector/blocks.h"
#include "common/vector/codes.h"

namespace vitrine {
namespace {

enum ShardSection : uint32_t {
  kMeta = 1,
  kKeys = 2,
  kStrings = 3,
  kVectors = 4,
  kGraphMeta = 5,
  kGraphLevel0 = 6,
  kGraphUpperStart = 7,
  kGraphUpper = 8,
  kCodeRanges = 9,
  kCodes = 10,
};

struct Meta {
  uint32_t rows;
  uint32_t dim;
};

struct GraphMeta {
  uint32_t space;
  uint32_t entry;
  uint32_t max_level;
  uint32_t level0_stride;
  uint32_t upper_stride;
};

auto OrderOf(const RowKey& key) {
  return std::tie(key.product_id, key.image_key);
}

absl::Status DamagedGraph(const SectionFile& file, const absl::Status& status) {
  return file.Damaged(
      std::string_view(status.message().data(), status.message().size()));
}

template <typename T>
absl::Status WriteValue(SectionWriter* writer, uint32_t section,
                        const T& value) {
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(section));
  return writer->AppendArray(std::span<const T>(&value, 1));
}

template <typename T>
absl::Status WriteArray(SectionWriter* writer, uint32_t section,
                        const std::vector<T>& values) {
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(section));
  return writer->AppendArray(std::span<const T>(values));
}

}  // namespace

// The product id and then the image key lie at `offset` of the strings.
struct Shard::KeyRecord {
  Sha256Digest sha256;
  uint64_t offset;
  uint32_t product_bytes;
  uint32_t image_bytes;
};

namespace {

// Which of `rows`, which are sorted, are those of a shard.
GraphBase BaseOf(const Shard& shard, const std::vector<RowView>& rows) {
  GraphBase base;
  base.graph = shard.graph();
  base.rows.assign(shard.rows(), GraphBase::kGone);
  uint32_t next = 0;
  for (uint32_t row = 0; row < shard.rows(); ++row) {
    const RowKey key = shard.key(row);
    while (next < rows.size() && OrderOf(rows[next].key) < OrderOf(key)) ++next;
    // Another content of the same picture is another row.
    if (next < rows.size() && OrderOf(rows[next].key) == OrderOf(key) &&
        rows[next].key.sha256 == key.sha256) {
      base.rows[row] = next;
    }
  }
  return base;
}

// Codes first, so that the graph is built of them where they lie in the file.
absl::Status WriteGraph(const std::vector<Block>& blocks,
                        const std::vector<RowView>& rows,
                        const GraphParams& params, const Shard* base,
                        SectionWriter* writer) {
  CodeRanges ranges(blocks);
  for (const RowView& row : rows) ranges.Add(row.vector);
  CodedRows coded{blocks, ranges.Get(), {}};
  VITRINE_RETURN_IF_ERROR(WriteArray(writer, kCodeRanges, coded.ranges));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kCodes));
  std::vector<uint8_t> codes(static_cast<size_t>(TotalDim(blocks)));
  for (const RowView& row : rows) {
    EncodeRow(blocks, coded.ranges, row.vector, codes.data());
    VITRINE_RETURN_IF_ERROR(
        writer->AppendArray(std::span<const uint8_t>(codes)));
  }
  VITRINE_ASSIGN_OR_RETURN(const auto mapped, writer->MapSection());
  coded.codes = {reinterpret_cast<const uint8_t*>(mapped.bytes.data()),
                 mapped.bytes.size()};
  std::optional<GraphBase> grown_from;
  if (base != nullptr && base->graph() != nullptr) {
    grown_from = BaseOf(*base, rows);
  }
  const auto graph =
      BuildGraph(coded, params, grown_from ? &*grown_from : nullptr);
  // Codes that cannot be read are zeros, of which a graph can be built as well.
  if (mapped.file->damaged()) {
    return absl::DataLossError(
        absl::StrCat(mapped.file->path().string(),
                     " was damaged while its graph was built"));
  }
  if (absl::IsDataLoss(graph.status()))
    return DamagedGraph(base->file(), graph.status());
  VITRINE_RETURN_IF_ERROR(graph.status());
  const Graph& built = *graph;
  const GraphMeta meta = {static_cast<uint32_t>(built.space), built.entry,
                          built.max_level, built.level0_stride,
                          built.upper_stride};
  VITRINE_RETURN_IF_ERROR(WriteValue(writer, kGraphMeta, meta));
  VITRINE_RETURN_IF_ERROR(WriteArray(writer, kGraphLevel0, built.level0));
  VITRINE_RETURN_IF_ERROR(
      WriteArray(writer, kGraphUpperStart, built.upper_start));
  return WriteArray(writer, kGraphUpper, built.upper);
}

}  // namespace

absl::StatusOr<storage::FileRef> WriteShard(const std::filesystem::path& path,
                                            const std::vector<Block>& blocks,
                                            const std::vector<Row>& rows,
                                            const GraphParams* graph) {
  const auto dim = static_cast<size_t>(TotalDim(blocks));
  std::vector<RowView> views;
  views.reserve(rows.size());
  for (const Row& row : rows) {
    if (row.vector.size() != dim) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a row has ", row.vector.size(), " numbers instead of ", dim));
    }
    views.push_back({{row.product_id,
                      row.image_key,
                      {reinterpret_cast<const char*>(row.sha256.data()),
                       row.sha256.size()}},
                     row.vector.data()});
  }
  return WriteShard(path, blocks, std::move(views), graph);
}

absl::StatusOr<storage::FileRef> WriteShard(const std::filesystem::path& path,
                                            const std::vector<Block>& blocks,
                                            std::vector<RowView> rows,
                                            const GraphParams* graph,
                                            const Shard* base) {
  const int dim = TotalDim(blocks);
  std::sort(rows.begin(), rows.end(), [](const RowView& a, const RowView& b) {
    return OrderOf(a.key) < OrderOf(b.key);
  });
  for (size_t i = 1; i < rows.size(); ++i) {
    const RowKey& key = rows[i].key;
    if (OrderOf(rows[i - 1].key) == OrderOf(key)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "picture \"", std::string(key.image_key), "\" of product \"",
          std::string(key.product_id), "\" occurs twice"));
    }
  }
  if (rows.empty() || rows.size() >= std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shard cannot have ", rows.size(), " rows"));
  }

  VITRINE_ASSIGN_OR_RETURN(auto writer,
                           SectionWriter::Create(path, FileKind::kShard));
  const Meta meta = {static_cast<uint32_t>(rows.size()),
                     static_cast<uint32_t>(dim)};
  VITRINE_RETURN_IF_ERROR(WriteValue(writer.get(), kMeta, meta));
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kKeys));
  uint64_t offset = 0;
  for (const RowView& row : rows) {
    Shard::KeyRecord key = {{},
                            offset,
                            static_cast<uint32_t>(row.key.product_id.size()),
                            static_cast<uint32_t>(row.key.image_key.size())};
    row.key.sha256.copy(reinterpret_cast<char*>(key.sha256.data()),
                        key.sha256.size());
    VITRINE_RETURN_IF_ERROR(
        writer->AppendArray(std::span<const Shard::KeyRecord>(&key, 1)));
    offset += row.key.product_id.size() + row.key.image_key.size();
  }
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kStrings));
  for (const RowView& row : rows) {
    VITRINE_RETURN_IF_ERROR(writer->Append(row.key.product_id));
    VITRINE_RETURN_IF_ERROR(writer->Append(row.key.image_key));
  }
  VITRINE_RETURN_IF_ERROR(writer->BeginSection(kVectors));
  for (const RowView& row : rows) {
    VITRINE_RETURN_IF_ERROR(writer->AppendArray(
        std::span<const uint16_t>(row.vector, static_cast<size_t>(dim))));
  }
  if (graph != nullptr) {
    VITRINE_RETURN_IF_ERROR(
        WriteGraph(blocks, rows, *graph, base, writer.get()));
  }
  return writer->Finish(rows.size());
}

absl::StatusOr<std::shared_ptr<const Shard>> Shard::Open(
    const std::filesystem::path& path, const storage::FileRef& ref, int dim,
    Verification verification) {
  VITRINE_ASSIGN_OR_RETURN(auto shard,
                           OpenStructure(path, ref, dim, verification));
  if (verification == Verification::kAll) {
    VITRINE_RETURN_IF_ERROR(shard->Verify(/*stop=*/{}));
  }
  return shard;
}

absl::StatusOr<std::shared_ptr<const Shard>> Shard::OpenStructure(
    const std::filesystem::path& path, const storage::FileRef& ref, int dim,
    Verification verification) {
  std::shared_ptr<Shard> shard(new Shard());
  VITRINE_ASSIGN_OR_RETURN(
      shard->file_,
      SectionFile::Open(path, FileKind::kShard, &ref, verification));
  const SectionFile& file = *shard->file_;
  VITRINE_ASSIGN_OR_RETURN(auto meta, file.Array<Meta>(kMeta, 1));
  if (meta[0].dim != static_cast<uint32_t>(dim)) {
    // It may be damage that says so.
    VITRINE_RETURN_IF_ERROR(
        file.Verify([] { return absl::OkStatus(); }, /*stop=*/{}));
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), " has vectors of ", meta[0].dim,
                     " numbers instead of ", dim));
  }
  shard->name_ = ref.name();
  shard->rows_ = meta[0].rows;
  shard->dim_ = dim;
  VITRINE_ASSIGN_OR_RETURN(shard->keys_,
                           file.Array<KeyRecord>(kKeys, shard->rows_));
  VITRINE_ASSIGN_OR_RETURN(
      shard->vectors_,
      file.Array<uint16_t>(kVectors, uint64_t{shard->rows_} * meta[0].dim));
  shard->strings_ = file.section(kStrings);
  if (file.section(kGraphMeta).empty()) return shard;

  VITRINE_ASSIGN_OR_RETURN(auto graph_meta,
                           file.Array<GraphMeta>(kGraphMeta, 1));
  const GraphMeta& graph = graph_meta[0];
  VITRINE_ASSIGN_OR_RETURN(
      auto level0, file.Array<uint32_t>(kGraphLevel0, uint64_t{shard->rows_} *
                                                          graph.level0_stride));
  VITRINE_ASSIGN_OR_RETURN(
      auto upper_start,
      file.Array<uint32_t>(kGraphUpperStart, uint64_t{shard->rows_} + 1));
  const std::string_view upper_bytes = file.section(kGraphUpper);
  const std::span<const uint32_t> upper(
      reinterpret_cast<const uint32_t*>(upper_bytes.data()),
      upper_bytes.size() / sizeof(uint32_t));
  if (graph.space != static_cast<uint32_t>(GraphSpace::kDot) &&
      graph.space != static_cast<uint32_t>(GraphSpace::kL1)) {
    return file.Damaged(
        absl::StrCat("its graph has the unknown space ", graph.space));
  }
  auto view = GraphView::Open(shard->rows_, graph.entry, graph.max_level,
                              graph.level0_stride, graph.upper_stride, level0,
                              upper_start, upper);
  if (!view.ok()) return DamagedGraph(file, view.status());
  const std::string_view ranges = file.section(kCodeRanges);
  if (!ranges.empty()) {
    VITRINE_ASSIGN_OR_RETURN(
        shard->code_ranges_,
        file.Array<float>(kCodeRanges, ranges.size() / sizeof(float)));
    VITRINE_ASSIGN_OR_RETURN(
        shard->codes_,
        file.Array<uint8_t>(kCodes, uint64_t{shard->rows_} * meta[0].dim));
    for (float range : shard->code_ranges_) {
      if (!(range >= kLeastCodeRange && range <= kLargestCodeRange))
        return file.Damaged("its codes have no range");
    }
  }
  shard->graph_ = *view;
  shard->has_graph_ = true;
  shard->graph_space_ = static_cast<GraphSpace>(graph.space);
  return shard;
}

absl::Status Shard::Verify(const StopRequested& stop) const {
  return file_->Verify([&] { return CheckRecords(stop); }, stop);
}

absl::Status Shard::CheckRecords(const StopRequested& stop) const {
  for (uint32_t row = 0; row < rows_; ++row) {
    const KeyRecord& record = keys_[row];
    if (record.offset > strings_.size() ||
        uint64_t{record.product_bytes} + record.image_bytes >
            strings_.size() - record.offset) {
      return file_->Damaged(
          absl::StrCat("the key of row ", row, " lies outside of it"));
    }
    if (row == 0) continue;
    const RowKey before = key(row - 1);
    const RowKey now = key(row);
    if (std::tie(before.product_id, before.image_key) >=
        std::tie(now.product_id, now.image_key)) {
      return file_->Damaged(absl::StrCat("row ", row, " is unordered"));
    }
  }
  if (!has_graph_) return absl::OkStatus();
  const absl::Status links = graph_.CheckLinks(stop);
  return absl::IsDataLoss(links) ? DamagedGraph(*file_, links) : links;
}

RowKey Shard::key(uint32_t row) const {
  const KeyRecord& key = keys_[row];
  return {
      Part(strings_, key.offset, key.product_bytes),
      Part(strings_, key.offset + key.product_bytes, key.image_bytes),
      {reinterpret_cast<const char*>(key.sha256.data()), key.sha256.size()}};
}

std::pair<uint32_t, uint32_t> Shard::RowsOf(std::string_view product_id) const {
  auto id = [this](const KeyRecord& key) {
    return Part(strings_, key.offset, key.product_bytes);
  };
  auto first = std::partition_point(
      keys_.begin(), keys_.end(),
      [&](const KeyRecord& key) { return id(key) < product_id; });
  auto last = std::partition_point(
      first, keys_.end(),
      [&](const KeyRecord& key) { return id(key) == product_id; });
  return {static_cast<uint32_t>(first - keys_.begin()),
          static_cast<uint32_t>(last - keys_.begin())};
}

}  // namespace vitrine
