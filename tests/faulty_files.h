// Makes calls that change files fail, or end the program, one at a time. It
// stands in libc's place: linked into a test it sees the calls of all that the
// test links, and as libvitrine_faulty_files.so, preloaded, those of a real
// program. Nothing of what is tested knows of it.
#pragma once

#include <cerrno>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace vitrine::testing {

struct FileFault {
  // The process is killed. Of a write, half is done.
  static constexpr int kKill = -1;
  // The same, and what was not synced is lost: bytes of files whose fsync was
  // not reached, and names of folders whose fsync was not. (Removals stay.)
  static constexpr int kPowerCut = -2;

  // "write shards": what is done, to files of which folder of the root, or to
  // which file that lies in the root itself ("write receipts.jsonl").
  std::string point;
  int nth = 0;  // Which of these calls, from 0.
  // An errno, or one of the above. A write that meets ENOSPC does half first.
  int error = EIO;
  // Whether all later calls of the point fail too.
  bool lasts = false;
  // How much may be written before the disk is full.
  int64_t free_bytes = INT64_MAX;

  // For the environment of a program that preloads this: "NAME=value", and what
  // goes before its command line with /usr/bin/env.
  std::vector<std::string> Preloaded(const std::filesystem::path& root) const;
};

// From now on the calls below `root` are counted and `fault` happens. Their
// fsyncs are not waited for, but a file that is renamed without one that went
// well ends the program. Thread-safe, as are the calls themselves.
void BreakFiles(const std::filesystem::path& root, const FileFault& fault = {});
// The fault is over, and the counting goes on.
void MendFiles();
// The calls since BreakFiles, by point.
std::map<std::string, int> FileCalls();
// Whether the fault has happened.
bool FilesBroke();

}  // namespace vitrine::testing
