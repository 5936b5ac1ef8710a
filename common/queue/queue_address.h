// Where a queue of catalogue events is.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vitrine {

// A Redis Stream, and the consumer group that an index reads it with.
struct QueueAddress {
  std::string host;
  int port = 6379;
  std::string user;      // "" where there is a password alone, or none.
  std::string password;  // "": none.
  int database = 0;
  std::string stream;
  std::string group = "vitrine";

  // As a URL without user and password: for logs, and for what is stored.
  std::string Name() const;
  // The stream that takes the events which could not be used.
  std::string DeadLetters() const { return stream + ":dead"; }
};

// Reads redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME][&database=N];
// what is special in a URL may be written as %xx. INVALID_ARGUMENT says what is
// wrong.
absl::StatusOr<QueueAddress> ParseQueueUrl(std::string_view url);

}  // namespace vitrine
