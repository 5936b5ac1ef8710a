// A Redis server of a test's own, on a free port of 127.0.0.1.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/queue/redis_stream.h"
#include "tests/process.h"
#include "tests/test_util.h"

namespace vitrine::testing {

inline int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// Keeps what it has said yes to through every restart.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> arguments = {})
      : arguments_(std::move(arguments)) {
    Start();
  }

  void Start() {
    std::vector<std::string> argv = {"/usr/bin/redis-server",
                                     "--port",
                                     std::to_string(port_),
                                     "--bind",
                                     "127.0.0.1",
                                     "--dir",
                                     dir_.path().string(),
                                     "--save",
                                     "",
                                     "--appendonly",
                                     "yes",
                                     "--appendfsync",
                                     "always",
                                     "--auto-aof-rewrite-percentage",
                                     "0"};
    argv.insert(argv.end(), arguments_.begin(), arguments_.end());
    // What an earlier run has said is not what this one says.
    std::filesystem::remove(dir_ / "log");
    process_ = std::make_unique<Process>(argv, dir_ / "log");
    EXPECT_TRUE(Eventually(
        [this] {
          return process_->log().find("Ready to accept connections") !=
                 std::string::npos;
        },
        std::chrono::seconds(30)))
        << process_->log();
  }
  void Kill() {
    process_->Signal(SIGKILL);
    process_->Wait(std::chrono::seconds(10));
  }
  void Signal(int signal) { process_->Signal(signal); }

  QueueAddress Address(const std::string& stream = "catalogue") const {
    QueueAddress address;
    address.host = "127.0.0.1";
    address.port = port_;
    address.stream = stream;
    return address;
  }
  std::string Url(const std::string& stream = "catalogue") const {
    return Address(stream).Name();
  }
  std::unique_ptr<RedisStream> Connect(
      const std::string& stream = "catalogue") const {
    auto connected = RedisStream::Connect(Address(stream), 5000);
    EXPECT_TRUE(connected.ok()) << connected.status();
    return *std::move(connected);
  }
  // Of these entries of the catalogue's stream, those that its group was given
  // and has acknowledged.
  std::set<std::string> Acknowledged(const std::set<std::string>& ids) const {
    const auto backlog = Connect()->Backlog();
    EXPECT_TRUE(backlog.ok()) << backlog.status();
    std::set<std::string> pending;
    std::istringstream lines(
        Cli({"XPENDING", "catalogue", "vitrine", "-", "+", "100000"}));
    // Four lines an entry: id, consumer, idle time, deliveries.
    std::string line;
    for (int i = 0; std::getline(lines, line); ++i) {
      if (i % 4 == 0) pending.insert(line);
    }
    std::set<std::string> acknowledged;
    for (const std::string& id : ids) {
      if (VersionOfEntry(id) <= VersionOfEntry(backlog->last_delivered) &&
          !pending.contains(id)) {
        acknowledged.insert(id);
      }
    }
    return acknowledged;
  }
  // What redis-cli answers, one line a value.
  std::string Cli(const std::vector<std::string>& command) const {
    std::vector<std::string> argv = {"/usr/bin/redis-cli", "-p",
                                     std::to_string(port_)};
    argv.insert(argv.end(), command.begin(), command.end());
    return RunToEnd(argv).out;
  }

 private:
  const std::vector<std::string> arguments_;
  const int port_ = FreePort();
  TempDir dir_;
  std::unique_ptr<Process> process_;
};

}  // namespace vitrine::testing
