// The real programs for a while: callers who ask everything, photos that come,
// change and go, and generation after generation. Nothing may fail, and neither
// daemon may grow once it is warm. VITRINE_SOAK_SECONDS says how long.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/image/image.h"
#include "tests/process.h"
#include "tests/process_figures.h"
#include "tests/soak_callers.h"
#include "tests/soak_stub.h"
#include "tests/test_util.h"
#include "tests/test_util/environment.h"
#include "tests/test_util/plain_embedder.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::Eventually;
using testing::Process;
using testing::ProcessFigures;

constexpr std::chrono::minutes kPatience(2);
constexpr int kStay = 24;
constexpr int kKept = 12;  // Of those that come and go.
constexpr int kCallers = 3;

// What a daemon may have more at the end than when it was warm. Ten minutes are
// some tens of thousands of answers and hundreds of generations, each of which
// maps at least three files: of one generation in ten, or a kilobyte an answer,
// that were kept, these would tell. They are above what arenas and pools of
// threads still grow by, which is some MB.
constexpr int64_t kMoreMemoryKb = 32 << 10;
constexpr int64_t kMoreDescriptors = 8;
constexpr int64_t kMoreMappings = 100;

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

// Figures of a process from when it was warm on.
class Growth {
 public:
  Growth(std::string name, pid_t pid) : name_(std::move(name)), pid_(pid) {}

  void Look() { seen_.push_back(testing::FiguresOf(pid_)); }
  // The first quarter against the last.
  void Check() const {
    ASSERT_GE(seen_.size(), 8u) << "too few to tell growth";
    const size_t quarter = seen_.size() / 4;
    const ProcessFigures warm = testing::MedianOf(
        {seen_.begin(), seen_.begin() + static_cast<ptrdiff_t>(quarter)});
    const ProcessFigures last = testing::MedianOf(
        {seen_.end() - static_cast<ptrdiff_t>(quarter), seen_.end()});
    std::cout << name_ << " when warm: " << warm.ToString() << "\n"
              << name_ << " at the end: " << last.ToString() << "\n";
    EXPECT_GT(warm.descriptors, 0);
    EXPECT_LE(last.memory_kb, warm.memory_kb + kMoreMemoryKb) << name_;
    EXPECT_LE(last.descriptors, warm.descriptors + kMoreDescriptors) << name_;
    EXPECT_LE(last.mappings, warm.mappings + kMoreMappings) << name_;
  }

 private:
  const std::string name_;
  const pid_t pid_;
  std::vector<ProcessFigures> seen_;
};

class EndToEndSoak : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < kStay; ++i) {
      const std::string id = "stays" + std::to_string(i);
      stay_.push_back({id, id + ".jpg", Picture(i)});
      Drop(id, stay_.back().jpeg);
    }
    const std::string index = (dir_ / "index").string();
    indexer_ = std::make_unique<Process>(
        std::vector<std::string>{
            Program("vitrine-indexer"), "--catalog=" + Catalog().string(),
            "--index=" + index, "--status=127.0.0.1:0",
            // So that merges and removals come all the time.
            "--flat-shards=4", "--graph-rows=20", "--keep-generations=2",
            "--keep-minutes=0",
            // More than a hundred go, and little else stays.
            "--allow-mass-delete"},
        dir_ / "indexer.log");
    server_ = std::make_unique<Process>(
        std::vector<std::string>{Program("vitrine-server"), "--index=" + index,
                                 "--listen=127.0.0.1:0",
                                 "--status=127.0.0.1:0"},
        dir_ / "server.log");
    const std::string address = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(address, "") << server_->log();
    stub_ = std::make_unique<testing::StubbedServer>(address);
    for (const testing::SoakProduct& product : stay_) {
      ASSERT_TRUE(Eventually([&] { return IsThere(product.id); }, kPatience))
          << server_->log() << indexer_->log();
    }
  }

  static std::string Picture(int i) {
    return DrawPicture(i, static_cast<uint8_t>(37 * i),
                       static_cast<uint8_t>(250 - 11 * i),
                       static_cast<uint8_t>(101 * i));
  }
  fs::path Catalog() const { return dir_ / "catalogue"; }
  void Drop(const std::string& id, const std::string& jpeg) {
    fs::create_directories(Catalog());
    testing::WriteAll(dir_ / "dropped", jpeg);
    fs::rename(dir_ / "dropped", Catalog() / (id + ".jpg"));
  }
  // False as well where it cannot be asked, which the callers tell of.
  bool IsThere(const std::string& id) {
    v1::GetProductRequest request;
    request.set_product_id(id);
    v1::GetProductResponse response;
    return stub_->GetProduct(request, &response).ok();
  }
  int64_t GenerationsServed() const {
    int64_t served = 0;
    const std::string log = server_->log();
    for (size_t at = 0;
         (at = log.find("serving generation ", at)) != std::string::npos;
         ++at) {
      ++served;
    }
    return served;
  }
  static std::string LastLines(const Process& process) {
    const std::string log = process.log();
    return log.substr(log.size() - std::min<size_t>(log.size(), 2000));
  }
  static std::string Churned(int i) { return "comes" + std::to_string(i); }

  testing::TempDir dir_;
  std::vector<testing::SoakProduct> stay_;
  std::unique_ptr<Process> indexer_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<testing::StubbedServer> stub_;
};

TEST_F(EndToEndSoak, NothingFailsAndNothingGrows) {
  const std::chrono::seconds length(
      testing::NumberFromEnvironment("VITRINE_SOAK_SECONDS", 25));
  Growth growths[] = {{"vitrine-indexer", indexer_->pid()},
                      {"vitrine-server", server_->pid()}};
  const auto begin = Clock::now();
  const int64_t generations = GenerationsServed();
  int dropped = 0;
  int deleted = 0;
  int changed = 0;
  double slowest_s = 0;
  {
    testing::SoakCallers callers(stub_.get(), stay_, kCallers);
    for (; Clock::now() < begin + length; ++dropped) {
      const auto drop = Clock::now();
      Drop(Churned(dropped), Picture(kStay + dropped));
      ASSERT_TRUE(
          Eventually([&] { return IsThere(Churned(dropped)); }, kPatience))
          << LastLines(*indexer_);
      slowest_s =
          std::max(slowest_s,
                   std::chrono::duration<double>(Clock::now() - drop).count());
      if (dropped % 3 == 2) {
        Drop(Churned(dropped - 1), Picture(kStay + dropped + 7));
        ++changed;
      }
      if (dropped >= kKept) {
        const std::string old = Churned(deleted++);
        fs::remove(Catalog() / (old + ".jpg"));
        ASSERT_TRUE(Eventually([&] { return !IsThere(old); }, kPatience))
            << LastLines(*indexer_);
      }
      if (Clock::now() < begin + length / 3) continue;
      for (Growth& growth : growths) growth.Look();
    }
    callers.Stop();
    std::cout << callers.answered() << " answers (" << callers.Counts() << "), "
              << callers.errors() << " errors\n"
              << dropped << " drops, the slowest searchable after " << slowest_s
              << " s, " << changed << " changes, " << deleted << " deletions, "
              << GenerationsServed() - generations
              << " generations taken up in "
              << std::chrono::duration<double>(Clock::now() - begin).count()
              << " s\n";
    EXPECT_EQ(callers.errors(), 0) << callers.ErrorLines();
    EXPECT_GT(callers.answered(), 0);
  }
  for (const Growth& growth : growths) growth.Check();
  for (Process* process : {server_.get(), indexer_.get()}) {
    process->Signal(SIGTERM);
    EXPECT_EQ(process->Wait(kPatience), 0) << process->log();
  }
}

}  // namespace
}  // namespace vitrine
