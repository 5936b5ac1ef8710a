#include "common/log/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr std::chrono::minutes kPatience(1);

// A standard error of a test's own, of which 4 KB wait for their reader.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(::pipe2(fds_, O_CLOEXEC), 0);
    EXPECT_GE(::fcntl(fds_[1], F_SETPIPE_SZ, 4096), 4096);
  }
  ~Pipe() {
    CloseReader();
    CloseWriter();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return fds_[1]; }
  void CloseReader() { Close(&fds_[0]); }
  void CloseWriter() { Close(&fds_[1]); }
  // From here on it takes nothing until it is read.
  void Fill() {
    const int flags = ::fcntl(fds_[1], F_GETFL);
    ::fcntl(fds_[1], F_SETFL, flags | O_NONBLOCK);
    while (::write(fds_[1], "\n", 1) == 1) {
    }
    ::fcntl(fds_[1], F_SETFL, flags);
  }
  // All lines that are not empty, until the writer is closed.
  std::vector<std::string> Read() {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(fds_[0], buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      if (!line.empty()) lines.push_back(line);
    }
    return lines;
  }

 private:
  static void Close(int* fd) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
  int fds_[2] = {-1, -1};
};

class LogTest : public ::testing::Test {
 protected:
  void Start(LogFormat format, size_t most_waiting = 0) {
    log_ = std::make_unique<Log>(LogOptions{.program = "vitrine-test",
                                            .format = format,
                                            .most_waiting = most_waiting,
                                            .fd = pipe_.writer()});
  }
  // What it has written at its end.
  std::vector<std::string> End() {
    log_ = nullptr;
    pipe_.CloseWriter();
    return pipe_.Read();
  }
  void TellAll() {
    log_->Info("a plain line");
    log_->Warn(
        "café\nvitrine-test: forged\x1b[2J\x7f \xC2\x9B \xE2\x80\xA8 "
        "\xE2\x80\xAE.");
    log_->Error("bytes \xFF\xFE of nothing");
    const LogField fields[] = {{"method", "a/B"},
                               {"empty", ""},
                               {"n", 42},
                               {"ms", 1.25},
                               {"said", "x code=OK \"\\ \n é \xFF"}};
    log_->Line(LogLevel::kInfo, "request", fields);
  }

  Pipe pipe_;
  std::unique_ptr<Log> log_;
};

TEST_F(LogTest, TextIsOneLineThatCannotBeForged) {
  Start(LogFormat::kText);
  TellAll();
  const std::vector<std::string> lines = End();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "vitrine-test: a plain line");
  EXPECT_EQ(lines[1],
            "vitrine-test: café\\x0avitrine-test: forged\\x1b[2J\\x7f \\u009b "
            "\\u2028 \\u202e.");
  EXPECT_EQ(lines[2],
            "vitrine-test: bytes \xEF\xBF\xBD\xEF\xBF\xBD of nothing");
  EXPECT_THAT(
      lines[3],
      MatchesRegex("vitrine-test: "
                   "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z request "
                   "method=a/B empty=\"\" n=42 ms=1.250 said=.*"));
  EXPECT_THAT(lines[3], HasSubstr(" said=\"x code=OK \\\"\\\\ \\x0a é "
                                  "\xEF\xBF\xBD\""));
}

TEST_F(LogTest, JsonIsAnObjectALine) {
  Start(LogFormat::kJson);
  TellAll();
  const std::vector<std::string> lines = End();
  ASSERT_EQ(lines.size(), 4u);
  std::vector<nlohmann::ordered_json> objects;
  for (const std::string& line : lines) {
    objects.push_back(nlohmann::ordered_json::parse(line));
    for (const char c : line) {
      EXPECT_GE(c, ' ') << line;  // Nothing but ASCII.
    }
  }
  EXPECT_THAT(std::string(objects[0]["time"]),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                           "[0-9]{2}\\.[0-9]{3}Z"));
  EXPECT_THAT(lines[0], StartsWith("{\"time\":\""));
  EXPECT_EQ(objects[0]["level"], "info");
  EXPECT_EQ(objects[0]["program"], "vitrine-test");
  EXPECT_EQ(objects[0]["message"], "a plain line");
  EXPECT_EQ(objects[1]["level"], "warning");
  EXPECT_EQ(objects[1]["message"],
            "café\nvitrine-test: forged\x1b[2J\x7f \xC2\x9B \xE2\x80\xA8 "
            "\xE2\x80\xAE.");
  EXPECT_EQ(objects[2]["level"], "error");
  EXPECT_EQ(objects[2]["message"], "bytes \xEF\xBF\xBD\xEF\xBF\xBD of nothing");
  EXPECT_EQ(objects[3]["method"], "a/B");
  EXPECT_EQ(objects[3]["n"], 42);
  EXPECT_EQ(objects[3]["ms"], 1.25);
  EXPECT_EQ(objects[3]["said"], "x code=OK \"\\ \n é \xEF\xBF\xBD");
}

TEST_F(LogTest, NothingThatWaitsIsLostAtTheEnd) {
  constexpr int kThreads = 4;
  constexpr int kEach = 250;
  Start(LogFormat::kText, kThreads * kEach);
  std::vector<std::string> lines;
  std::thread reader([&] { lines = pipe_.Read(); });
  std::vector<std::thread> tellers;
  for (int i = 0; i < kThreads; ++i) {
    tellers.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) log_->Info("a line of many");
    });
  }
  for (std::thread& teller : tellers) teller.join();
  log_ = nullptr;
  pipe_.CloseWriter();
  reader.join();
  ASSERT_EQ(lines.size(), size_t{kThreads * kEach});
  for (const std::string& line : lines) {
    EXPECT_EQ(line, "vitrine-test: a line of many");
  }
}

TEST_F(LogTest, WhoeverTellsDoesNotWaitForAStandardErrorThatIsStuck) {
  constexpr int kLines = 2000;
  Start(LogFormat::kJson, /*most_waiting=*/8);
  pipe_.Fill();
  for (int i = 0; i < kLines; ++i) log_->Info("line " + std::to_string(i));
  EXPECT_FALSE(log_->Flush(std::chrono::milliseconds(1)));
  const uint64_t lost = log_->lost();
  EXPECT_GE(lost, uint64_t{kLines} - 9);
  std::vector<std::string> lines;
  std::thread reader([&] { lines = pipe_.Read(); });
  EXPECT_TRUE(log_->Flush(kPatience));
  EXPECT_EQ(log_->lost(), lost);
  log_ = nullptr;
  pipe_.CloseWriter();
  reader.join();
  uint64_t plain = 0;
  uint64_t told_lost = 0;
  std::string last;
  for (const std::string& line : lines) {
    const auto object = nlohmann::json::parse(line);
    if (object.contains("lines")) {
      told_lost += object["lines"].get<uint64_t>();
      EXPECT_EQ(object["level"], "warning");
      EXPECT_THAT(std::string(object["message"]), HasSubstr("are lost"));
    } else {
      ++plain;
      last = object["message"];
    }
  }
  EXPECT_EQ(plain + lost, uint64_t{kLines});
  EXPECT_EQ(told_lost, lost);
  EXPECT_EQ(last, "line " + std::to_string(kLines - 1));
}

TEST_F(LogTest, EndsWhereStandardErrorIsStuckForEver) {
  // The thread that writes to it is left behind.
  static Pipe* const stuck = new Pipe();
  stuck->Fill();
  {
    Log log(
        {.program = "vitrine-test", .most_waiting = 8, .fd = stuck->writer()});
    for (int i = 0; i < 2000; ++i) log.Info("line");
  }
  SUCCEED();
}

TEST_F(LogTest, OutlivesAPipeThatNobodyReads) {
  Start(LogFormat::kText, /*most_waiting=*/8);
  pipe_.CloseReader();
  log_->Info("to nobody");
  EXPECT_TRUE(log_->Flush(kPatience));
  EXPECT_EQ(log_->lost(), 1u);
}

TEST(ParseLogFormat, NamesTheRightOnes) {
  EXPECT_EQ(*ParseLogFormat("text"), LogFormat::kText);
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_EQ(ParseLogFormat("xml").status().message(),
            "\"xml\" is not right; it is text or json");
}

}  // namespace
}  // namespace vitrine
