// What a call's answers tell those who watch the server.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Adds up the messages that a call is answered with. Not thread-safe.
class AnswerFacts {
 public:
  // One query of a call: its times, or the code of what was wrong with it.
  struct Query {
    const v1::Timings* timings = nullptr;
    int code = 0;  // By grpc::StatusCode.
  };

  // `method` as gRPC has it, "/vitrine.v1.SearchService/Search". What other
  // methods answer than those of vitrine.v1 is not looked at.
  explicit AnswerFacts(std::string_view method);

  bool is_stream_of_searches() const { return kind_ == Kind::kSearchStream; }

  // `message` is of the type that the method answers with. `on_query`, which
  // may be empty, gets each query of it that was timed, or that failed in an
  // answer that holds others.
  void Add(const void* message,
           const std::function<void(const Query&)>& on_query = {});

  // Sums over what was added, in milliseconds; absent where nothing was timed.
  bool is_timed() const { return is_timed_; }
  double queue_ms() const { return queue_ms_; }
  double decode_ms() const { return decode_ms_; }
  double embed_ms() const { return embed_ms_; }
  double search_ms() const { return search_ms_; }

  int64_t messages() const { return messages_; }
  int64_t queries() const { return queries_; }  // Of SearchStream and Embed.
  int64_t failed() const { return failed_; }    // Of these; or whole batches.
  int64_t results() const { return results_; }  // Hits, products, receipts.
  bool has_results() const { return kind_ != Kind::kOther; }
  uint64_t generation() const { return generation_; }  // The last; 0 for none.

 private:
  enum class Kind {
    kOther,
    kSearch,
    kSearchStream,
    kRecommend,
    kEmbed,
    kGetProduct,
    kListProducts,
    kReceipts
  };
  using OnQuery = std::function<void(const Query&)>;

  static Kind KindOf(std::string_view method);
  void AddSearch(const v1::SearchResponse& answer, const OnQuery& on_query);
  void AddBatch(const v1::SearchStreamResponse& answer,
                const OnQuery& on_query);
  void AddTimings(const v1::Timings& timings, const OnQuery& on_query);
  void AddFailed(const v1::Error& error, const OnQuery& on_query);

  const Kind kind_;
  bool is_timed_ = false;
  double queue_ms_ = 0;
  double decode_ms_ = 0;
  double embed_ms_ = 0;
  double search_ms_ = 0;
  int64_t messages_ = 0;
  int64_t queries_ = 0;
  int64_t failed_ = 0;
  int64_t results_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace vitrine
