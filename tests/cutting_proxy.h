// A way to a server of 127.0.0.1 that is cut off again and again, in the middle
// of whatever is said.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace vitrine::testing {

class CuttingProxy {
 public:
  // Ways lead to `port`. The first cut is that of CutAtRandom.
  explicit CuttingProxy(int port) : server_(AddressOf(port)) {
    sockaddr_in address = AddressOf(0);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, any, size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    EXPECT_EQ(::getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingProxy() {
    const uint64_t one = 1;
    EXPECT_EQ(::write(stop_, &one, sizeof(one)), 8);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  int port() const { return port_; }

  // From now on `cuts` times, each after at most `bytes` in both directions.
  void CutAtRandom(int cuts, int bytes, uint32_t seed) {
    std::lock_guard lock(mutex_);
    random_.seed(seed);
    most_bytes_ = bytes;
    cuts_left_ = cuts;
    DrawNext();
  }
  int cuts_left() {
    std::lock_guard lock(mutex_);
    return cuts_left_;
  }

 private:
  using Way = std::array<int, 2>;  // The client's and the server's socket.

  static sockaddr_in AddressOf(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }
  static int NewSocket() {
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }

  void DrawNext() {
    left_ = std::uniform_int_distribution<int64_t>(1, most_bytes_)(random_);
  }

  // How many of `bytes` still pass; fewer than all where the way is cut.
  int64_t Pass(int64_t bytes) {
    std::lock_guard lock(mutex_);
    if (cuts_left_ == 0) return bytes;
    if (bytes < left_) {
      left_ -= bytes;
      return bytes;
    }
    const int64_t part = left_ - 1;
    --cuts_left_;
    DrawNext();
    return part;
  }

  void Run() {
    std::vector<Way> ways;
    while (true) {
      std::vector<pollfd> asked = {{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Way& way : ways) {
        for (int fd : way) asked.push_back({fd, POLLIN, 0});
      }
      ::poll(asked.data(), asked.size(), -1);
      if (asked[0].revents != 0) break;
      for (size_t i = ways.size(); i-- > 0;) {
        const bool stands =
            (asked[2 + 2 * i].revents == 0 ||
             Forward(ways[i][0], ways[i][1])) &&
            (asked[3 + 2 * i].revents == 0 || Forward(ways[i][1], ways[i][0]));
        if (stands) continue;
        Close(ways[i]);
        ways.erase(ways.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (asked[1].revents == 0) continue;
      const Way way = {::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                       NewSocket()};
      if (::connect(way[1], reinterpret_cast<const sockaddr*>(&server_),
                    sizeof(server_)) == 0) {
        ways.push_back(way);
      } else {
        Close(way);
      }
    }
    for (const Way& way : ways) Close(way);
  }

  bool Forward(int from, int to) {
    char bytes[16384];
    const ssize_t read = ::recv(from, bytes, sizeof(bytes), 0);
    if (read <= 0) return false;
    const int64_t passes = Pass(read);
    for (int64_t done = 0; done < passes;) {
      const ssize_t sent = ::send(
          to, bytes + done, static_cast<size_t>(passes - done), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += sent;
    }
    return passes == read;
  }

  static void Close(const Way& way) {
    for (int fd : way) ::close(fd);
  }

  const sockaddr_in server_;
  const int listener_ = NewSocket();
  const int stop_ = ::eventfd(0, EFD_CLOEXEC);
  int port_ = 0;
  std::mutex mutex_;
  std::mt19937 random_;
  int cuts_left_ = 0;
  int most_bytes_ = 1;
  int64_t left_ = 0;
  std::thread thread_;
};

}  // namespace vitrine::testing
