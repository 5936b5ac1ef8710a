#include "benchmarks/queue_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "common/base/status.h"
#include "common/queue/redis_stream.h"

namespace vitrine {
namespace {

constexpr int64_t kConnectMs = 1000;
constexpr int kAttempts = 200;
constexpr std::chrono::milliseconds kPause(50);

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  // Where it fails, there is no port, and the server says so.
  (void)::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<QueueProcess>> QueueProcess::Start(
    const std::filesystem::path& folder) {
  std::unique_ptr<QueueProcess> queue(new QueueProcess());
  queue->address_.host = "127.0.0.1";
  queue->address_.port = FreePort();
  queue->address_.stream = "catalogue";
  VITRINE_ASSIGN_OR_RETURN(
      queue->process_,
      ChildProcess::Start({"/usr/bin/redis-server", "--port",
                           std::to_string(queue->address_.port), "--bind",
                           "127.0.0.1", "--dir", folder.string(), "--save", "",
                           "--logfile", (folder / "redis.log").string()}));
  absl::Status status;
  for (int i = 0; i < kAttempts; ++i) {
    status = RedisStream::Connect(queue->address_, kConnectMs).status();
    if (status.ok()) return queue;
    std::this_thread::sleep_for(kPause);
  }
  return status;
}

}  // namespace vitrine
