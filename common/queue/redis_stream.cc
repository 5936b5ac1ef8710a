#include "common/queue/redis_stream.h"

#include <hiredis/hiredis.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

// Of a version: milliseconds take 41 bits in our century.
constexpr int kNumberBits = 20;

constexpr char kConsumer[] = "indexer";

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};

std::string TextOf(const redisReply* reply) {
  return reply != nullptr && reply->str != nullptr
             ? std::string(reply->str, reply->len)
             : std::string();
}

bool IsArray(const redisReply* reply, size_t least) {
  return reply != nullptr && reply->type == REDIS_REPLY_ARRAY &&
         reply->elements >= least;
}

// An entry as XREADGROUP gives it: its id, and fields with values or nil.
bool ReadEntry(const redisReply* reply, QueueEntry* entry) {
  if (!IsArray(reply, 2)) return false;
  entry->id = TextOf(reply->element[0]);
  const redisReply* fields = reply->element[1];
  if (fields->type != REDIS_REPLY_ARRAY) {
    entry->gone = true;
    return true;
  }
  for (size_t i = 0; i + 1 < fields->elements; i += 2) {
    if (TextOf(fields->element[i]) == "event") {
      entry->event = TextOf(fields->element[i + 1]);
    }
  }
  return true;
}

void IgnoreBrokenPipes() {
  struct sigaction now;
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

class HiredisStream final : public RedisStream {
 public:
  HiredisStream(QueueAddress address, redisContext* context)
      : address_(std::move(address)), context_(context) {}

  absl::Status Greet() {
    if (!address_.password.empty()) {
      std::vector<std::string> auth = {"AUTH"};
      if (!address_.user.empty()) auth.push_back(address_.user);
      auth.push_back(address_.password);
      VITRINE_RETURN_IF_ERROR(Call(auth).status());
    }
    if (address_.database != 0) {
      VITRINE_RETURN_IF_ERROR(
          Call({"SELECT", absl::StrCat(address_.database)}).status());
    }
    return Call({"PING"}).status();
  }

  absl::StatusOr<std::string> Add(std::string_view event) override {
    VITRINE_ASSIGN_OR_RETURN(
        const Reply reply,
        Call({"XADD", address_.stream, "*", "event", std::string(event)}));
    return TextOf(reply.get());
  }

  absl::Status MakeGroup() override {
    // A server that is out of memory refuses to make what is there already.
    const auto backlog = Backlog();
    if (backlog.ok() && !backlog->last_delivered.empty()) {
      return absl::OkStatus();
    }
    const absl::Status status = Call({"XGROUP", "CREATE", address_.stream,
                                      address_.group, "0", "MKSTREAM"})
                                    .status();
    return absl::StrContains(status.message(), "BUSYGROUP") ? absl::OkStatus()
                                                            : status;
  }

  absl::Status Own(std::string_view index) override {
    const std::string key =
        absl::StrCat(address_.stream, ":", address_.group, ":index");
    VITRINE_ASSIGN_OR_RETURN(Reply owner, Call({"GET", key}));
    if (owner->type == REDIS_REPLY_NIL) {
      // It was another's.
      VITRINE_RETURN_IF_ERROR(Call({"DEL", GenerationKey()}).status());
      VITRINE_RETURN_IF_ERROR(
          Call({"SET", key, std::string(index), "NX"}).status());
      VITRINE_ASSIGN_OR_RETURN(owner, Call({"GET", key}));
    }
    if (TextOf(owner.get()) == index) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "group '", address_.group, "' of ", address_.Name(),
        " is read into another index, which would then lack what this one "
        "takes; read the stream with a group of its own, ?group=NAME, or, "
        "where the other index is gone, remove the key ",
        key));
  }

  absl::Status NoteGeneration(uint64_t generation) override {
    return Call({"SET", GenerationKey(), absl::StrCat(generation)}).status();
  }
  absl::StatusOr<uint64_t> NotedGeneration() override {
    VITRINE_ASSIGN_OR_RETURN(const Reply noted, Call({"GET", GenerationKey()}));
    uint64_t generation = 0;
    if (noted->type != REDIS_REPLY_NIL &&
        !absl::SimpleAtoi(TextOf(noted.get()), &generation)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the key ", GenerationKey(),
          " holds no number: ", TextOf(noted.get()), "; remove it"));
    }
    return generation;
  }

  absl::StatusOr<std::vector<QueueEntry>> ReadPending(std::string_view after,
                                                      int64_t count) override {
    VITRINE_ASSIGN_OR_RETURN(auto entries, Read(count, /*block_ms=*/-1, after));
    if (entries.empty()) return entries;
    VITRINE_ASSIGN_OR_RETURN(
        const Reply told,
        Call({"XPENDING", address_.stream, address_.group, entries.front().id,
              entries.back().id, absl::StrCat(entries.size()), kConsumer}));
    std::map<std::string, int> deliveries;
    for (size_t i = 0; IsArray(told.get(), i + 1); ++i) {
      const redisReply* one = told->element[i];
      if (!IsArray(one, 4)) continue;
      deliveries[TextOf(one->element[0])] =
          static_cast<int>(std::min<long long>(one->element[3]->integer, 1000));
    }
    for (QueueEntry& entry : entries) {
      entry.deliveries = std::max(1, deliveries[entry.id]);
    }
    return entries;
  }

  absl::StatusOr<std::vector<QueueEntry>> ReadNew(int64_t count,
                                                  int64_t block_ms) override {
    return Read(count, block_ms, ">");
  }

  absl::Status Acknowledge(std::span<const std::string> ids,
                           bool remove) override {
    if (ids.empty()) return absl::OkStatus();
    std::vector<std::string> command = {"XACK", address_.stream,
                                        address_.group};
    command.insert(command.end(), ids.begin(), ids.end());
    VITRINE_RETURN_IF_ERROR(Call(command).status());
    if (!remove) return absl::OkStatus();
    command = {"XDEL", address_.stream};
    command.insert(command.end(), ids.begin(), ids.end());
    return Call(command).status();
  }

  absl::Status Bury(const QueueEntry& entry, std::string_view reason,
                    bool remove) override {
    std::string event = entry.event;
    if (event.empty()) {
      VITRINE_ASSIGN_OR_RETURN(
          const Reply reply,
          Call({"XRANGE", address_.stream, entry.id, entry.id}));
      QueueEntry whole;
      if (IsArray(reply.get(), 1) && ReadEntry(reply->element[0], &whole)) {
        event = std::move(whole.event);
      }
    }
    // Twice there is better than nowhere.
    VITRINE_RETURN_IF_ERROR(
        Call({"XADD", address_.DeadLetters(), "*", "event", event, "reason",
              std::string(reason), "entry", entry.id})
            .status());
    return Acknowledge({&entry.id, 1}, remove);
  }

  absl::StatusOr<QueueBacklog> Backlog() override {
    QueueBacklog backlog;
    const auto groups = Call({"XINFO", "GROUPS", address_.stream});
    if (!groups.ok()) {
      const bool no_stream =
          absl::StrContains(groups.status().message(), "no such key");
      return no_stream ? absl::StatusOr<QueueBacklog>(backlog)
                       : groups.status();
    }
    for (size_t g = 0; IsArray(groups->get(), g + 1); ++g) {
      const redisReply* group = (*groups)->element[g];
      std::map<std::string, const redisReply*> fields;
      for (size_t i = 0; IsArray(group, i + 2); i += 2) {
        fields[TextOf(group->element[i])] = group->element[i + 1];
      }
      if (TextOf(fields["name"]) != address_.group) continue;
      if (fields["pending"]) backlog.pending = fields["pending"]->integer;
      // Servers before 7 do not tell.
      const redisReply* lag = fields["lag"];
      backlog.waiting = lag != nullptr && lag->type == REDIS_REPLY_INTEGER
                            ? lag->integer
                            : -1;
      backlog.last_delivered = TextOf(fields["last-delivered-id"]);
    }
    if (backlog.last_delivered.empty()) {
      VITRINE_ASSIGN_OR_RETURN(backlog.waiting, LengthOf(address_.stream));
    } else if (backlog.pending > 0) {
      VITRINE_ASSIGN_OR_RETURN(
          const Reply pending,
          Call({"XPENDING", address_.stream, address_.group}));
      if (IsArray(pending.get(), 2)) {
        backlog.oldest_pending = TextOf(pending->element[1]);
      }
    }
    return backlog;
  }

  absl::StatusOr<int64_t> DeadLetters() override {
    return LengthOf(address_.DeadLetters());
  }

  void Interrupt() override { ::shutdown(context_->fd, SHUT_RDWR); }

 private:
  absl::StatusOr<int64_t> LengthOf(const std::string& stream) {
    VITRINE_ASSIGN_OR_RETURN(const Reply reply, Call({"XLEN", stream}));
    return reply->integer;
  }

  absl::StatusOr<Reply> Call(const std::vector<std::string>& words) {
    std::vector<const char*> data;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      data.push_back(word.data());
      sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context_.get(), static_cast<int>(data.size()),
                         data.data(), sizes.data())));
    if (reply == nullptr) {
      return absl::UnavailableError(absl::StrCat(
          "the connection to ", address_.Name(),
          " is lost: ", context_->err != 0 ? context_->errstr : "no reply"));
    }
    if (reply->type != REDIS_REPLY_ERROR) return reply;
    const std::string said = TextOf(reply.get());
    const std::string message =
        absl::StrCat(address_.Name(), " answers ", words[0], " with: ", said);
    // A server that starts, or saves itself, will answer soon.
    for (const char* passing : {"LOADING", "BUSY ", "MASTERDOWN", "TRYAGAIN",
                                "CLUSTERDOWN", "READONLY", "MISCONF", "OOM"}) {
      if (absl::StartsWith(said, passing)) {
        return absl::UnavailableError(message);
      }
    }
    return absl::FailedPreconditionError(message);
  }

  absl::StatusOr<std::vector<QueueEntry>> Read(int64_t count, int64_t block_ms,
                                               std::string_view after) {
    std::vector<std::string> command = {"XREADGROUP",   "GROUP",
                                        address_.group, kConsumer,
                                        "COUNT",        absl::StrCat(count)};
    if (block_ms >= 0) {
      // 0 would be for ever.
      command.insert(command.end(),
                     {"BLOCK", absl::StrCat(std::max<int64_t>(1, block_ms))});
    }
    command.insert(command.end(),
                   {"STREAMS", address_.stream, std::string(after)});
    VITRINE_ASSIGN_OR_RETURN(const Reply reply, Call(command));
    std::vector<QueueEntry> entries;
    // Nil where nothing has come.
    if (!IsArray(reply.get(), 1)) return entries;
    const redisReply* stream = reply->element[0];
    if (!IsArray(stream, 2)) return entries;
    for (size_t i = 0; IsArray(stream->element[1], i + 1); ++i) {
      QueueEntry entry;
      if (ReadEntry(stream->element[1]->element[i], &entry)) {
        entries.push_back(std::move(entry));
      }
    }
    return entries;
  }

  std::string GenerationKey() const {
    return absl::StrCat(address_.stream, ":", address_.group, ":generation");
  }

  const QueueAddress address_;
  const std::unique_ptr<redisContext, FreeContext> context_;
};

}  // namespace

uint64_t VersionOfEntry(std::string_view id) {
  const size_t dash = id.find('-');
  uint64_t ms = 0, number = 0;
  if (dash == std::string_view::npos ||
      !absl::SimpleAtoi(absl::string_view(id.data(), dash), &ms) ||
      !absl::SimpleAtoi(
          absl::string_view(id.data() + dash + 1, id.size() - dash - 1),
          &number)) {
    return 0;
  }
  return ms << kNumberBits |
         std::min<uint64_t>(number, (1u << kNumberBits) - 1);
}

int64_t UnixMsOfEntry(std::string_view id) {
  return static_cast<int64_t>(VersionOfEntry(id) >> kNumberBits);
}

absl::StatusOr<std::unique_ptr<RedisStream>> RedisStream::Connect(
    const QueueAddress& address, int64_t timeout_ms) {
  IgnoreBrokenPipes();
  const timeval timeout = {.tv_sec = timeout_ms / 1000,
                           .tv_usec = timeout_ms % 1000 * 1000};
  redisContext* context =
      redisConnectWithTimeout(address.host.c_str(), address.port, timeout);
  if (context == nullptr || context->err != 0) {
    const std::string why =
        context == nullptr ? "out of memory" : context->errstr;
    if (context != nullptr) redisFree(context);
    return absl::UnavailableError(
        absl::StrCat("cannot connect to ", address.Name(), ": ", why));
  }
  auto stream = std::make_unique<HiredisStream>(address, context);
  // No call waits longer than this for a server that has gone silent.
  redisSetTimeout(context, timeout);
  redisEnableKeepAlive(context);
  VITRINE_RETURN_IF_ERROR(stream->Greet());
  return stream;
}

}  // namespace vitrine
