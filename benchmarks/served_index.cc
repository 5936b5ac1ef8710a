#include "benchmarks/served_index.h"

#include <grpcpp/grpcpp.h>
#include <sched.h>
#include <time.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "benchmarks/programs.h"
#include "benchmarks/report.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr std::string_view kListening = "listening on ";

class EmptyHandler final
    : public v1::SearchService::WithRawCallbackMethod_Search<
          v1::SearchService::Service> {
 public:
  explicit EmptyHandler(const std::string& answer) {
    const grpc::Slice slice(answer);
    answer_ = grpc::ByteBuffer(&slice, 1);
  }
  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* /*request*/,
                                   grpc::ByteBuffer* response) override {
    *response = answer_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  grpc::ByteBuffer answer_;
};

}  // namespace

absl::StatusOr<CorePair> TwoCores() {
  cpu_set_t cores;
  ::sched_getaffinity(0, sizeof cores, &cores);
  if (CPU_COUNT(&cores) < 2) {
    return absl::FailedPreconditionError(
        "a server and those who ask it need a core each, and there is one");
  }
  CorePair pair;
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (CPU_ISSET(core, &cores)) pair.server = core;
  }
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) pair.asker = core;
  }
  return pair;
}

absl::StatusOr<std::unique_ptr<ServedIndex>> ServedIndex::StartProgram(
    const std::vector<std::string>& argv, const std::string& input, int core) {
  std::unique_ptr<ServedIndex> served(new ServedIndex());
  {
    // It inherits the cores of the thread that starts it.
    const PinnedToOneCore pinned(core);
    VITRINE_ASSIGN_OR_RETURN(served->process_, ChildProcess::Start(argv));
  }
  VITRINE_RETURN_IF_ERROR(served->process_->Write(input));
  served->process_->CloseInput();
  VITRINE_ASSIGN_OR_RETURN(const std::string line,
                           served->process_->ReadLine());
  const size_t at = line.find(kListening);
  if (at == std::string::npos) {
    return absl::InternalError(absl::StrCat(argv[0], " says '", line, "'"));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  served->stub_ = v1::SearchService::NewStub(
      grpc::CreateCustomChannel(line.substr(at + kListening.size()),
                                grpc::InsecureChannelCredentials(), arguments));
  return served;
}

absl::StatusOr<std::unique_ptr<ServedIndex>> ServedIndex::Start(
    const std::filesystem::path& index, int core) {
  // Its first line comes when the index is open, if it can be opened.
  return StartProgram(
      {BuiltProgram("vitrine-server").string(), "--index=" + index.string(),
       "--listen=127.0.0.1:0", "--require-index"},
      "", core);
}

absl::StatusOr<std::unique_ptr<ServedIndex>> ServedIndex::StartEmptyHandler(
    const v1::SearchResponse& answer, int core) {
  return StartProgram(
      {BuiltProgram("vitrine-bench").string(), "--empty_handler"},
      answer.SerializeAsString(), core);
}

double ServedIndex::CpuSeconds() const {
  clockid_t clock;
  timespec time = {};
  if (::clock_getcpuclockid(process_->pid(), &clock) == 0) {
    ::clock_gettime(clock, &time);
  }
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

absl::StatusOr<int64_t> ServedIndex::Memory(std::string_view line) const {
  std::ifstream status(absl::StrCat("/proc/", process_->pid(), "/status"));
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == line && status >> kilobytes) return kilobytes * 1024;
  }
  return absl::InternalError("the server's resident memory is not told");
}

int RunEmptyHandler() {
  EmptyHandler handler{std::string(std::istreambuf_iterator<char>(std::cin),
                                   std::istreambuf_iterator<char>())};
  grpc::ServerBuilder builder;
  builder.RegisterService(&handler);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  const auto server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return 1;
  std::printf("vitrine-bench: %.*s127.0.0.1:%d\n",
              static_cast<int>(kListening.size()), kListening.data(), port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

}  // namespace vitrine
