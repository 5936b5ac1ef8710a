// Searches with photos at three times the rate that a server can answer: how
// many it answers then, how soon, what memory it takes, how searches by vectors
// fare beside them, and how all is after. The server has a core, those who ask
// another.
#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/catalog_pictures.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/served_index.h"
#include "benchmarks/stored_queries.h"
#include "common/base/status.h"
#include "common/index/snapshot.h"

namespace vitrine {
namespace {

constexpr size_t kPictures = 256;
// Enough to keep the server busy, and few enough that it refuses none.
constexpr size_t kCallsInFlight = 8;
constexpr size_t kCalls = 600;
constexpr double kOverload = 3;
constexpr double kBusy = 0.8;
constexpr double kOverloadSeconds = 60;
constexpr double kOverloadSecondsQuickly = 10;
constexpr double kHalfSeconds = 30;
constexpr double kHalfSecondsQuickly = 10;
constexpr double kAfterSeconds = 10;
// By then the server is to be as it was before the overload.
constexpr double kRecoveredAfterSeconds = 1;

// Searches by vectors that are asked all along, a hundredth of a core or two.
constexpr double kVectorRate = 50;
constexpr size_t kVectors = 256;

struct Outcome {
  std::vector<double> answered_ms;
  size_t refused = 0;  // RESOURCE_EXHAUSTED.
  size_t failed = 0;   // Anything else.
};

// Of the calls that were due at `from_s` or later.
Outcome OutcomeOf(const std::vector<OpenLoopCall>& calls, double from_s = 0) {
  Outcome outcome;
  for (const OpenLoopCall& call : calls) {
    if (call.due_s < from_s) continue;
    if (call.code == grpc::StatusCode::OK) {
      outcome.answered_ms.push_back(call.ms);
    } else if (call.code == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      ++outcome.refused;
    } else {
      ++outcome.failed;
    }
  }
  return outcome;
}

// "12 of 1300 refused".
std::string Refused(const Outcome& outcome) {
  return absl::StrCat(outcome.refused, " of ",
                      outcome.answered_ms.size() + outcome.refused, " refused");
}

std::string Rate(double rate) {
  return absl::StrCat(static_cast<int>(rate), " photos/s");
}

}  // namespace

absl::Status RunOverloadRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const CorePair cores, TwoCores());
  const PinnedToOneCore pinned(cores.asker);
  VITRINE_ASSIGN_OR_RETURN(const std::vector<std::string> pictures,
                           DifferentPictures(options.catalog, kPictures));
  std::vector<v1::SearchRequest> requests;
  for (const std::string& picture : pictures) {
    requests.emplace_back().add_examples()->mutable_image()->set_content(
        picture);
  }
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(
      const auto snapshot,
      Snapshot::OpenNewest(IndexPaths{options.index}, nullptr, &degraded));
  const StoredQueries by_vector = QueriesOf(*snapshot, kVectors);
  if (requests.empty() || by_vector.requests.empty()) {
    return absl::FailedPreconditionError(
        "the index has no picture, or the catalogue none that can be decoded");
  }
  VITRINE_ASSIGN_OR_RETURN(const auto server,
                           ServedIndex::Start(options.index, cores.server));
  std::vector<double> capacities;
  for (int run = 0; run < 4; ++run) {
    VITRINE_ASSIGN_OR_RETURN(
        const double capacity,
        UnaryRate(server->stub(), requests, kCalls, kCallsInFlight));
    if (run > 0) capacities.push_back(capacity);
  }
  const double capacity = Median(capacities);
  std::vector<OpenLoopCall> vector_calls;
  // Asks for photos at a rate, and for vectors beside that.
  const auto ask = [&](double rate, double seconds) {
    std::thread vectors([&] {
      vector_calls =
          OpenLoop(server->stub(), by_vector.requests, kVectorRate, seconds);
    });
    auto calls = OpenLoop(server->stub(), requests, rate, seconds);
    vectors.join();
    return calls;
  };
  const Outcome half = OutcomeOf(
      ask(capacity / 2, options.quick ? kHalfSecondsQuickly : kHalfSeconds));
  const Outcome vectors_half = OutcomeOf(vector_calls);
  const Outcome busy = OutcomeOf(ask(
      kBusy * capacity, options.quick ? kHalfSecondsQuickly : kHalfSeconds));
  VITRINE_ASSIGN_OR_RETURN(const int64_t before, server->ResidentBytes());

  const double seconds =
      options.quick ? kOverloadSecondsQuickly : kOverloadSeconds;
  const Outcome over = OutcomeOf(ask(kOverload * capacity, seconds));
  const Outcome vectors_over = OutcomeOf(vector_calls);
  VITRINE_ASSIGN_OR_RETURN(const int64_t most, server->MostResidentBytes());
  const Outcome after =
      OutcomeOf(ask(capacity / 2, kAfterSeconds), kRecoveredAfterSeconds);
  for (const Outcome* one :
       {&half, &busy, &over, &after, &vectors_half, &vectors_over}) {
    if (one->answered_ms.empty() || one->failed > 0) {
      return absl::InternalError(
          absl::StrCat(one->answered_ms.size(), " searches were answered, ",
                       one->refused, " refused, and ", one->failed, " failed"));
    }
  }

  const double half_p99 = Quantile(half.answered_ms, 0.99);
  const double over_p99 = Quantile(over.answered_ms, 0.99);
  const double goodput = static_cast<double>(over.answered_ms.size()) / seconds;
  report->Add(
      {.name = "overload_goodput",
       .value = goodput,
       .unit = "photos/s",
       .against = absl::StrCat("the capacity, ", Rate(capacity), "; asked for ",
                               Rate(kOverload * capacity), " over ", seconds,
                               " s, ", Refused(over)),
       .ratio = goodput / capacity});
  report->Add(
      {.name = "overload_p99",
       .value = over_p99,
       .unit = "ms",
       .against = absl::StrCat("p99 at half the capacity, ", half_p99, " ms"),
       .ratio = over_p99 / half_p99});
  const double vectors_half_p99 = Quantile(vectors_half.answered_ms, 0.99);
  const double vectors_over_p99 = Quantile(vectors_over.answered_ms, 0.99);
  report->Add(
      {.name = "overload_at_80_percent_p99",
       .value = Quantile(busy.answered_ms, 0.99),
       .unit =
           absl::StrCat("ms at ", Rate(kBusy * capacity), ", ", Refused(busy)),
       .against = absl::StrCat("p99 at half the capacity, ", Refused(half)),
       .ratio = Quantile(busy.answered_ms, 0.99) / half_p99});
  report->Add({.name = "overload_vectors_p99",
               .value = vectors_over_p99,
               .unit = absl::StrCat("ms, ", Refused(vectors_over)),
               .against = absl::StrCat("p99 of searches by vectors at half the "
                                       "capacity of photos, ",
                                       vectors_half_p99, " ms"),
               .ratio = vectors_over_p99 / vectors_half_p99});
  report->Add({.name = "overload_recovery_p99",
               .value = Quantile(after.answered_ms, 0.99),
               .unit = absl::StrCat("ms, from 1 s after on, ", Refused(after)),
               .against = "p99 at half the capacity before",
               .ratio = Quantile(after.answered_ms, 0.99) / half_p99});
  report->Add(
      {.name = "overload_memory",
       .value = static_cast<double>(most - before) / 1e6,
       .unit = "MB more at most",
       .against = "resident memory before",
       .ratio = static_cast<double>(most) / static_cast<double>(before)});
  return absl::OkStatus();
}

}  // namespace vitrine
