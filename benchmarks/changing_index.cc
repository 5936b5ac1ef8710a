#include "benchmarks/changing_index.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "indexer/index_changes.h"

namespace vitrine {
namespace {

constexpr int64_t kDayMs = 24ll * 60 * 60 * 1000;
constexpr int64_t kPatienceMs = 60ll * 60 * 1000;

int64_t SystemMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChangingIndex>> ChangingIndex::Make(
    const IndexPaths& like, const SyntheticRows& drawn, size_t count) {
  std::unique_ptr<ChangingIndex> changing(new ChangingIndex());
  changing->rows_ = RowsOf(drawn);
  changing->products_ = ProductsOf(drawn);
  const std::vector<Row> rows(
      changing->rows_.begin(),
      changing->rows_.begin() + static_cast<ptrdiff_t>(count));
  TableChanges products;
  for (const Row& row : rows) {
    products.insert(changing->products_.extract(row.product_id));
  }
  VITRINE_RETURN_IF_ERROR(
      changing->index_
          .Build(*drawn.source, rows, products, GraphRecall::kMeasured)
          .status());
  PublisherOptions options;
  options.now_unix_ms = [days = &changing->days_] {
    return SystemMs() + *days * kDayMs;
  };
  // The manifest names a model, which is verified.
  VITRINE_RETURN_IF_ERROR(
      CopyModel(like, changing->paths(), drawn.source->set().model()));
  VITRINE_ASSIGN_OR_RETURN(changing->publisher_,
                           Publisher::Open(changing->paths(), options));
  changing->merger_ = std::make_unique<Merger>(
      changing->publisher_.get(), MergeLimits(),
      [changing = changing.get()](const absl::Status& failure) {
        std::lock_guard lock(changing->mutex_);
        changing->merging_.Update(failure);
      });
  return changing;
}

absl::Status ChangingIndex::Publish(size_t first, size_t count,
                                    std::span<const size_t> gone) {
  const IndexView view = publisher_->view();
  ChangeSet changes(view.snapshot, view.sources);
  for (size_t i = first; i < first + count; ++i) {
    const Row& row = rows_[i];
    storage::ProductRecord product;
    if (!product.ParseFromString(
            products_[row.product_id].value_or(std::string()))) {
      return absl::InternalError(absl::StrCat("record of ", row.product_id));
    }
    changes.PutImage(row, "");
    changes.Describe(row.product_id, std::move(product));
  }
  for (const size_t i : gone) {
    changes.RemoveImage(rows_[i].product_id, rows_[i].image_key);
  }
  VITRINE_RETURN_IF_ERROR(publisher_->Publish(changes.changes()).status());
  merger_->Wake();
  return absl::OkStatus();
}

absl::Status ChangingIndex::Settle() {
  if (!merger_->WaitUntilIdle(kPatienceMs)) {
    return absl::DeadlineExceededError("merges do not come to an end");
  }
  std::lock_guard lock(mutex_);
  return merging_;
}

absl::Status ChangingIndex::LetADayPass() {
  ++days_;
  const std::string& product_id = rows_.back().product_id;
  // As many are kept, however old they are, and one more.
  for (size_t i = 0; i <= RetentionLimits().generations; ++i) {
    const IndexView view = publisher_->view();
    ChangeSet changes(view.snapshot, view.sources);
    storage::ProductRecord product;
    product.set_title(absl::StrCat("title ", i));
    changes.Describe(product_id, std::move(product));
    VITRINE_RETURN_IF_ERROR(publisher_->Publish(changes.changes()).status());
    merger_->Wake();
    VITRINE_RETURN_IF_ERROR(Settle());
  }
  ++days_;
  publisher_->RemoveExpired();
  return absl::OkStatus();
}

uint64_t RowBytesOnDisk(const IndexPaths& paths) {
  uint64_t bytes = 0;
  for (const auto& folder :
       {paths.shards(), paths.products(), paths.deletions()}) {
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      bytes += file.file_size();
    }
  }
  return bytes;
}

}  // namespace vitrine
