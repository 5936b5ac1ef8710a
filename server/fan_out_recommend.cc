#include "server/fan_out_recommend.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/index/filter.h"
#include "common/vector/blocks.h"
#include "server/fan_out_examples.h"
#include "server/fan_out_products.h"
#include "server/fan_out_search.h"
#include "server/gather.h"
#include "server/hit_merge.h"
#include "server/query.h"
#include "server/rerank.h"
#include "server/subject.h"

namespace vitrine {
namespace {

// The learned complements that all partitions which have answered have; nothing
// where they are not all of one mind.
template <typename Answers>
std::optional<std::string> CommonComplements(const Answers& answers) {
  std::optional<std::string> common;
  for (const auto& answer : answers) {
    if (!answer.status.ok()) continue;
    const std::string& own = answer.response.learned_complements();
    if (common && *common != own) return std::nullopt;
    common = own;
  }
  return common.value_or("");
}

class Recommender {
 public:
  Recommender(const Partitions& partitions, const SlotTable& slots,
              const v1::RecommendRequest& request, const Call& call)
      : partitions_(partitions),
        request_(request),
        call_(call),
        subject_(request, slots),
        shortfall_(partitions, request.require_complete(), &facts_),
        excluded_(request.exclude_product_ids()) {
    if (request.has_product_id()) *excluded_.Add() = request.product_id();
    if (!request.product().product_id().empty())
      *excluded_.Add() = request.product().product_id();
  }

  absl::StatusOr<v1::RecommendResponse> Run() {
    v1::RecommendResponse response;
    v1::Timings& timings = *response.mutable_timings();
    timings.set_queue_ms(MillisecondsSince(call_.arrived));
    VITRINE_ASSIGN_OR_RETURN(
        facts_,
        partitions_.Facts(request_.required_model(), request_.model(), call_));
    VITRINE_RETURN_IF_ERROR(FindSubject(&timings));
    VITRINE_RETURN_IF_ERROR(FanOutCheckAttributes(
        partitions_, request_.boosts(), request_.diversity(), call_));
    const auto begin = std::chrono::steady_clock::now();
    if (subject_.NeedsNeighbours()) {
      v1::SearchRequest near;
      near.set_k(kNeighboursAsked);
      near.set_metric(v1::METRIC_COSINE);
      VITRINE_ASSIGN_OR_RETURN(const Hits neighbours, Find(std::move(near)));
      subject_.AskNeighbours(neighbours);
    }
    VITRINE_RETURN_IF_ERROR(AddSimilar(&response));
    VITRINE_RETURN_IF_ERROR(AddComplements(&response));
    response.set_category(subject_.category());
    response.set_category_confidence(subject_.confidence());
    response.set_slot(std::string(subject_.sure_slot()));
    response.set_model(facts_.model);
    timings.set_search_ms(MillisecondsSince(begin));
    Tell(shortfall_, &response);
    for (const std::string& missing : missing_) {
      response.set_partial(true);
      response.add_missing(missing);
    }
    return response;
  }

 private:
  absl::Status FindSubject(v1::Timings* timings) {
    if (request_.has_image()) {
      VITRINE_ASSIGN_OR_RETURN(
          std::vector<FoundPicture> pictures,
          EmbedExamples(partitions_, facts_, request_.model(),
                        {&request_.image()}, {"image"}, call_, timings));
      subject_.vector = std::move(pictures[0].vector);
      if (!pictures[0].sha256.empty())
        subject_.sha256s.push_back(std::move(pictures[0].sha256));
    } else if (request_.has_product()) {
      const v1::ProductExample& product = request_.product();
      const auto& values = product.vector().values();
      VITRINE_RETURN_IF_ERROR(CheckVector(
          facts_.blocks, {values.data(), static_cast<size_t>(values.size())},
          "product.vector.values"));
      subject_.vector.assign(values.begin(), values.end());
      NormaliseBlocks(facts_.blocks, subject_.vector.data());
      subject_.sha256s.assign(product.content_sha256s().begin(),
                              product.content_sha256s().end());
      subject_.SetTraits(product.attributes());
      if (!product.category().empty()) {
        VITRINE_ASSIGN_OR_RETURN(const std::string name,
                                 NameOf(product.category(), nullptr));
        subject_.TellCategory(name);
      }
    } else {
      VITRINE_ASSIGN_OR_RETURN(
          std::vector<FoundProduct> products,
          FindProducts(partitions_, facts_, {request_.product_id()},
                       {"product_id"}, call_));
      subject_.vector = std::move(products[0].vector);
      subject_.sha256s = std::move(products[0].sha256s);
      subject_.SetTraits(products[0].product.attributes());
      subject_.TellCategory(products[0].product.category());
    }
    if (request_.category().empty()) return absl::OkStatus();
    std::vector<std::string> close;
    VITRINE_ASSIGN_OR_RETURN(const std::string name,
                             NameOf(request_.category(), &close));
    if (name.empty()) return UnknownCategory(request_.category(), close);
    subject_.SetCategory(name);
    return absl::OkStatus();
  }

  // A category as the catalogue writes it; empty, with close ones in `close`
  // where that is not null, where it has none such.
  absl::StatusOr<std::string> NameOf(const std::string& category,
                                     std::vector<std::string>* close) const {
    VITRINE_ASSIGN_OR_RETURN(const v1::DescribeIndexResponse described,
                             FanOutDescribe(partitions_, {}, call_));
    std::vector<std::string_view> names;
    for (const v1::CategorySummary& one : described.categories())
      names.push_back(one.category());
    if (const auto found = FindCategory(names, category))
      return std::string(names[static_cast<size_t>(*found)]);
    for (const v1::PartitionSummary& partition : described.partitions()) {
      if (partition.generation() > 0) continue;
      return MakeError(
          absl::StatusCode::kUnavailable,
          v1::ERROR_REASON_PARTITION_UNAVAILABLE,
          absl::StrCat("no partition that can be asked has the "
                       "category '",
                       category, "'; missing is ", partition.name(), ": ",
                       partition.trouble()),
          "category", std::nullopt, /*retry_after_ms=*/1000);
    }
    if (close != nullptr) *close = CloseCategories(names, category, 3);
    return std::string();
  }

  // Products near the subject that are not excluded, nearest first.
  absl::StatusOr<Hits> Find(v1::SearchRequest request) {
    *request.mutable_exclude_product_ids() = excluded_;
    for (const std::string& sha256 : subject_.sha256s)
      request.add_content_sha256s(sha256);
    request.set_model(request_.model());
    request.set_require_complete(request_.require_complete());
    v1::SearchResponse response;
    VITRINE_RETURN_IF_ERROR(
        SearchPartitions(partitions_, facts_, subject_.vector, request,
                         /*first=*/nullptr, {}, call_, &shortfall_, &response));
    // What partitions miss themselves; their own is in the shortfall.
    for (const std::string& missing : response.missing()) {
      const auto& own = shortfall_.missing();
      if (std::find(own.begin(), own.end(), missing) == own.end() &&
          std::find(missing_.begin(), missing_.end(), missing) ==
              missing_.end()) {
        missing_.push_back(missing);
      }
    }
    return std::move(*response.mutable_hits());
  }

  absl::Status AddSimilar(v1::RecommendResponse* response) {
    response->set_restricted_to_category(subject_.restricts());
    const int k = KSimilarOf(request_);
    if (k == 0) return absl::OkStatus();
    v1::SearchRequest similar;
    similar.set_k(k + kSpareHits);
    *similar.mutable_fields() = request_.fields();
    if (request_.has_filter()) *similar.mutable_filter() = request_.filter();
    if (subject_.restricts()) {
      v1::Filter category;
      category.mutable_condition()->set_attribute("category");
      category.mutable_condition()->mutable_any_of()->add_values(
          subject_.category());
      if (request_.has_filter()) {
        v1::Filter both;
        *both.mutable_all()->add_filters() = request_.filter();
        *both.mutable_all()->add_filters() = std::move(category);
        category = std::move(both);
      }
      *similar.mutable_filter() = std::move(category);
    }
    if (request_.boosts().empty() && request_.diversity().empty()) {
      VITRINE_ASSIGN_OR_RETURN(*response->mutable_similar(),
                               Find(std::move(similar)));
      DropCopies(k, response->mutable_similar());
      return absl::OkStatus();
    }
    const v1::SearchRequest rules = RulesOf(request_, k);
    Reranker reranker(rules);
    while (true) {
      const int asked = reranker.candidates();
      similar.set_k(asked);
      *similar.mutable_fields() = reranker.fields();
      VITRINE_ASSIGN_OR_RETURN(*response->mutable_similar(), Find(similar));
      const bool all = response->similar_size() < asked;
      DropCopies(asked, response->mutable_similar());
      if (reranker.Choose(all, response->mutable_similar()))
        return absl::OkStatus();
    }
  }

  absl::Status AddComplements(v1::RecommendResponse* response) {
    const std::vector<std::string> slots = subject_.Complements();
    const int k = KPerSlotOf(request_);
    const int candidates = request_.candidates_per_slot();
    if ((k == 0 && candidates == 0) || slots.empty()) return absl::OkStatus();
    std::map<std::string, std::vector<v1::Hit>> of_slot;
    if (candidates > 0) {
      VITRINE_ASSIGN_OR_RETURN(
          of_slot, AskSlots(slots, 0, candidates, request_.fields()));
    } else if (subject_.colour().empty() && request_.boosts().empty() &&
               request_.diversity().empty()) {
      VITRINE_ASSIGN_OR_RETURN(of_slot,
                               AskSlots(slots, k, 0, request_.fields()));
    } else {
      VITRINE_ASSIGN_OR_RETURN(of_slot, FindBest(slots, k));
    }
    response->set_learned_complements(learned_);
    for (const std::string& slot : slots) {
      std::vector<v1::Hit>& hits = of_slot[slot];
      if (hits.empty()) continue;
      v1::SlotRecommendation* filled = response->add_complements();
      filled->set_slot(slot);
      filled->set_basis(bases_[slot]);
      for (v1::Hit& hit : hits) *filled->add_hits() = std::move(hit);
    }
    return absl::OkStatus();
  }

  // The best k of each slot, by the rules for all partitions' candidates.
  absl::StatusOr<std::map<std::string, std::vector<v1::Hit>>> FindBest(
      std::vector<std::string> slots, int k) {
    const v1::SearchRequest rules = RulesOf(request_, k);
    std::optional<Harmony> harmony;
    if (!subject_.colour().empty())
      harmony = {subject_.colour(), facts_.blocks};
    std::map<std::string, std::vector<v1::Hit>> best;
    // By a slot's basis, which is known once it was asked: what is learned is
    // not judged by harmony.
    std::map<std::string, Reranker> by_rule, by_learned;
    for (const std::string& slot : slots) {
      by_rule.try_emplace(slot, rules, harmony);
      by_learned.try_emplace(slot, rules);
    }
    const auto reranker_of = [&](const std::string& slot) -> Reranker& {
      return (bases_[slot] > v1::COMPLEMENT_BASIS_RULE ? by_learned : by_rule)
          .at(slot);
    };
    // Slots where too few candidates stand are asked again, all for as many.
    while (!slots.empty()) {
      const Reranker& any = reranker_of(slots.front());
      const int asked = any.candidates();
      VITRINE_ASSIGN_OR_RETURN(auto found,
                               AskSlots(slots, 0, asked, any.fields()));
      std::vector<std::string> short_of;
      for (const std::string& slot : slots) {
        std::vector<v1::Hit>& candidates = found[slot];
        const bool all = static_cast<int>(candidates.size()) < asked;
        Hits hits(std::make_move_iterator(candidates.begin()),
                  std::make_move_iterator(candidates.end()));
        DropCopies(asked, &hits);
        if (reranker_of(slot).Choose(all, &hits)) {
          best[slot].assign(std::make_move_iterator(hits.begin()),
                            std::make_move_iterator(hits.end()));
        } else {
          short_of.push_back(slot);
        }
      }
      slots = std::move(short_of);
    }
    return best;
  }

  // The hits of all partitions in some slots, nearest first: the best `k`, or
  // so many candidates where that is not 0.
  absl::StatusOr<std::map<std::string, std::vector<v1::Hit>>> AskSlots(
      const std::vector<std::string>& slots, int k, int candidates,
      const v1::ReturnFields& fields) {
    v1::RecommendRequest asked;
    v1::ProductExample& product = *asked.mutable_product();
    product.mutable_vector()->mutable_values()->Assign(subject_.vector.begin(),
                                                       subject_.vector.end());
    for (const std::string& sha256 : subject_.sha256s)
      product.add_content_sha256s(sha256);
    for (size_t t = 0; t < kTraits.size(); ++t) {
      for (const std::string& value : subject_.traits()[t]) {
        (*product.mutable_attributes())[std::string(kTraits[t])]
            .mutable_list()
            ->add_values(value);
      }
    }
    if (!subject_.colour().empty())
      (*product.mutable_attributes())["colour"].set_text(subject_.colour());
    asked.set_k_similar(0);
    asked.set_k_per_slot(k);
    asked.set_candidates_per_slot(candidates);
    *asked.mutable_exclude_product_ids() = excluded_;
    if (request_.has_filter()) *asked.mutable_filter() = request_.filter();
    *asked.mutable_fields() = fields;
    for (const std::string& slot : slots) asked.add_slots(slot);
    asked.set_require_complete(request_.require_complete());
    asked.set_model(request_.model());
    if (request_.model().empty()) asked.set_required_model(facts_.model);
    asked.set_by_rule(request_.by_rule());
    asked.set_learned_from_category(std::string(subject_.learned_category()));
    asked.set_learned_from_slot(std::string(subject_.learned_slot()));

    auto answers = Gather<v1::RecommendResponse>(
        AskAll(shortfall_.Present(), asked), partitions_.HandDown(call_));
    VITRINE_RETURN_IF_ERROR(call_.Check());
    const std::optional<std::string> learned = CommonComplements(answers);
    if (!learned && !request_.by_rule()) {
      // Scores by one file are not to be compared with those by another.
      asked.set_by_rule(true);
      answers = Gather<v1::RecommendResponse>(
          AskAll(shortfall_.Present(), std::move(asked)),
          partitions_.HandDown(call_));
      VITRINE_RETURN_IF_ERROR(call_.Check());
    }
    learned_ = learned.value_or("");
    absl::Status noted;  // The first error, once note is taken of them all.
    for (const auto& answer : answers)
      noted.Update(shortfall_.Add(answer.backend, answer.status));
    VITRINE_RETURN_IF_ERROR(noted);
    std::map<std::string, std::vector<v1::Hit>> of_slot;
    for (auto& answer : answers) {
      missing_.insert(missing_.end(), answer.response.missing().begin(),
                      answer.response.missing().end());
      for (auto& slot : *answer.response.mutable_complements()) {
        bases_[slot.slot()] = slot.basis();
        for (v1::Hit& hit : *slot.mutable_hits())
          of_slot[slot.slot()].push_back(std::move(hit));
      }
    }
    VITRINE_RETURN_IF_ERROR(shortfall_.Check());
    const auto most = static_cast<size_t>(candidates > 0 ? candidates : k);
    for (auto& [slot, hits] : of_slot) {
      std::sort(hits.begin(), hits.end(), ComesBefore);
      if (hits.size() > most) hits.resize(most);
    }
    return of_slot;
  }

  const Partitions& partitions_;
  const v1::RecommendRequest& request_;
  const Call& call_;
  VectorFacts facts_;
  Subject subject_;
  Shortfall shortfall_;
  std::vector<std::string> missing_;  // Of what partitions fan out to.
  google::protobuf::RepeatedPtrField<std::string> excluded_;
  // Of the slots that were asked, and the file that is meant where learned.
  std::map<std::string, v1::ComplementBasis> bases_;
  std::string learned_;
};

}  // namespace

absl::StatusOr<v1::RecommendResponse> FanOutRecommend(
    const Partitions& partitions, const SlotTable& slots,
    const v1::RecommendRequest& request, const Call& call) {
  VITRINE_RETURN_IF_ERROR(call.Check());
  VITRINE_RETURN_IF_ERROR(
      CheckNoGeneration(request.min_generation(), partitions.all().size()));
  VITRINE_RETURN_IF_ERROR(CheckRecommend(request, slots));
  if (request.has_filter()) {
    VITRINE_RETURN_IF_ERROR(CheckFilter(request.filter(), "filter"));
  }
  v1::RecommendResponse response;
  VITRINE_RETURN_IF_ERROR(partitions.Attempt(call, [&] {
    return PutInto(&response,
                   Recommender(partitions, slots, request, call).Run());
  }));
  return response;
}

}  // namespace vitrine
