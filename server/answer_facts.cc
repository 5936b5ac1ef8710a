#include "server/answer_facts.h"

#include <utility>

#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

AnswerFacts::AnswerFacts(std::string_view method) : kind_(KindOf(method)) {}

AnswerFacts::Kind AnswerFacts::KindOf(std::string_view method) {
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"/vitrine.v1.SearchService/Search", Kind::kSearch},
      {"/vitrine.v1.SearchService/SearchStream", Kind::kSearchStream},
      {"/vitrine.v1.SearchService/Recommend", Kind::kRecommend},
      {"/vitrine.v1.SearchService/Embed", Kind::kEmbed},
      {"/vitrine.v1.SearchService/GetProduct", Kind::kGetProduct},
      {"/vitrine.v1.SearchService/ListProducts", Kind::kListProducts},
      {"/vitrine.v1.CatalogService/Receipts", Kind::kReceipts}};
  for (const auto& [name, kind] : kKinds) {
    if (method == name) return kind;
  }
  return Kind::kOther;
}

void AnswerFacts::Add(const void* message, const OnQuery& on_query) {
  if (message == nullptr) return;
  ++messages_;
  switch (kind_) {
    case Kind::kOther:
      break;
    case Kind::kSearch:
      AddSearch(*static_cast<const v1::SearchResponse*>(message), on_query);
      break;
    case Kind::kSearchStream:
      AddBatch(*static_cast<const v1::SearchStreamResponse*>(message),
               on_query);
      break;
    case Kind::kRecommend: {
      const auto& answer = *static_cast<const v1::RecommendResponse*>(message);
      results_ += answer.similar_size();
      for (const v1::SlotRecommendation& slot : answer.complements()) {
        results_ += slot.hits_size();
      }
      generation_ = answer.generation();
      AddTimings(answer.timings(), on_query);
      break;
    }
    case Kind::kEmbed: {
      const auto& answer = *static_cast<const v1::EmbedResponse*>(message);
      for (const v1::EmbedResponse::Item& item : answer.items()) {
        ++queries_;
        if (item.has_error()) {
          ++failed_;
        } else {
          ++results_;
        }
      }
      AddTimings(answer.timings(), on_query);
      break;
    }
    case Kind::kGetProduct:
      ++results_;
      generation_ =
          static_cast<const v1::GetProductResponse*>(message)->generation();
      break;
    case Kind::kListProducts: {
      const auto& answer =
          *static_cast<const v1::ListProductsResponse*>(message);
      results_ += answer.products_size();
      generation_ = answer.generation();
      break;
    }
    case Kind::kReceipts:
      results_ +=
          static_cast<const v1::ReceiptsResponse*>(message)->receipts_size();
      break;
  }
}

void AnswerFacts::AddSearch(const v1::SearchResponse& answer,
                            const OnQuery& on_query) {
  results_ += answer.hits_size();
  generation_ = answer.generation();
  AddTimings(answer.timings(), on_query);
}

void AnswerFacts::AddBatch(const v1::SearchStreamResponse& answer,
                           const OnQuery& on_query) {
  if (answer.has_error()) AddFailed(answer.error(), on_query);
  for (const v1::SearchStreamResponse::Item& item : answer.items()) {
    ++queries_;
    if (item.has_error()) {
      AddFailed(item.error(), on_query);
    } else {
      AddSearch(item.response(), on_query);
    }
  }
}

void AnswerFacts::AddTimings(const v1::Timings& timings,
                             const OnQuery& on_query) {
  is_timed_ = true;
  queue_ms_ += timings.queue_ms();
  decode_ms_ += timings.decode_ms();
  embed_ms_ += timings.embed_ms();
  search_ms_ += timings.search_ms();
  if (on_query) on_query({.timings = &timings});
}

void AnswerFacts::AddFailed(const v1::Error& error, const OnQuery& on_query) {
  ++failed_;
  if (on_query) on_query({.code = error.code()});
}

}  // namespace vitrine
