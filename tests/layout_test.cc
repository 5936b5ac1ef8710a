// The rules of the source tree: who may include whom, where each large library
// is let in, where flags live, and how long a file may grow.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLines = 450;

struct Source {
  std::string path;  // relative to the root, with '/'
  std::vector<std::string> lines;

  bool IsHeader() const { return path.ends_with(".h"); }
  bool In(std::string_view folder) const {
    return path.starts_with(std::string(folder) + "/");
  }
};

// Every .h and .cc of the folders that hold our code.
std::vector<Source> ReadTree() {
  std::vector<Source> sources;
  for (const char* folder :
       {"common", "indexer", "server", "clients", "tests", "benchmarks"}) {
    const fs::path root = testing::SourceDir() / folder;
    if (!fs::exists(root)) continue;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cc") continue;
      Source source;
      source.path = fs::relative(entry.path(), testing::SourceDir()).string();
      std::istringstream text(testing::ReadAll(entry.path()));
      for (std::string line; std::getline(text, line);) {
        source.lines.push_back(line);
      }
      sources.push_back(std::move(source));
    }
  }
  return sources;
}

const std::vector<Source>& Tree() {
  static const auto* tree = new std::vector<Source>(ReadTree());
  return *tree;
}

// What `source` includes, as written between the quotes or brackets.
std::vector<std::string> Includes(const Source& source) {
  static const std::regex include(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  std::vector<std::string> includes;
  for (const std::string& line : source.lines) {
    std::smatch match;
    if (std::regex_search(line, match, include)) includes.push_back(match[1]);
  }
  return includes;
}

bool IncludesAny(const Source& source,
                 const std::vector<std::string>& prefixes) {
  for (const std::string& include : Includes(source)) {
    for (const std::string& prefix : prefixes) {
      if (include.starts_with(prefix)) return true;
    }
  }
  return false;
}

// The files of the product (tests, benchmarks and examples of clients may use
// what they like) that include something beginning with one of `prefixes`.
std::set<std::string> ProductFilesIncluding(
    const std::vector<std::string>& prefixes) {
  std::set<std::string> files;
  for (const Source& source : Tree()) {
    if (source.In("tests") || source.In("benchmarks")) continue;
    if (source.In("clients/examples")) continue;
    if (IncludesAny(source, prefixes)) files.insert(source.path);
  }
  return files;
}

TEST(Layout, ReadsTheTree) { EXPECT_GT(Tree().size(), 20u); }

TEST(Layout, CommonIncludesNoneOfItsUsers) {
  for (const Source& source : Tree()) {
    if (!source.In("common")) continue;
    EXPECT_FALSE(IncludesAny(
        source, {"indexer/", "server/", "clients/", "tests/", "benchmarks/"}))
        << source.path;
  }
}

TEST(Layout, IndexerServerAndClientsNeverIncludeEachOther) {
  const std::vector<std::string> users = {"indexer", "server", "clients"};
  for (const Source& source : Tree()) {
    for (const std::string& mine : users) {
      if (!source.In(mine)) continue;
      for (const std::string& other : users) {
        if (other == mine) continue;
        EXPECT_FALSE(IncludesAny(source, {other + "/"}))
            << source.path << " includes a header of " << other << "/";
      }
      EXPECT_FALSE(IncludesAny(source, {"tests/", "benchmarks/"}))
          << source.path;
    }
  }
}

TEST(Layout, GrpcStaysInServerClientsAndTheChannelBetweenThem) {
  for (const std::string& file :
       ProductFilesIncluding({"grpc/", "grpcpp/", "grpc++/"})) {
    EXPECT_TRUE(file.starts_with("server/") || file.starts_with("clients/") ||
                file.starts_with("common/rpc/channel."))
        << file;
  }
}

TEST(Layout, TorchHttplibHiredisAndSpdlogEachEnterThroughOneSource) {
  for (const std::vector<std::string>& library :
       std::vector<std::vector<std::string>>{
           {"torch/", "ATen/", "c10/", "caffe2/"},
           {"httplib.h"},
           {"hiredis/"},
           {"spdlog/", "fmt/"}}) {
    const std::set<std::string> files = ProductFilesIncluding(library);
    EXPECT_LE(files.size(), 1u)
        << library.front() << ": " << ::testing::PrintToString(files);
    for (const std::string& file : files) {
      EXPECT_TRUE(file.starts_with("common/") && file.ends_with(".cc")) << file;
    }
  }
}

TEST(Layout, HnswlibIsForTestsAndBenchmarks) {
  EXPECT_TRUE(ProductFilesIncluding({"hnswlib/"}).empty());
}

TEST(Layout, PrometheusStaysInMetrics) {
  for (const std::string& file : ProductFilesIncluding({"prometheus/"})) {
    EXPECT_TRUE(file.ends_with("_metrics.cc")) << file;
  }
}

// The programs that draw sheets, samples and reports are built on OpenCV.
TEST(Layout, OpenCvEntersThroughOneSourceAndThePictures) {
  std::set<std::string> files = ProductFilesIncluding({"opencv2/"});
  std::erase_if(files, [](const std::string& file) {
    return file.starts_with("clients/pictures/") ||
           file.starts_with("clients/eval/");
  });
  EXPECT_LE(files.size(), 1u) << ::testing::PrintToString(files);
  for (const std::string& file : files) {
    EXPECT_TRUE(file.starts_with("common/image/") && file.ends_with(".cc"))
        << file;
  }
}

TEST(Layout, FlagsLiveInMain) {
  static const std::regex flag(R"re(\bABSL_(RETIRED_)?FLAG\s*\()re");
  for (const Source& source : Tree()) {
    if (fs::path(source.path).filename() == "main.cc") continue;
    if (source.In("tests")) continue;
    for (const std::string& line : source.lines) {
      EXPECT_FALSE(std::regex_search(line, flag))
          << source.path << ": " << line;
    }
  }
}

TEST(Layout, EveryTestNamesAHeaderOrAKindOfFailure) {
  const std::vector<std::string> kinds = {"corruption_",      "recovery_",
                                          "fault_injection_", "end_to_end_",
                                          "layout_",          "bad_input_"};
  std::set<std::string> headers;
  for (const Source& source : Tree()) {
    if (source.IsHeader()) {
      headers.insert(fs::path(source.path).stem().string());
    }
  }
  for (const Source& source : Tree()) {
    const std::string name = fs::path(source.path).filename().string();
    if (!source.In("tests") || !name.ends_with("_test.cc")) continue;
    const bool is_kind = std::any_of(
        kinds.begin(), kinds.end(),
        [&](const std::string& kind) { return name.starts_with(kind); });
    const std::string stem = name.substr(0, name.size() - 8);
    EXPECT_TRUE(is_kind || headers.contains(stem))
        << source.path << " tests no " << stem << ".h";
  }
}

TEST(Layout, FilesStayShort) {
  for (const Source& source : Tree()) {
    EXPECT_LE(static_cast<int>(source.lines.size()), kMaxLines)
        << source.path << ": give it one job, and its other jobs a file each";
  }
}

TEST(Layout, HeadersAreIncludedOnce) {
  for (const Source& source : Tree()) {
    if (!source.IsHeader()) continue;
    EXPECT_TRUE(std::find(source.lines.begin(), source.lines.end(),
                          "#pragma once") != source.lines.end())
        << source.path << " wants #pragma once";
  }
}

// Names of metrics in a text, without what Prometheus adds to a histogram's.
std::set<std::string> MetricsIn(const std::string& text) {
  static const std::regex name("vitrine_[a-z_]+");
  std::set<std::string> names;
  for (std::sregex_iterator found(text.begin(), text.end(), name);
       found != std::sregex_iterator(); ++found) {
    std::string one = found->str();
    for (const std::string suffix : {"_bucket", "_count", "_sum"}) {
      if (one.ends_with(suffix)) one.resize(one.size() - suffix.size());
    }
    names.insert(one);
  }
  return names;
}

TEST(Layout, MetricsAreInTheDocumentsAndTheDashboardDrawsNoOthers) {
  std::set<std::string> counted;
  for (const Source& source : Tree()) {
    if (!source.path.ends_with("_metrics.cc")) continue;
    for (const std::string& line : source.lines) {
      if (line.find("\"vitrine_") != std::string::npos) {
        counted.merge(MetricsIn(line));
      }
    }
  }
  EXPECT_GT(counted.size(), 20u);
  const fs::path docs = testing::SourceDir() / "docs";
  const auto told = MetricsIn(testing::ReadAll(docs / "care.md"));
  const auto drawn = MetricsIn(testing::ReadAll(docs / "grafana.json"));
  for (const std::string& name : counted) {
    EXPECT_TRUE(told.contains(name)) << name << " is not in docs/care.md";
  }
  EXPECT_GT(drawn.size(), 20u);
  for (const std::string& name : drawn) {
    EXPECT_TRUE(counted.contains(name)) << name << " is drawn and not counted";
  }
}

}  // namespace
}  // namespace vitrine
