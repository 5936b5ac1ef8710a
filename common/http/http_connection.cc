#include "common/http/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

constexpr size_t kPiece = 4096;
// As cpp-httplib sees it, which skips lines that end otherwise.
constexpr std::string_view kHeaderEnd = "\n\r\n";

}  // namespace

HttpConnection::HttpConnection(int socket, const HttpConnectionOptions& options)
    : socket_(socket), options_(options) {}

HttpConnection::~HttpConnection() {
  ::shutdown(socket_, SHUT_RDWR);
  ::close(socket_);
}

bool HttpConnection::ReadHeader() {
  Way header;  // Its bytes gain it no time.
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    if (header_.size() >= options_.max_header_bytes) {
      Refuse("431 Request Header Fields Too Large",
             absl::StrCat("the header of a request has at most ",
                          options_.max_header_bytes, " bytes\n"));
      return false;
    }
    if (!Await(POLLIN, &header)) {
      if (!header_.empty()) {
        Refuse(
            "408 Request Timeout",
            absl::StrCat("the header of a request must be here after ",
                         options_.patience.count(), " ms, with at most ",
                         options_.silence.count(), " ms between its pieces\n"));
      }
      return false;
    }
    const size_t before = header_.size();
    header_.resize(std::min(before + kPiece, options_.max_header_bytes));
    const ssize_t n = Receive(header_.data() + before, header_.size() - before);
    header_.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0) return false;
    if (n == 0) {
      end = header_.size();
    } else {
      const size_t from =
          std::max(before, kHeaderEnd.size()) - kHeaderEnd.size();
      end = header_.find(kHeaderEnd, from);
      if (end != std::string::npos) end += kHeaderEnd.size();
    }
  }
  body_.bytes = std::min(header_.size() - end, options_.max_body_bytes);
  header_.resize(end + body_.bytes);
  return !header_.empty();
}

ssize_t HttpConnection::Read(char* to, size_t size) {
  if (header_at_ < header_.size()) {
    const size_t n = std::min(size, header_.size() - header_at_);
    std::memcpy(to, header_.data() + header_at_, n);
    header_at_ += n;
    return static_cast<ssize_t>(n);
  }
  size = std::min(size, options_.max_body_bytes - body_.bytes);
  if (size == 0) return 0;
  if (!AwaitReadable()) return -1;
  const ssize_t n = Receive(to, size);
  if (n > 0) body_.bytes += static_cast<size_t>(n);
  return n;
}

bool HttpConnection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!AwaitWritable()) return false;
    const ssize_t n = Send(bytes);
    if (n < 0) return false;
    answer_.bytes += static_cast<size_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool HttpConnection::AwaitReadable() {
  return header_at_ < header_.size() || Await(POLLIN, &body_);
}

bool HttpConnection::AwaitWritable() { return Await(POLLOUT, &answer_); }

bool HttpConnection::Await(short events, Way* way) const {
  using std::chrono::milliseconds;
  const milliseconds gained(1000 * way->bytes / options_.least_bytes_a_second);
  const auto all = options_.patience + gained - way->waited;
  if (all.count() <= 0) return false;
  const auto most =
      std::min(std::chrono::ceil<milliseconds>(all), options_.silence);
  const auto begin = std::chrono::steady_clock::now();
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<milliseconds>(
        begin + most - std::chrono::steady_clock::now());
    pollfd one = {socket_, events, 0};
    ready = ::poll(&one, 1, std::max(static_cast<int>(left.count()), 0));
  } while (ready < 0 && errno == EINTR);
  way->waited += std::chrono::steady_clock::now() - begin;
  return ready > 0;
}

ssize_t HttpConnection::Receive(char* to, size_t size) const {
  while (true) {
    const ssize_t n = ::recv(socket_, to, size, 0);
    if (n >= 0 || errno != EINTR) return n;
  }
}

ssize_t HttpConnection::Send(std::string_view bytes) const {
  while (true) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(),
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return n;
    // Another look will tell whether there is room.
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

void HttpConnection::Refuse(const std::string& status, const std::string& why) {
  const std::string answer = absl::StrCat(
      "HTTP/1.1 ", status, "\r\nConnection: close\r\n",
      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ", why.size(),
      "\r\n\r\n", why);
  // There is room for it, where nothing was sent before.
  Send(answer);
}

}  // namespace vitrine
