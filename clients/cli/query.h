// The queries of a command, one after the other: pictures, then products, then
// vectors, each in the order of the command line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/flags.h"

namespace vitrine::cli {

// One question that gets one answer.
struct Query {
  // kCombined has no example of its own, only the extra ones of the flags.
  enum class Kind { kImage, kProduct, kVector, kCombined };
  Kind kind = Kind::kImage;
  std::string label;  // What was given: the path, the id, the vector's query.
  std::vector<float> vector;
  absl::Status error;  // Why it cannot be asked, where it cannot.
};

// Lines of a file descriptor, as they come. Lines are at most 4 MB.
class LineReader {
 public:
  // Does not own `fd`. `interrupt_fd` becomes readable when waiting is over.
  LineReader(int fd, int interrupt_fd) : fd_(fd), interrupt_fd_(interrupt_fd) {}

  // The next line without its end ("\n" or "\r\n"); nothing at the end of the
  // file, after an interrupt, or after a failed read.
  std::optional<std::string> Next();
  // Whether Next() would wait for more to come.
  bool WouldWait();

 private:
  bool Fill();

  int fd_;
  int interrupt_fd_;
  std::string buffer_;
  size_t start_ = 0;
  bool at_end_ = false;
};

// Reads folders when it is opened, and standard input and files of vectors as
// it goes. Used by one thread; Interrupt() may come from another.
class QuerySource {
 public:
  // `standard_input` is what "-" stands for; not owned. NOT_FOUND where a
  // folder holds no picture or a file of vectors is not there.
  static absl::StatusOr<std::unique_ptr<QuerySource>> Open(const Flags& flags,
                                                           int standard_input);
  ~QuerySource();
  QuerySource(const QuerySource&) = delete;
  QuerySource& operator=(const QuerySource&) = delete;

  // Nothing after the last one.
  std::optional<Query> Next();
  // Whether Next() would wait for somebody to write a line.
  bool WouldWait();
  // How many there are in all, where that is known from the start.
  std::optional<int64_t> total() const { return total_; }
  // Ends a Next() that waits, and every later one.
  void Interrupt();

 private:
  // Queries that are known, or the lines of a file.
  struct Part {
    Query::Kind kind = Query::Kind::kImage;
    std::vector<std::string> labels = {};
    bool is_file = false;
    std::string path = {};
    int fd = -1;
    bool owns_fd = false;
  };

  QuerySource() = default;
  absl::Status AddImage(const std::string& path, int standard_input);
  absl::Status AddFile(Query::Kind kind, const std::string& path,
                       int standard_input);
  std::optional<Query> NextLine(const Part& part);

  std::vector<Part> parts_;
  size_t part_ = 0;
  size_t label_ = 0;
  int64_t line_ = 0;
  std::unique_ptr<LineReader> lines_;
  std::optional<int64_t> total_ = 0;
  int interrupt_fd_ = -1;
};

// A line of a file of vectors: an array of numbers, or an object with `vector`
// and perhaps `query`, as `vitrine embed` prints. `where` names it, as in
// "vectors.jsonl:12".
Query ParseVectorLine(const std::string& line, const std::string& where);

}  // namespace vitrine::cli
