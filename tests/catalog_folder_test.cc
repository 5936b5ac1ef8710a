#include "common/catalog/catalog_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <thread>

#include "common/base/status.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::WriteAll;

std::vector<std::string> Paths(const std::vector<FoundFile>& files) {
  std::vector<std::string> paths;
  for (const FoundFile& file : files) paths.push_back(file.path);
  return paths;
}

using Strings = std::vector<std::string>;

// Runs it in a thread in which openat2 fails with `error`, as before Linux 5.6
// (ENOSYS) and in some sandboxes (EPERM). False where that cannot be had.
bool RunWithoutOpenat2(int error, const std::function<void()>& run) {
  bool filtered = false;
  std::thread([&] {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K,
                 SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program = {std::size(code), code};
    filtered = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (filtered) run();
  }).join();
  return filtered;
}

TEST(WalkCatalog, FindsPicturesAndSidecarsInOrder) {
  TempDir dir;
  fs::create_directories(dir / "b/c");
  fs::create_directories(dir / ".hidden");
  fs::create_directories(dir / "__MACOSX");
  for (const char* name :
       {"b/c/2.jpg", "b/1.PNG", "a.webp", "a.webp.json", "b/notes.txt",
        "styles.csv", "b/images.csv", ".hidden/x.jpg", "__MACOSX/x.jpg",
        "b/3.jpg.part", "README.md"}) {
    WriteAll(dir / name, "12345");
  }
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok()) << walk.status();
  EXPECT_EQ(Paths(walk->pictures),
            (Strings{"a.webp", "b/1.PNG", "b/c/2.jpg", "b/notes.txt"}));
  EXPECT_EQ(Paths(walk->jsons), Strings{"a.webp.json"});
  EXPECT_EQ(walk->stray_tables, Strings{"b/images.csv"});
  EXPECT_EQ(walk->pictures[0].version.bytes, 5u);
  struct stat info;
  ASSERT_EQ(::stat((dir / "a.webp").c_str(), &info), 0);
  EXPECT_EQ(walk->pictures[0].version.modified_unix_ns,
            info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
  EXPECT_TRUE(walk->problems.empty());
}

TEST(WalkCatalog, FollowsLinksToFilesWithinAndNoLinksToFolders) {
  TempDir dir;
  fs::create_directories(dir / "a/b");
  WriteAll(dir / "a/1.jpg", "x");
  fs::create_symlink("1.jpg", dir / "a/2.jpg");
  fs::create_symlink(dir / "a", dir / "a/b/loop");
  fs::create_symlink("a", dir / "again");
  fs::create_symlink("self", dir / "self");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(Paths(walk->pictures), (Strings{"a/1.jpg", "a/2.jpg"}));
  // The link that points to itself can be neither read nor taken for gone.
  EXPECT_EQ(walk->unreadable, Strings{"self"});
}

TEST(WalkCatalog, RefusesLinksOutOfTheCatalogue) {
  TempDir dir, outside;
  WriteAll(outside / "secret.jpg", "x");
  fs::create_symlink(outside / "secret.jpg", dir / "a.jpg");
  fs::create_symlink(outside / "secret.jpg", dir / "a.jpg.json");
  fs::create_symlink("/dev/zero", dir / "device.jpg");
  fs::create_symlink(outside.path(), dir / "more");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  // Whoever put them there hears of it when they are read.
  EXPECT_EQ(Paths(walk->pictures), (Strings{"a.jpg", "device.jpg"}));
  for (const FoundFile& link : walk->pictures) {
    EXPECT_EQ(ReadBeneath(dir.path(), link.path, 100).status().code(),
              absl::StatusCode::kPermissionDenied);
  }
  EXPECT_TRUE(walk->jsons.empty());
  ASSERT_EQ(walk->problems.size(), 4u);
  for (const auto& problem : walk->problems) {
    EXPECT_EQ(problem.kind, ProblemKind::kPathEscapes);
    EXPECT_NE(problem.message.find(problem.path == "device.jpg"
                                       ? "to /dev/zero"
                                       : outside.path().string()),
              std::string::npos)
        << problem.message;
  }
}

TEST(WalkCatalog, TheRootMayBeALink) {
  TempDir dir;
  fs::create_directories(dir / "real");
  WriteAll(dir / "real/1.jpg", "x");
  fs::create_symlink("1.jpg", dir / "real/2.jpg");
  fs::create_symlink("real", dir / "link");
  const auto walk = WalkCatalog(dir / "link");
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(walk->pictures.size(), 2u);
  EXPECT_EQ(walk->root_identity, WalkCatalog(dir / "real")->root_identity);
}

TEST(WalkCatalog, PassesOverWhatIsNoFile) {
  TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe.jpg").c_str(), 0600), 0);
  WriteAll(dir / "1.jpg", "x");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(Paths(walk->pictures), Strings{"1.jpg"});
}

TEST(WalkCatalog, PassesOverAnIndex) {
  TempDir dir;
  fs::create_directories(dir / "index/manifests");
  fs::create_directories(dir / "index/shards");
  WriteAll(dir / "index/LOCK", "");
  WriteAll(dir / "index/shards/abc", "x");
  WriteAll(dir / "1.jpg", "x");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(Paths(walk->pictures), Strings{"1.jpg"});
  EXPECT_EQ(WalkCatalog(dir / "index").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(WalkCatalog, GoesVeryDeep) {
  TempDir dir;
  fs::path deep = dir.path();
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    deep /= "f";
    expected += "f/";
  }
  fs::create_directories(deep);
  WriteAll(deep / "1.jpg", "x");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(Paths(walk->pictures), Strings{expected + "1.jpg"});
}

TEST(WalkCatalog, EscapesNamesThatAreNotUtf8) {
  TempDir dir;
  WriteAll(dir / "caf\xE9.jpg", "bytes");
  const auto walk = WalkCatalog(dir.path());
  ASSERT_TRUE(walk.ok());
  ASSERT_EQ(Paths(walk->pictures), Strings{"caf%E9.jpg"});
  EXPECT_EQ(*ReadBeneath(dir.path(), "caf%E9.jpg", 100), "bytes");
  EXPECT_TRUE(StatBeneath(dir.path(), "caf%E9.jpg"));
}

TEST(WalkCatalog, NamesFoldersThatItMayNotRead) {
  TempDir dir;
  fs::create_directories(dir / "shut");
  WriteAll(dir / "shut/1.jpg", "x");
  WriteAll(dir / "2.jpg", "x");
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((dir / "shut").c_str(), 0000), 0);
  // Root may read everything; another user may not.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto walk = WalkCatalog(dir.path());
  const auto shut = WalkCatalog(dir / "shut");
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_EQ(::chmod((dir / "shut").c_str(), 0755), 0);
  ASSERT_TRUE(walk.ok()) << walk.status();
  EXPECT_EQ(Paths(walk->pictures), Strings{"2.jpg"});
  EXPECT_EQ(walk->unreadable, Strings{"shut"});
  ASSERT_EQ(walk->problems.size(), 1u);
  EXPECT_EQ(walk->problems[0].kind, ProblemKind::kUnreadable);
  EXPECT_EQ(shut.status().code(), absl::StatusCode::kUnavailable);
}

TEST(WalkCatalog, TellsAMissingRootFromAFile) {
  TempDir dir;
  WriteAll(dir / "file", "x");
  EXPECT_EQ(WalkCatalog(dir / "none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(WalkCatalog(dir / "file").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckRoot(dir / "none").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CheckRoot(dir / "file").code(), absl::StatusCode::kInvalidArgument);
}

void ExpectReadsWithinTheRootAlone() {
  TempDir dir, outside;
  WriteAll(outside / "secret", "secret");
  fs::create_directories(dir / "a");
  WriteAll(dir / "a/1.jpg", "one");
  fs::create_symlink("a/1.jpg", dir / "in.jpg");
  fs::create_symlink(dir / "a/1.jpg", dir / "absolute.jpg");
  fs::create_symlink("a", dir / "folder");
  fs::create_symlink(outside / "secret", dir / "out.jpg");
  fs::create_symlink(outside.path(), dir / "out");
  for (const char* path :
       {"a/1.jpg", "in.jpg", "absolute.jpg", "folder/1.jpg"}) {
    const auto bytes = ReadBeneath(dir.path(), path, 100);
    ASSERT_TRUE(bytes.ok()) << path << bytes.status();
    EXPECT_EQ(*bytes, "one");
  }
  for (const char* path : {"out.jpg", "out/secret"}) {
    EXPECT_EQ(ReadBeneath(dir.path(), path, 100).status().code(),
              absl::StatusCode::kPermissionDenied)
        << path;
  }
  for (const std::string& path :
       {"../" + outside.path().filename().string() + "/secret",
        (outside / "secret").string(), std::string("a/../../secret")}) {
    EXPECT_FALSE(ReadBeneath(dir.path(), path, 100).ok()) << path;
  }
}

TEST(ReadBeneath, ReadsWithinTheRootAlone) { ExpectReadsWithinTheRootAlone(); }

TEST(ReadBeneath, ReadsSoWhereTheKernelDoesNotHelp) {
  for (const int error : {ENOSYS, EPERM}) {
    if (!RunWithoutOpenat2(error, ExpectReadsWithinTheRootAlone)) {
      GTEST_SKIP() << "no seccomp filter can be set here";
    }
  }
}

// A file and a folder that turn into links out of the root and back, as fast as
// can be.
void ExpectNeverReadsASecret() {
  TempDir dir, outside;
  WriteAll(outside / "1.jpg", "secret");
  fs::create_directories(dir / "root/folder");
  WriteAll(dir / "root/1.jpg", "own");
  WriteAll(dir / "root/folder/1.jpg", "own");
  fs::create_symlink(outside / "1.jpg", dir / "link");
  fs::create_symlink(outside.path(), dir / "linked folder");
  std::atomic<bool> stop = false;
  std::thread swaps([&] {
    while (!stop) {
      ::renameat2(AT_FDCWD, (dir / "link").c_str(), AT_FDCWD,
                  (dir / "root/1.jpg").c_str(), RENAME_EXCHANGE);
      ::renameat2(AT_FDCWD, (dir / "linked folder").c_str(), AT_FDCWD,
                  (dir / "root/folder").c_str(), RENAME_EXCHANGE);
    }
  });
  int read = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    for (const char* path : {"1.jpg", "folder/1.jpg"}) {
      const auto bytes = ReadBeneath(dir / "root", path, 100);
      ++(bytes.ok() ? read : refused);
      if (bytes.ok()) {
        EXPECT_EQ(*bytes, "own");
      }
    }
  }
  stop = true;
  swaps.join();
  // Else nothing was shown.
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

TEST(ReadBeneath, IsNotMisledByALinkThatAppears) { ExpectNeverReadsASecret(); }

TEST(ReadBeneath, IsNotMisledWhereTheKernelDoesNotHelp) {
  if (!RunWithoutOpenat2(ENOSYS, ExpectNeverReadsASecret)) {
    GTEST_SKIP() << "no seccomp filter can be set here";
  }
}

TEST(ReadBeneath, NamesWhatIsWrong) {
  TempDir dir;
  WriteAll(dir / "big.jpg", "0123456789");
  ASSERT_EQ(::mkfifo((dir / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(ReadBeneath(dir.path(), "none.jpg", 5).status().code(),
            absl::StatusCode::kNotFound);
  const auto big = ReadBeneath(dir.path(), "big.jpg", 5);
  EXPECT_EQ(big.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(big.status().message()).find("big.jpg"),
            std::string::npos);
  EXPECT_FALSE(ReadBeneath(dir.path(), "pipe.jpg", 5).ok());
}

TEST(StatBeneath, SeesWhatAWalkSees) {
  TempDir dir, outside;
  WriteAll(outside / "secret", "secret");
  fs::create_directories(dir / "a");
  WriteAll(dir / "a/1.jpg", "one");
  fs::create_symlink("a/1.jpg", dir / "in.jpg");
  fs::create_symlink("a", dir / "folder");
  fs::create_symlink(outside / "secret", dir / "out.jpg");
  fs::create_symlink(outside.path(), dir / "out");
  EXPECT_EQ(StatBeneath(dir.path(), "a/1.jpg")->bytes, 3u);
  EXPECT_TRUE(StatBeneath(dir.path(), "in.jpg"));
  EXPECT_TRUE(StatLinkOut(dir.path(), "out.jpg"));
  for (const char* path : {"a/1.jpg", "in.jpg", "folder", "folder/1.jpg", "out",
                           "out/secret", "none.jpg"}) {
    EXPECT_FALSE(StatLinkOut(dir.path(), path)) << path;
  }
  for (const char* path :
       {"folder/1.jpg", "out.jpg", "a", "none.jpg", "a/none.jpg"}) {
    EXPECT_FALSE(StatBeneath(dir.path(), path)) << path;
  }
}

TEST(PathBeneath, FollowsLinks) {
  TempDir dir, outside;
  fs::create_directories(dir / "a");
  WriteAll(dir / "a/1.jpg", "one");
  fs::create_symlink("a", dir / "folder");
  fs::create_symlink(outside.path(), dir / "out");
  EXPECT_EQ(*PathBeneath(dir.path(), "folder/1.jpg"), "a/1.jpg");
  EXPECT_EQ(*PathBeneath(dir.path(), "folder/none.jpg"), "a/none.jpg");
  EXPECT_EQ(PathBeneath(dir.path(), "out/1.jpg").status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace vitrine
