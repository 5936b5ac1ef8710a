#include "common/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/write_pace.h"

namespace vitrine {
namespace {

// A large file is synced piece by piece: were all of it left to the end, the
// fsyncs of small files would wait for it.
constexpr uint64_t kSyncedPiece = 32 << 20;
constexpr size_t kWriteBuffer = 1 << 20;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     uint64_t max_bytes) {
  // O_NONBLOCK: opening a FIFO that somebody dropped must not hang.
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0)
    return ErrnoStatus(errno, absl::StrCat("cannot open ", path.string()));
  return ReadDescriptor(fd.get(), path.string(), max_bytes);
}

absl::StatusOr<std::string> ReadDescriptor(int fd, std::string_view name,
                                           uint64_t max_bytes) {
  const absl::string_view shown(name.data(), name.size());
  struct stat info;
  if (::fstat(fd, &info) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot stat ", shown));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, " is not a regular file"));
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(shown, " has ", size, " bytes, more than ", max_bytes));
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("cannot read ", shown));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

absl::StatusOr<std::vector<std::string>> ListFolder(
    const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator();
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error)
    return ErrnoStatus(error.value(),
                       absl::StrCat("cannot list ", folder.string()));
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status MakeFolders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return ErrnoStatus(error.value(),
                       absl::StrCat("cannot make ", folder.string()));
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat("cannot remove ", path.string()));
  }
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::filesystem::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0)
    return ErrnoStatus(errno, absl::StrCat("cannot open ", folder.string()));
  if (::fsync(fd.get()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot fsync ", folder.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(
    const std::filesystem::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0)
    return ErrnoStatus(errno, absl::StrCat("cannot open ", path.string()));
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot stat ", path.string()));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), " is not a regular file"));
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED)
      return ErrnoStatus(errno, absl::StrCat("cannot map ", path.string()));
  }
  return std::unique_ptr<MappedFile>(
      new MappedFile(path, static_cast<const char*>(data), size));
}

MappedFile::MappedFile(std::filesystem::path path, const char* data,
                       size_t size)
    : path_(std::move(path)), data_(data), size_(size) {
  if (size == 0) return;
  guard_.emplace(data, size);
  last_byte_ = data[size - 1];
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (size_ > 0) ::munmap(const_cast<char*>(data_), size_);
}

bool MappedFile::damaged() const {
  if (size_ == 0) return false;
  // The rest of a page behind the end of a file is zeros and raises no signal.
  // A file that was cut by any number of bytes has lost its last one.
  std::atomic_signal_fence(std::memory_order_seq_cst);  // After those reads.
  const char last_byte = *static_cast<const volatile char*>(data_ + size_ - 1);
  return last_byte != last_byte_ || guard_->faulted();
}

uint64_t MappedFile::Touch(uint64_t most_bytes,
                           const StopRequested& stop) const {
  constexpr size_t kStep = size_t{64} << 20;
  constexpr size_t kPage = 4096;
  const size_t end = std::min<uint64_t>(size_, most_bytes);
  for (size_t begin = 0; begin < end; begin += kStep) {
    if (stop && stop()) return begin;
    const char* const step = data_ + begin;
    const size_t bytes = std::min(kStep, end - begin);
    // Since Linux 5.14.
    if (::madvise(const_cast<char*>(step), bytes, MADV_POPULATE_READ) == 0)
      continue;
    for (size_t at = 0; at < bytes; at += kPage) {
      [[maybe_unused]] const char read =
          *static_cast<const volatile char*>(step + at);
    }
  }
  return end;
}

absl::StatusOr<std::unique_ptr<StagingFile>> StagingFile::Create(
    const std::filesystem::path& path) {
  std::filesystem::path staging = path;
  staging += ".staging";
  int fd =
      ::open(staging.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    return ErrnoStatus(errno, absl::StrCat("cannot create ", staging.string()));
  return std::unique_ptr<StagingFile>(new StagingFile(path, staging, fd));
}

StagingFile::~StagingFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!published_) ::unlink(staging_path_.c_str());
}

absl::Status StagingFile::Fail(int error, std::string_view what) {
  error_ = ErrnoStatus(
      error,
      absl::StrCat("cannot ", absl::string_view(what.data(), what.size()), " ",
                   staging_path_.string()));
  return error_;
}

absl::Status StagingFile::Append(std::string_view bytes) {
  VITRINE_RETURN_IF_ERROR(error_);
  if (synced_) {
    return absl::FailedPreconditionError(absl::StrCat(
        staging_path_.string(), " was synced: nothing can be appended"));
  }
  bytes_ += bytes.size();
  buffer_.append(bytes);
  return buffer_.size() >= kWriteBuffer ? Flush() : absl::OkStatus();
}

absl::Status StagingFile::Flush() {
  size_t done = 0;
  while (done < buffer_.size()) {
    ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(errno, "write");
    done += static_cast<size_t>(n);
  }
  unsynced_ += buffer_.size();
  PaceThreadWrites(buffer_.size());
  buffer_.clear();
  if (unsynced_ >= kSyncedPiece) {
    if (::fdatasync(fd_) != 0) return Fail(errno, "fdatasync");
    unsynced_ = 0;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MappedFile>> StagingFile::Map() {
  VITRINE_RETURN_IF_ERROR(error_);
  VITRINE_RETURN_IF_ERROR(Flush());
  VITRINE_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(staging_path_));
  // Somebody has cut it.
  if (mapped->data().size() != bytes_) return Fail(EIO, "map");
  return mapped;
}

absl::Status StagingFile::Sync() {
  VITRINE_RETURN_IF_ERROR(error_);
  if (synced_) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(Flush());
  if (::fsync(fd_) != 0) return Fail(errno, "fsync");
  synced_ = true;
  int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) return Fail(errno, "close");
  return absl::OkStatus();
}

absl::Status StagingFile::Publish() {
  VITRINE_RETURN_IF_ERROR(Sync());
  if (::renameat2(AT_FDCWD, staging_path_.c_str(), AT_FDCWD, path_.c_str(),
                  RENAME_NOREPLACE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) return Fail(errno, "rename");
    // Not every network file system knows RENAME_NOREPLACE; link(2) refuses a
    // taken name everywhere.
    if (::link(staging_path_.c_str(), path_.c_str()) != 0)
      return Fail(errno, "link");
    ::unlink(staging_path_.c_str());
  }
  published_ = true;
  return SyncFolder(path_.parent_path());
}

absl::Status StagingFile::Replace() {
  VITRINE_RETURN_IF_ERROR(Sync());
  if (::rename(staging_path_.c_str(), path_.c_str()) != 0) {
    return Fail(errno, "rename");
  }
  published_ = true;
  return SyncFolder(path_.parent_path());
}

absl::Status PublishFile(const std::filesystem::path& path,
                         std::string_view bytes) {
  VITRINE_ASSIGN_OR_RETURN(auto file, StagingFile::Create(path));
  VITRINE_RETURN_IF_ERROR(file->Append(bytes));
  return file->Publish();
}

}  // namespace vitrine
