// The socket of one HTTP request, which bounds what a caller may send and how
// long it may take.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace vitrine {

struct HttpConnectionOptions {
  size_t max_header_bytes = 64 << 10;        // With the request line.
  size_t max_body_bytes = 0;                 // More are not read.
  std::chrono::milliseconds silence{5'000};  // Between two pieces, at most.
  // How long the header may be waited for in all. So long may the body and the
  // answer be, too, and a second longer for each so many bytes of theirs.
  std::chrono::milliseconds patience{10'000};
  size_t least_bytes_a_second = 32 << 10;
};

// For one thread.
class HttpConnection {
 public:
  // Takes the socket over.
  HttpConnection(int socket, const HttpConnectionOptions& options);
  // Shuts it down and closes it.
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Reads up to the blank line that ends the header, or the end of what the
  // caller sends. False where there is nothing to answer, or where too much or
  // too little came, which the caller was told by status 431 or 408.
  bool ReadHeader();
  // First what ReadHeader has read, then of the body. 0 is the end: of what the
  // caller sends, or of what it may; -1 that it is gone, or too slow.
  ssize_t Read(char* to, size_t size);
  // All of it; false where the caller is gone, or too slow.
  bool Write(std::string_view bytes);
  // Whether reading or writing would not be in vain.
  bool AwaitReadable();
  bool AwaitWritable();

  int socket() const { return socket_; }

 private:
  // What went one way, and how long it was waited for.
  struct Way {
    size_t bytes = 0;
    std::chrono::steady_clock::duration waited{};
  };

  bool Await(short events, Way* way) const;
  ssize_t Receive(char* to, size_t size) const;
  ssize_t Send(std::string_view bytes) const;
  void Refuse(const std::string& status, const std::string& why);

  const int socket_;
  const HttpConnectionOptions options_;
  std::string header_;  // With the bytes that came behind it.
  size_t header_at_ = 0;
  Way body_;
  Way answer_;
};

}  // namespace vitrine
