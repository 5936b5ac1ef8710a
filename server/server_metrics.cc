#include "server/server_metrics.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_context.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/index/shard_counts.h"
#include "server/answer_facts.h"
#include "server/status_code_name.h"

namespace vitrine {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerInterceptorFactoryInterface;
using grpc::experimental::ServerRpcInfo;
using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;

// From a search by a vector to a recommendation behind a full queue.
const prometheus::Histogram::BucketBoundaries kDuration = {
    .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

// From a search without a picture to a picture behind a full queue.
const prometheus::Histogram::BucketBoundaries kStage = {
    .0001, .00025, .0005, .001, .0025, .005, .01, .025,
    .05,   .1,     .25,   .5,   1,     2.5,  5};
const prometheus::Histogram::BucketBoundaries kBatch = {1, 2, 4, 8, 16, 32, 64};
// From a change of a price to a first start with a large model.
const prometheus::Histogram::BucketBoundaries kReload = {
    .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300};

// A share of the rows, as a label.
std::string ShareName(const RecallMonitor::Found& found) {
  return absl::StrCat(found.from, "-", found.to);
}

}  // namespace

class ServerMetrics::Families {
 public:
  // What is counted of one method.
  struct Method {
    std::array<prometheus::Counter*, kStatusCodeNames.size()> ended{};
    prometheus::Gauge* in_flight = nullptr;
    prometheus::Histogram* duration = nullptr;  // Null of streams.
  };

  // That of a service; callers may ask for any, which is "other" then, since
  // each costs memory.
  Method& MethodOf(ServerRpcInfo* info) {
    const bool is_ours = dynamic_cast<grpc::GenericCallbackServerContext*>(
                             info->server_context()) == nullptr;
    std::string name = is_ours ? info->method() : "other";
    if (name.starts_with('/')) name.erase(0, 1);
    std::lock_guard lock(mutex_);
    Method& method = methods_[name];
    if (method.in_flight != nullptr) return method;
    for (size_t i = 0; i < kStatusCodeNames.size(); ++i) {
      method.ended[i] =
          &requests_.Add({{"method", name}, {"code", kStatusCodeNames[i]}});
    }
    method.in_flight = &in_flight_.Add({{"method", name}});
    if (info->type() == ServerRpcInfo::Type::UNARY) {
      method.duration = &durations_.Add({{"method", name}}, kDuration);
    }
    return method;
  }

  // One query of an answer.
  void Count(const AnswerFacts::Query& query, bool is_of_stream) {
    if (is_of_stream) {
      stream_queries_[StatusCodeIndex(query.code)]->Increment();
    }
    if (query.timings == nullptr) return;
    const v1::Timings& timings = *query.timings;
    queue_.Observe(timings.queue_ms() / 1000);
    // The others are 0 where a query has none of them.
    if (timings.decode_ms() > 0) decode_.Observe(timings.decode_ms() / 1000);
    if (timings.embed_ms() > 0) embed_.Observe(timings.embed_ms() / 1000);
    if (timings.search_ms() > 0) search_.Observe(timings.search_ms() / 1000);
  }

  void Count(const std::string& index, const ReloadOutcome& reload) {
    // Both are there from the first try on.
    auto& failed = reloads_failed_.Add({{"index", index}});
    auto& seconds = reloads_.Add({{"index", index}}, kReload);
    if (!reload.status.ok()) failed.Increment();
    if (reload.is_served) seconds.Observe(reload.seconds);
  }

  void CountBatch(size_t pictures) {
    batches_.Observe(static_cast<double>(pictures));
  }

  void Set(const TlsEnds& ends) {
    const auto set = [](Gauges& gauges, const CertificateEnd& end) {
      gauges.Add({}).Set(static_cast<double>(end.unix_s));
    };
    set(certificate_end_, ends.certificate);
    if (ends.client_ca) set(client_ca_end_, *ends.client_ca);
  }

  void Set(const std::vector<Index>& indexes, bool is_ready,
           uint64_t lost_lines) {
    ready_.Set(is_ready ? 1 : 0);
    for (const Index& index : indexes) Set(index);
    std::lock_guard lock(mutex_);
    // Of two that ask at once, the second may have the smaller number.
    if (lost_lines <= lost_lines_before_) return;
    lost_lines_.Increment(static_cast<double>(lost_lines - lost_lines_before_));
    lost_lines_before_ = lost_lines;
  }

  std::string Text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, registry_.Collect());
    return out.str();
  }

 private:
  Counters& NewCounters(const std::string& name, const std::string& help) {
    return BuildCounter().Name(name).Help(help).Register(registry_);
  }
  Gauges& NewGauges(const std::string& name, const std::string& help) {
    return BuildGauge().Name(name).Help(help).Register(registry_);
  }

  prometheus::Histogram& NewStage(const char* stage) {
    return stages_.Add({{"stage", stage}}, kStage);
  }
  std::array<prometheus::Counter*, kStatusCodeNames.size()> NewStreamQueries() {
    auto& family = NewCounters(
        "vitrine_stream_queries_total",
        "Queries of streams that were answered, by the code of their item.");
    std::array<prometheus::Counter*, kStatusCodeNames.size()> counters{};
    for (size_t i = 0; i < counters.size(); ++i) {
      counters[i] = &family.Add({{"code", kStatusCodeNames[i]}});
    }
    return counters;
  }

  void Set(const Index& index) {
    const auto set = [&index](Gauges& gauges, double value,
                              prometheus::Labels labels = {}) {
      labels["index"] = index.name;
      gauges.Add(labels).Set(value);
    };
    const auto number = [](uint64_t value) {
      return static_cast<double>(value);
    };
    set(degraded_, index.store->degraded().empty() ? 0 : 1);
    for (const RecallMonitor::Found& found : index.recall->found()) {
      set(recall_, found.recall, {{"rows", ShareName(found)}});
      set(compared_, static_cast<double>(found.queries),
          {{"rows", ShareName(found)}});
    }
    const auto serving = index.store->Take();
    if (!serving.ok()) return;
    const Snapshot& snapshot = (*serving)->snapshot();
    const ShardCounts shards = CountShards(snapshot);
    size_t waiting = 0;
    for (auto* one = serving->get(); one != nullptr; one = one->other().get()) {
      waiting += one->embedder().waiting();
    }
    set(waiting_, number(waiting));
    set(generation_, number(snapshot.generation()));
    set(images_, number(snapshot.images()));
    set(dead_, number(shards.dead_rows));
    set(shards_, number(shards.graphs), {{"kind", "graph"}});
    set(shards_, number(shards.flat), {{"kind", "flat"}});
  }

  std::mutex mutex_;  // Guards what follows.
  std::map<std::string, Method> methods_;
  uint64_t lost_lines_before_ = 0;

  prometheus::Registry registry_;
  Counters& requests_ =
      NewCounters("vitrine_requests_total",
                  "Calls that have ended, by method and status code.");
  Gauges& in_flight_ =
      NewGauges("vitrine_requests_in_flight", "Calls that have not ended yet.");
  Histograms& durations_ =
      BuildHistogram()
          .Name("vitrine_request_seconds")
          .Help(
              "From a unary call's having been read until its answer is sent.")
          .Register(registry_);
  Histograms& stages_ =
      BuildHistogram()
          .Name("vitrine_stage_seconds")
          .Help("Where the time of answers went; of a batch's queries each.")
          .Register(registry_);
  prometheus::Histogram& queue_ = NewStage("queue");
  prometheus::Histogram& decode_ = NewStage("decode");
  prometheus::Histogram& embed_ = NewStage("embed");
  prometheus::Histogram& search_ = NewStage("search");
  const std::array<prometheus::Counter*, kStatusCodeNames.size()>
      stream_queries_ = NewStreamQueries();
  prometheus::Histogram& batches_ =
      BuildHistogram()
          .Name("vitrine_embed_batch_pictures")
          .Help("Pictures that went through a model at once.")
          .Register(registry_)
          .Add({}, kBatch);
  Gauges& waiting_ =
      NewGauges("vitrine_embed_waiting", "Pictures that wait for the model.");
  Histograms& reloads_ =
      BuildHistogram()
          .Name("vitrine_reload_seconds")
          .Help("From a generation's having been seen until it is served.")
          .Register(registry_);
  Counters& reloads_failed_ =
      NewCounters("vitrine_reloads_failed_total",
                  "Tries to take up a generation that failed.");
  prometheus::Counter& lost_lines_ =
      NewCounters("vitrine_log_lines_lost_total",
                  "Lines of the log that standard error did not take.")
          .Add({});
  prometheus::Gauge& ready_ =
      NewGauges("vitrine_ready", "1 while searches are answered.").Add({});
  Gauges& certificate_end_ = NewGauges(
      "vitrine_server_certificate_not_after_seconds",
      "When the certificate of --tls-cert ends, in seconds of Unix time.");
  Gauges& client_ca_end_ = NewGauges(
      "vitrine_client_ca_not_after_seconds",
      "When the last CA of --tls-client-ca ends, in seconds of Unix time.");
  Gauges& degraded_ = NewGauges(
      "vitrine_degraded",
      "1 while the newest generation is not served, or a file is damaged.");
  Gauges& generation_ =
      NewGauges("vitrine_generation", "The generation that is served.");
  Gauges& images_ = NewGauges("vitrine_images", "Pictures that can be found.");
  Gauges& dead_ =
      NewGauges("vitrine_rows_dead", "Rows that are deleted or replaced.");
  Gauges& shards_ =
      NewGauges("vitrine_shards", "Shards that are searched, by kind.");
  Gauges& recall_ = NewGauges(
      "vitrine_recall_found",
      "Share of the right hits that answers held, by the share of the rows "
      "that the query's filter let through.");
  Gauges& compared_ = NewGauges("vitrine_recall_queries",
                                "Answers that were compared for that.");
};

// Counts one call: as cancelled where it ends without a status.
class ServerMetrics::CallCounter final : public Interceptor {
 public:
  CallCounter(Families* families, ServerRpcInfo* info)
      : families_(families),
        method_(&families->MethodOf(info)),
        context_(info->server_context()),
        facts_(info->method()) {
    method_->in_flight->Increment();
  }
  ~CallCounter() override {
    method_->in_flight->Decrement();
    method_->ended[code_]->Increment();
    if (method_->duration != nullptr && seconds_) {
      method_->duration->Observe(*seconds_);
    }
  }
  CallCounter(const CallCounter&) = delete;
  CallCounter& operator=(const CallCounter&) = delete;

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_MESSAGE)) {
      facts_.Add(methods->GetSendMessage(),
                 [this](const AnswerFacts::Query& query) {
                   families_->Count(query, facts_.is_stream_of_searches());
                 });
    }
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_STATUS)) {
      // A handler may not know yet that nobody waits for its answer.
      const auto code = context_->IsCancelled()
                            ? grpc::StatusCode::CANCELLED
                            : methods->GetSendStatus().error_code();
      code_ = std::min<size_t>(code, kStatusCodeNames.size() - 1);
      seconds_ = std::chrono::duration<double>(
                     std::chrono::steady_clock::now() - begun_)
                     .count();
    }
    methods->Proceed();
  }

 private:
  Families* const families_;
  Families::Method* const method_;
  const grpc::ServerContextBase* const context_;
  AnswerFacts facts_;
  const std::chrono::steady_clock::time_point begun_ =
      std::chrono::steady_clock::now();
  std::optional<double> seconds_;  // Until its status was sent.
  size_t code_ = grpc::StatusCode::CANCELLED;
};

class ServerMetrics::CallCounterFactory final
    : public ServerInterceptorFactoryInterface {
 public:
  explicit CallCounterFactory(Families* families) : families_(families) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallCounter(families_, info);
  }

 private:
  Families* const families_;
};

ServerMetrics::ServerMetrics() : families_(std::make_unique<Families>()) {}
ServerMetrics::~ServerMetrics() = default;

std::unique_ptr<ServerInterceptorFactoryInterface>
ServerMetrics::NewCallCounter() {
  return std::make_unique<CallCounterFactory>(families_.get());
}

void ServerMetrics::CountReload(const std::string& index,
                                const ReloadOutcome& reload) {
  families_->Count(index, reload);
}

void ServerMetrics::CountBatch(size_t pictures) {
  families_->CountBatch(pictures);
}

void ServerMetrics::SetTlsEnds(const TlsEnds& ends) { families_->Set(ends); }

std::string ServerMetrics::Text(const std::vector<Index>& indexes,
                                bool is_ready, uint64_t lost_lines) {
  families_->Set(indexes, is_ready, lost_lines);
  return families_->Text();
}

}  // namespace vitrine
