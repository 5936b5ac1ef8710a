// The only file of the product that sees hnswlib: in two translation units it
// fails to link.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wreorder"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <queue>
#include <random>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/graph.h"
#include "common/vector/codes.h"

namespace vitrine {
namespace {

// Compares rows of codes. hnswlib keeps a copy of each beside its links, and
// fetches it ahead: a build of codes where they lie takes a quarter longer. It
// is the codes, and after them what the kCodeZero in those of the other adds to
// a dot product.
class Space : public hnswlib::SpaceInterface<float> {
 public:
  Space(GraphSpace space, const CodedRows& rows) : space_(space), rows_(rows) {
    for (size_t b = 0; b < rows.blocks.size(); ++b) {
      const float step = rows.ranges[b] / kCodeSteps;
      compared_.runs.push_back(
          {static_cast<size_t>(rows.blocks[b].dim),
           space == GraphSpace::kDot ? step * step : step});
      compared_.dim += static_cast<size_t>(rows.blocks[b].dim);
    }
  }
  size_t get_data_size() override { return compared_.dim + sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return space_ == GraphSpace::kDot ? DotDistance : L1Distance;
  }
  void* get_dist_func_param() override { return &compared_; }

  size_t dim() const { return compared_.dim; }
  size_t rows() const { return rows_.codes.size() / dim(); }
  // A row as hnswlib keeps it.
  std::vector<uint8_t> PointOf(uint32_t row) const {
    return PointOf(rows_.codes.data() + size_t{row} * dim());
  }
  std::vector<uint8_t> PointOf(const uint8_t* codes) const {
    std::vector<uint8_t> point(codes, codes + compared_.dim);
    float offset = 0;
    for (const ScaledCodes& run : compared_.runs) {
      int32_t sum = 0;
      for (size_t i = 0; i < run.dim; ++i) sum += int32_t{*codes++} - kCodeZero;
      offset += run.scale * kCodeZero * static_cast<float>(sum);
    }
    point.resize(point.size() + sizeof offset);
    std::memcpy(point.data() + compared_.dim, &offset, sizeof offset);
    return point;
  }
  std::vector<uint8_t> PointOf(const float* vector) const {
    std::vector<uint8_t> codes(compared_.dim);
    EncodeVector(rows_.blocks, rows_.ranges, vector, codes.data());
    return PointOf(codes.data());
  }

 private:
  struct Compared {
    std::vector<ScaledCodes> runs;
    size_t dim = 0;
  };
  static float DotDistance(const void* a, const void* b, const void* how) {
    const auto& compared = *static_cast<const Compared*>(how);
    const auto* x = static_cast<const uint8_t*>(a);
    const auto* y = static_cast<const uint8_t*>(b);
    float offset;
    std::memcpy(&offset, y + compared.dim, sizeof offset);
    return 1 + offset -
           DotOfCodes(x, y, compared.runs.data(), compared.runs.size());
  }
  static float L1Distance(const void* a, const void* b, const void* how) {
    const auto& compared = *static_cast<const Compared*>(how);
    return L1OfCodes(static_cast<const uint8_t*>(a),
                     static_cast<const uint8_t*>(b), compared.runs.data(),
                     compared.runs.size());
  }

  const GraphSpace space_;
  const CodedRows& rows_;
  Compared compared_;
};

using Hnsw = hnswlib::HierarchicalNSW<float>;

// Runs do(i) for i in [begin, end), on some threads; throws what one threw.
void InChunks(size_t begin, size_t end, const GraphParams& params,
              const std::function<void(size_t)>& run) {
  if (begin >= end) return;
  std::exception_ptr failure;
  std::mutex failure_mutex;
  constexpr size_t kChunk = 64;
  const auto chunks = static_cast<int>((end - begin + kChunk - 1) / kChunk);
  ParallelFor(chunks, params.threads, [&](int chunk) {
    if (params.stop && params.stop()) return;
    try {
      const size_t first = begin + static_cast<size_t>(chunk) * kChunk;
      for (size_t i = first; i < std::min(end, first + kChunk); ++i) run(i);
    } catch (...) {
      std::lock_guard lock(failure_mutex);
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

// Fills an empty hnswlib graph with what another graph has of the rows, as if
// they had been added. Where a neighbour of a row is gone, that one's
// neighbours are taken in its place, as many as hnswlib's own heuristic would
// (as FreshDiskANN does, arXiv 2105.09613).
class Adopter {
 public:
  Adopter(const GraphBase& base, const Space& space, Hnsw* hnsw)
      : base_(base),
        graph_(*base.graph),
        space_(space),
        hnsw_(*hnsw),
        id_of_(base.rows.size(), kNone) {}

  void Adopt(const GraphParams& params) {
    for (uint32_t b = 0; b < id_of_.size(); ++b) {
      if (base_.rows[b] == GraphBase::kGone || IsAlone(b)) continue;
      id_of_[b] = static_cast<uint32_t>(adopted_.size());
      adopted_.push_back(b);
    }
    for (const uint32_t b : adopted_) AddPoint(b);
    InChunks(0, adopted_.size(), params,
             [this](size_t i) { AddLinks(adopted_[i]); });
  }

 private:
  using Id = hnswlib::tableint;
  static constexpr uint32_t kNone = UINT32_MAX;
  // Of 2^32 rows one in 16 is on a level higher: eight would do.
  static constexpr int kMostLevels = 64;

  bool IsGone(uint32_t b) const {
    return b >= base_.rows.size() || base_.rows[b] == GraphBase::kGone;
  }
  // Whether nothing would be left that leads from a row to others: it is added
  // anew.
  bool IsAlone(uint32_t b) const {
    for (const uint32_t neighbour : graph_.LinksOf(b, 0)) {
      if (!IsGone(neighbour)) return false;
    }
    return true;
  }

  void AddPoint(uint32_t b) {
    const auto id = static_cast<Id>(hnsw_.cur_element_count++);
    const uint32_t row = base_.rows[b];
    // Read once: a file that is cut under us gives zeros from then on.
    const auto levels = static_cast<int>(graph_.LevelsOf(b));
    if (levels < 0 || levels > kMostLevels) {
      throw std::runtime_error("a graph with too many levels");
    }
    const std::vector<uint8_t> point = space_.PointOf(row);
    std::memset(hnsw_.data_level0_memory_ + id * hnsw_.size_data_per_element_,
                0, hnsw_.size_data_per_element_);
    std::memcpy(hnsw_.getDataByInternalId(id), point.data(), point.size());
    hnsw_.setExternalLabel(id, row);
    hnsw_.element_levels_[id] = 0;  // Until there is memory for them.
    if (levels > 0) {
      // As hnswlib does, which frees it.
      const size_t bytes =
          hnsw_.size_links_per_element_ * static_cast<size_t>(levels) + 1;
      hnsw_.linkLists_[id] = static_cast<char*>(std::calloc(1, bytes));
      if (hnsw_.linkLists_[id] == nullptr) throw std::bad_alloc();
      hnsw_.element_levels_[id] = levels;
    }
    if (levels > hnsw_.maxlevel_) {
      hnsw_.maxlevel_ = levels;
      hnsw_.enterpoint_node_ = id;
    }
  }

  void AddLinks(uint32_t b) {
    const Id id = id_of_[b];
    const auto levels = static_cast<uint32_t>(hnsw_.element_levels_[id]);
    for (uint32_t level = 0; level <= levels; ++level) {
      const size_t most = level == 0 ? hnsw_.maxM0_ : hnsw_.maxM_;
      std::vector<Id> links;
      auto add = [&](uint32_t neighbour) {
        if (neighbour >= id_of_.size() || neighbour == b) return;
        const uint32_t other = id_of_[neighbour];
        if (other == kNone ||
            hnsw_.element_levels_[other] < static_cast<int>(level)) {
          return;
        }
        if (std::find(links.begin(), links.end(), other) == links.end()) {
          links.push_back(other);
        }
      };
      for (const uint32_t neighbour : graph_.LinksOf(b, level)) add(neighbour);
      for (const uint32_t neighbour : graph_.LinksOf(b, level)) {
        if (!IsGone(neighbour) || neighbour >= graph_.rows() ||
            graph_.LevelsOf(neighbour) < level) {
          continue;
        }
        for (const uint32_t next : graph_.LinksOf(neighbour, level)) add(next);
      }
      if (links.size() > most) Select(id, most, &links);
      auto* list = level == 0 ? hnsw_.get_linklist0(id)
                              : hnsw_.get_linklist(id, static_cast<int>(level));
      hnsw_.setListCount(list, static_cast<uint16_t>(links.size()));
      std::copy(links.begin(), links.end(), reinterpret_cast<Id*>(list + 1));
    }
  }

  void Select(Id id, size_t most, std::vector<Id>* links) const {
    std::priority_queue<std::pair<float, Id>, std::vector<std::pair<float, Id>>,
                        Hnsw::CompareByFirst>
        candidates;
    for (const Id other : *links) {
      candidates.emplace(hnsw_.fstdistfunc_(hnsw_.getDataByInternalId(id),
                                            hnsw_.getDataByInternalId(other),
                                            hnsw_.dist_func_param_),
                         other);
    }
    hnsw_.getNeighborsByHeuristic2(candidates, most);
    links->clear();
    for (; !candidates.empty(); candidates.pop()) {
      links->push_back(candidates.top().second);
    }
  }

  const GraphBase& base_;
  const GraphView& graph_;
  const Space& space_;
  Hnsw& hnsw_;
  std::vector<uint32_t> id_of_;    // hnswlib's number of a row of the base.
  std::vector<uint32_t> adopted_;  // Rows of the base, by that number.
};

// Adds all rows; throws what hnswlib throws.
std::unique_ptr<Hnsw> BuildHnsw(Space* space, const GraphParams& params,
                                const GraphBase* base = nullptr) {
  auto hnsw = std::make_unique<Hnsw>(
      space, space->rows(), static_cast<size_t>(params.m),
      static_cast<size_t>(params.ef_construction));
  if (base != nullptr && base->graph->level0_links() == hnsw->maxM0_ &&
      base->graph->upper_links() == hnsw->maxM_) {
    Adopter(*base, *space, hnsw.get()).Adopt(params);
  }
  std::vector<bool> adopted(space->rows());
  for (uint32_t id = 0; id < hnsw->cur_element_count; ++id) {
    adopted[hnsw->getExternalLabel(id)] = true;
  }
  // Rows are ordered by product, so neighbours in a shard are alike; a graph
  // grows better from rows in random order.
  std::vector<uint32_t> order;
  order.reserve(space->rows() - hnsw->cur_element_count);
  for (uint32_t row = 0; row < space->rows(); ++row) {
    if (!adopted[row]) order.push_back(row);
  }
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  auto add = [&](size_t i) {
    hnsw->addPoint(space->PointOf(order[i]).data(), order[i]);
    // It does not come again: what hnswlib would know it by is memory for
    // nothing.
    std::lock_guard lock(hnsw->cur_element_count_guard_);
    hnsw->label_lookup_.erase(order[i]);
  };
  size_t added = 0;
  // The first point makes the entry; alone, as hnswlib asks.
  if (hnsw->cur_element_count == 0 && !order.empty()) add(added++);
  InChunks(added, order.size(), params, add);
  return hnsw;
}

class HnswGraph : public BuiltGraph {
 public:
  HnswGraph(GraphSpace space, std::unique_ptr<Hnsw> hnsw)
      : space_(space),
        hnsw_(std::move(hnsw)),
        id_of_(hnsw_->cur_element_count) {
    // hnswlib numbers rows in the order of their insertion.
    for (uint32_t id = 0; id < id_of_.size(); ++id) id_of_[RowOf(id)] = id;
  }

  GraphShape shape() const override {
    GraphShape shape = {
        .space = space_,
        .level0_stride = static_cast<uint32_t>(hnsw_->maxM0_) + 1,
        .upper_stride = static_cast<uint32_t>(hnsw_->maxM_) + 1};
    if (!id_of_.empty()) {
      shape.entry = RowOf(hnsw_->enterpoint_node_);
      shape.max_level = static_cast<uint32_t>(hnsw_->maxlevel_);
    }
    return shape;
  }
  absl::Status WriteLevel0(const Write& write) const override {
    std::vector<uint32_t> links(shape().level0_stride);
    for (const uint32_t id : id_of_) {
      Copy(hnsw_->get_linklist0(id), &links);
      VITRINE_RETURN_IF_ERROR(write(links));
    }
    return absl::OkStatus();
  }
  absl::Status WriteUpperStart(const Write& write) const override {
    uint32_t start = 0;
    VITRINE_RETURN_IF_ERROR(write({&start, 1}));
    for (const uint32_t id : id_of_) {
      start += static_cast<uint32_t>(hnsw_->element_levels_[id]);
      VITRINE_RETURN_IF_ERROR(write({&start, 1}));
    }
    return absl::OkStatus();
  }
  absl::Status WriteUpper(const Write& write) const override {
    std::vector<uint32_t> links(shape().upper_stride);
    for (const uint32_t id : id_of_) {
      for (int level = 1; level <= hnsw_->element_levels_[id]; ++level) {
        Copy(hnsw_->get_linklist(id, level), &links);
        VITRINE_RETURN_IF_ERROR(write(links));
      }
    }
    return absl::OkStatus();
  }

 private:
  uint32_t RowOf(uint32_t id) const {
    return static_cast<uint32_t>(hnsw_->getExternalLabel(id));
  }
  // A count, then rows; what is left of `to` is 0.
  void Copy(hnswlib::linklistsizeint* from, std::vector<uint32_t>* to) const {
    const uint32_t count = hnsw_->getListCount(from);
    std::fill(to->begin(), to->end(), 0);
    (*to)[0] = count;
    for (uint32_t i = 1; i <= count; ++i) (*to)[i] = RowOf(from[i]);
  }

  const GraphSpace space_;
  const std::unique_ptr<Hnsw> hnsw_;
  std::vector<uint32_t> id_of_;  // A row's.
};

absl::Status Failed(const std::exception& e) {
  return absl::InternalError(absl::StrCat("hnswlib failed: ", e.what()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const BuiltGraph>> BuildGraph(
    const CodedRows& rows, const GraphParams& params, const GraphBase* base) {
  try {
    Space space(params.space, rows);
    std::unique_ptr<Hnsw> hnsw = BuildHnsw(&space, params, base);
    if (params.stop && params.stop())
      return absl::CancelledError("building a graph was stopped");
    return std::make_unique<HnswGraph>(params.space, std::move(hnsw));
  } catch (const std::exception& e) {
    return Failed(e);
  }
}

absl::StatusOr<std::vector<std::vector<uint32_t>>> SearchWithHnswlib(
    const CodedRows& rows, const GraphParams& params,
    std::span<const float> queries, int k, int ef) {
  try {
    Space space(params.space, rows);
    const std::unique_ptr<Hnsw> hnsw = BuildHnsw(&space, params);
    hnsw->setEf(static_cast<size_t>(ef));
    std::vector<std::vector<uint32_t>> answers;
    for (size_t q = 0; q < queries.size(); q += space.dim()) {
      auto nearest = hnsw->searchKnn(space.PointOf(queries.data() + q).data(),
                                     static_cast<size_t>(k));
      std::vector<uint32_t>& answer = answers.emplace_back();
      for (; !nearest.empty(); nearest.pop()) {
        answer.push_back(static_cast<uint32_t>(nearest.top().second));
      }
      std::reverse(answer.begin(), answer.end());
    }
    return answers;
  } catch (const std::exception& e) {
    return Failed(e);
  }
}

}  // namespace vitrine
