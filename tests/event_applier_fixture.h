// An index, and events that are applied to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "indexer/event_applier.h"
#include "indexer/merger.h"
#include "tests/indexing_test_util.h"

namespace vitrine::testing {

// Content by key.
using Pictures = std::map<std::string, std::string>;

inline bool IsGood(const std::string& content) {
  return !content.starts_with("bad");
}

inline ProductChange MakeChange(ProductChange::Kind kind,
                                const std::string& product, uint64_t version,
                                const std::string& title = "",
                                const Pictures& pictures = {}) {
  ProductChange change;
  change.kind = kind;
  change.source = "queue";
  change.version = version;
  change.product_id = product;
  if (kind != ProductChange::Kind::kDelete) {
    change.fields.set_title(title);
    change.fields.set_source(change.source);
    change.fields.set_version(version);
  }
  for (const auto& [key, content] : pictures) {
    change.pictures.push_back(
        {key, std::make_shared<const std::string>(content), ""});
  }
  return change;
}

// As Ingest would, but for contents that begin with "bad".
inline std::vector<PictureResult> ReadPictures(const ProductChange& change) {
  std::vector<PictureResult> results;
  for (const EventPicture& picture : change.pictures) {
    PictureResult& result = results.emplace_back();
    result.sha256 = Sha256(*picture.content);
    if (IsGood(*picture.content)) {
      result.vector = FakeVector(*picture.content);
      result.thumbnail = "jpeg of " + *picture.content;
    } else {
      result.status =
          MakeError(absl::StatusCode::kInvalidArgument,
                    v1::ERROR_REASON_IMAGE_NOT_DECODABLE, "it is bad");
    }
  }
  return results;
}

class EventApplierTest : public ::testing::Test {
 protected:
  EventApplierTest() { Begin(); }

  PublisherOptions Options() {
    PublisherOptions options;
    options.retention = {.generations = 2, .superseded_ms = 0};
    options.now_unix_ms = [this] { return now_unix_ms_; };
    return options;
  }
  void Begin() {
    draft_ = std::make_unique<GenerationDraft>(index_.Changes());
    applier_ = std::make_unique<EventApplier>(
        draft_.get(), [this](std::string_view, std::string_view bytes) {
          refused_.emplace_back(bytes);
        });
  }
  // Returns whether the change was news.
  bool Apply(const ProductChange& change) {
    const auto news = applier_->IsNews(change);
    EXPECT_TRUE(news.ok()) << news.status();
    if (!news.ok() || !*news) return false;
    applier_->Apply(change, ReadPictures(change), now_unix_ms_);
    return true;
  }
  void Publish() {
    if (!draft_->changes.empty()) index_.Publish(draft_->changes);
    Begin();
  }
  void Settle() {
    MergeLimits limits;
    limits.graph_rows = 30;
    ASSERT_TRUE(
        SettleMerges(index_.publisher(), SettledMergeLimits(limits), 1).ok());
    Begin();
  }
  std::optional<storage::ProductRecord> Find(const std::string& id) {
    return draft_->changes.FindProduct(id);
  }
  std::vector<std::string> Outcomes() {
    std::vector<std::string> outcomes;
    for (const v1::Receipt& receipt : draft_->receipts) {
      outcomes.push_back(
          receipt.product_id() + "/" + receipt.path() + " " +
          v1::Receipt::Outcome_Name(receipt.outcome()).substr(8));
    }
    return outcomes;
  }

  std::vector<std::string> refused_;  // Their bytes.
  int64_t now_unix_ms_ = 1'700'000'000'000;
  TestIndex index_{Options()};
  std::unique_ptr<GenerationDraft> draft_;
  std::unique_ptr<EventApplier> applier_;
};

}  // namespace vitrine::testing
