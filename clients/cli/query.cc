#include "clients/cli/query.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "common/base/status.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLineBytes = 4 << 20;

bool IsPicture(const fs::path& path) {
  std::string name = path.filename().string();
  std::string extension = absl::AsciiStrToLower(path.extension().string());
  return !name.starts_with(".") &&
         (extension == ".jpg" || extension == ".jpeg" || extension == ".png" ||
          extension == ".webp");
}

// The pictures of a folder and of those below it, in the order of their paths.
absl::StatusOr<std::vector<std::string>> PicturesOf(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, error), end;
  while (!error && entries != end) {
    std::string name = entries->path().filename().string();
    std::error_code unreadable;
    if (entries->is_directory(unreadable)) {
      if (name.starts_with(".") || name == "__MACOSX") {
        entries.disable_recursion_pending();
      }
    } else if (IsPicture(entries->path())) {
      paths.push_back(entries->path().string());
    }
    entries.increment(error);
  }
  if (error) {
    return ErrnoStatus(error.value(), "cannot read the folder " + folder);
  }
  if (paths.empty()) {
    return absl::NotFoundError("no picture (.jpg, .jpeg, .png, .webp) in " +
                               folder);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::Status NoVector(const std::string& where, const std::string& why) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_BAD_VECTOR,
                   where + ": " + why +
                       "; a line is [0.1, 0.2, ...] or {\"vector\": [...]}");
}

}  // namespace

Query ParseVectorLine(const std::string& line, const std::string& where) {
  Query query;
  query.kind = Query::Kind::kVector;
  query.label = where;
  nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_object()) {
    if (auto found = json.find("query");
        found != json.end() && found->is_string()) {
      query.label = found->get<std::string>();
    }
    auto vector = json.find("vector");
    if (vector == json.end()) {
      query.error = NoVector(where, "no \"vector\" in the object");
      return query;
    }
    json = nlohmann::json(*vector);
  }
  if (!json.is_array() || json.empty()) {
    query.error = NoVector(where, "no array of numbers");
    return query;
  }
  for (const auto& number : json) {
    if (!number.is_number()) {
      query.error = NoVector(where, "'" + number.dump() + "' is no number");
      return query;
    }
    query.vector.push_back(number.get<float>());
  }
  return query;
}

bool LineReader::Fill() {
  if (start_ > 0) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  pollfd files[2] = {{fd_, POLLIN, 0}, {interrupt_fd_, POLLIN, 0}};
  while (poll(files, 2, -1) < 0) {
    if (errno != EINTR) return false;
  }
  if (files[1].revents != 0) return false;
  char bytes[1 << 16];
  ssize_t count;
  do {
    count = read(fd_, bytes, sizeof bytes);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::optional<std::string> LineReader::Next() {
  size_t searched = start_;
  while (!at_end_) {
    size_t end = buffer_.find('\n', searched);
    if (end == std::string::npos) {
      size_t pending = buffer_.size() - start_;
      at_end_ = pending > kMaxLineBytes || !Fill();
      searched = start_ + pending;
      continue;
    }
    std::string line = buffer_.substr(start_, end - start_);
    start_ = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  if (start_ >= buffer_.size()) return std::nullopt;
  std::string line = buffer_.substr(start_);  // The last, without a line end.
  start_ = buffer_.size();
  return line;
}

bool LineReader::WouldWait() {
  if (at_end_ || buffer_.find('\n', start_) != std::string::npos) return false;
  pollfd file = {fd_, POLLIN, 0};
  return poll(&file, 1, 0) == 0;
}

absl::StatusOr<std::unique_ptr<QuerySource>> QuerySource::Open(
    const Flags& flags, int standard_input) {
  std::unique_ptr<QuerySource> source(new QuerySource);
  source->interrupt_fd_ = eventfd(0, EFD_CLOEXEC);
  if (source->interrupt_fd_ < 0) return ErrnoStatus(errno, "no eventfd");
  for (const std::string& path : flags.images) {
    VITRINE_RETURN_IF_ERROR(source->AddImage(path, standard_input));
  }
  if (!flags.products.empty()) {
    source->parts_.push_back(
        {.kind = Query::Kind::kProduct, .labels = flags.products});
  }
  for (const std::string& path : flags.vectors) {
    VITRINE_RETURN_IF_ERROR(
        source->AddFile(Query::Kind::kVector, path, standard_input));
  }
  if (source->parts_.empty() && !flags.extra_examples.empty()) {
    std::string label;
    for (const ExtraExample& example : flags.extra_examples) {
      if (!label.empty()) label += example.weight < 0 ? " - " : " + ";
      label += example.value;
    }
    source->parts_.push_back(
        {.kind = Query::Kind::kCombined, .labels = {label}});
  }
  for (const Part& part : source->parts_) {
    if (part.is_file) source->total_.reset();
    if (source->total_) {
      *source->total_ += static_cast<int64_t>(part.labels.size());
    }
  }
  return source;
}

QuerySource::~QuerySource() {
  for (const Part& part : parts_) {
    if (part.owns_fd) close(part.fd);
  }
  if (interrupt_fd_ >= 0) close(interrupt_fd_);
}

absl::Status QuerySource::AddImage(const std::string& path,
                                   int standard_input) {
  if (path == "-") return AddFile(Query::Kind::kImage, path, standard_input);
  std::error_code error;
  std::vector<std::string> labels = {path};
  if (fs::is_directory(path, error)) {
    VITRINE_ASSIGN_OR_RETURN(labels, PicturesOf(path));
  }
  parts_.push_back({.kind = Query::Kind::kImage, .labels = std::move(labels)});
  return absl::OkStatus();
}

absl::Status QuerySource::AddFile(Query::Kind kind, const std::string& path,
                                  int standard_input) {
  Part part;
  part.kind = kind;
  part.is_file = true;
  part.path = path == "-" ? "standard input" : path;
  part.fd = standard_input;
  if (path != "-") {
    part.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (part.fd < 0) return ErrnoStatus(errno, "cannot open " + path);
    part.owns_fd = true;
  }
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

std::optional<Query> QuerySource::NextLine(const Part& part) {
  if (!lines_) {
    lines_ = std::make_unique<LineReader>(part.fd, interrupt_fd_);
    line_ = 0;
  }
  while (std::optional<std::string> line = lines_->Next()) {
    ++line_;
    if (line->empty()) continue;
    if (part.kind == Query::Kind::kVector) {
      return ParseVectorLine(*line, part.path + ":" + std::to_string(line_));
    }
    Query query;
    query.kind = part.kind;
    query.label = std::move(*line);
    return query;
  }
  lines_.reset();
  return std::nullopt;
}

std::optional<Query> QuerySource::Next() {
  for (; part_ < parts_.size(); ++part_, label_ = 0) {
    const Part& part = parts_[part_];
    if (part.is_file) {
      if (std::optional<Query> query = NextLine(part)) return query;
    } else if (label_ < part.labels.size()) {
      Query query;
      query.kind = part.kind;
      query.label = part.labels[label_++];
      return query;
    }
  }
  return std::nullopt;
}

bool QuerySource::WouldWait() {
  return lines_ != nullptr && lines_->WouldWait();
}

void QuerySource::Interrupt() {
  uint64_t one = 1;
  // An eventfd takes this write unless it holds 2^64 - 2 already.
  [[maybe_unused]] ssize_t written = write(interrupt_fd_, &one, sizeof one);
}

}  // namespace vitrine::cli
