// `vitrine receipts`, from a server and from a folder.
#include "clients/cli/receipts_verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "common/image/image.h"
#include "server/server.h"
#include "tests/test_util.h"
#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Printed {
  int exit_status = 0;
  std::string out;
  std::string err;
};

Printed RunCommand(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "receipts");
  const CommandLine line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.flags) << line.text;
  std::ostringstream out, err;
  Printed printed;
  printed.exit_status =
      Run(*line.flags,
          Environment{out, err, -1,
                      (testing::BinDir() / "vitrine-pictures").string()});
  printed.out = out.str();
  printed.err = err.str();
  return printed;
}

// Both ways to the same receipts.
class ReceiptsVerbTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_OK(index_.Add(
        {{"p1", "Dress", {{"p1.jpg", DrawVector(1, &random)}}, {}}}));
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
  }
  std::string From() const {
    return GetParam() ? "--server=" + server_->address()
                      : "--index=" + index_.paths().root.string();
  }
  void Put(const std::string& lines) {
    AppendTo(index_.paths().receipts(), lines);
  }

  ServingIndex index_;
  std::unique_ptr<Server> server_;
};

TEST_P(ReceiptsVerbTest, ListsThem) {
  Put(ReceiptLines(0, 4));
  const Printed printed = RunCommand({From()});
  EXPECT_EQ(printed.exit_status, kOk) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("refused   photos/0.jpg"));
  EXPECT_THAT(printed.out, HasSubstr("accepted  photos/1.jpg"));
  EXPECT_EQ(std::count(printed.out.begin(), printed.out.end(), '\n'), 4);
}

TEST_P(ReceiptsVerbTest, SelectsThem) {
  Put(ReceiptLines(0, 10));
  v1::Receipt warned = NumberedReceipt(10);
  warned.add_warnings("blurred: very");
  Put(ReceiptToJson(warned) + "\n");
  const std::string since = "--since=2023-11-14T22:16:20Z";  // The third.
  EXPECT_EQ(RunCommand({From(), since, "--refused", "--format=json"}).out,
            ReceiptLines(3, 4) + ReceiptLines(6, 7) + ReceiptLines(9, 10));
  EXPECT_EQ(RunCommand({From(), "--warned", "--format=json"}).out,
            ReceiptToJson(warned) + "\n");
  EXPECT_EQ(
      RunCommand({From(), since, "--warned", "--refused", "--format=json"}).out,
      ReceiptLines(3, 4) + ReceiptLines(6, 7) + ReceiptLines(9, 10) +
          ReceiptToJson(warned) + "\n");
  EXPECT_EQ(RunCommand({From(), "--since=1h"}).out, "");
}

TEST_P(ReceiptsVerbTest, PrintsASpreadsheet) {
  Put(ReceiptLines(0, 2));
  const Printed printed = RunCommand({From(), "--format=csv"});
  EXPECT_THAT(printed.out, HasSubstr("\"time\",\"source\""));
  EXPECT_THAT(printed.out, HasSubstr("\"refused\",\"IMAGE_TRUNCATED\""));
  EXPECT_EQ(std::count(printed.out.begin(), printed.out.end(), '\n'), 3);
}

TEST_P(ReceiptsVerbTest, CountsByFolderWhatIsStillSo) {
  Put(ReceiptLines(0, 3));
  v1::Receipt mended = NumberedReceipt(1);
  mended.set_path("photos/0.jpg");
  Put(ReceiptToJson(mended) + "\n");
  const Printed printed = RunCommand({From(), "--by=folder", "--refused"});
  EXPECT_EQ(printed.exit_status, kOk);
  EXPECT_THAT(printed.out, HasSubstr("all            3        0        0"));
}

TEST_P(ReceiptsVerbTest, TellsOfLinesThatCannotBeRead) {
  Put(ReceiptLines(0, 1) + "a note\n" + ReceiptLines(1, 2));
  const Printed printed = RunCommand({From(), "--format=json"});
  EXPECT_EQ(printed.exit_status, kOk);
  EXPECT_EQ(printed.out, ReceiptLines(0, 2));
  EXPECT_THAT(printed.err, HasSubstr("1 line of receipts.jsonl"));
}

TEST_P(ReceiptsVerbTest, MakesAPageWithThePictures) {
  const fs::path photos = index_.dir().path() / "catalogue/photos";
  fs::create_directories(photos);
  Image image{60, 80, std::vector<uint8_t>(60 * 80 * 3, 90)};
  ASSERT_OK_AND_ASSIGN(const std::string jpeg, EncodeThumbnail(image));
  testing::WriteAll(photos / "0.jpg", jpeg);
  testing::WriteAll(photos / "3.jpg", jpeg.substr(0, jpeg.size() / 2));
  Put(ReceiptLines(0, 5));
  Printed printed =
      RunCommand({From(), "--format=html", "--refused",
                  "--catalog=" + (index_.dir().path() / "catalogue").string()});
  EXPECT_EQ(printed.exit_status, kOk) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("<h1>2 pictures refused</h1>"));
  EXPECT_THAT(printed.out, HasSubstr("data:image/jpeg;base64,"));
  EXPECT_THAT(printed.out,
              HasSubstr("<div class=box>it does not decode</div>"));
  printed = RunCommand({From(), "--format=html", "--catalog=/nonexistent"});
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_EQ(printed.out, "");
}

INSTANTIATE_TEST_SUITE_P(Sources, ReceiptsVerbTest, ::testing::Bool(),
                         [](const auto& source) {
                           return source.param ? "Server" : "Folder";
                         });

// A stream whose reader is told of each line, and may end the command.
class LineBuffer : public std::stringbuf {
 public:
  explicit LineBuffer(std::function<bool(const std::string&)> take)
      : take_(std::move(take)) {}
  int sync() override {
    const std::string lines = str();
    str("");
    return lines.empty() || take_(lines) ? 0 : -1;
  }

 private:
  std::function<bool(const std::string&)> take_;
};

TEST_P(ReceiptsVerbTest, FollowsWhatComes) {
  Put(ReceiptLines(0, 1));
  const CommandLine line =
      ParseCommandLine({"receipts", From(), "--follow", "--format=json"});
  ASSERT_TRUE(line.flags) << line.text;
  int next = 0;
  LineBuffer buffer([&](const std::string& lines) {
    EXPECT_EQ(lines, ReceiptLines(next, next + 1));
    if (++next == 20) return false;  // As where a pipe is closed.
    Put(ReceiptLines(next, next + 1));
    return true;
  });
  std::ostream out(&buffer);
  std::ostringstream err;
  EXPECT_EQ(cli::Run(*line.flags, Environment{out, err, -1, ""}), kFailed);
  EXPECT_EQ(next, 20);
}

TEST(ReceiptsVerb, SaysWhereThereIsNothingToRead) {
  testing::TempDir dir;
  Printed printed = RunCommand({"--index=" + (dir / "no").string()});
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_THAT(printed.err, HasSubstr("there is no index in"));
  printed = RunCommand({"--server=127.0.0.1:1"});
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_THAT(printed.err, HasSubstr("no server at 127.0.0.1:1"));
}

TEST_P(ReceiptsVerbTest, SaysHowToGoOnWhenTheServerEnds) {
  if (!GetParam()) GTEST_SKIP() << "there is no server";
  Put(ReceiptLines(0, 1));
  const CommandLine line = ParseCommandLine({"receipts", From(), "--follow"});
  ASSERT_TRUE(line.flags) << line.text;
  std::thread ending;
  LineBuffer buffer([&](const std::string&) {
    if (!ending.joinable()) {
      ending = std::thread([&] { server_->Shutdown(std::chrono::hours(1)); });
    }
    return true;
  });
  std::ostream out(&buffer);
  std::ostringstream err;
  EXPECT_EQ(cli::Run(*line.flags, Environment{out, err, -1, ""}), kFailed);
  ending.join();
  EXPECT_THAT(err.str(), HasSubstr("--since=2023-11-14T22:13:20.000Z goes on"));
}

}  // namespace
}  // namespace vitrine::cli
