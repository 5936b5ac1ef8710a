#include "clients/cli/query.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/test_util.h"

namespace vitrine::cli {
namespace {

using testing::TempDir;
using testing::WriteAll;

// Both ends of a pipe, closed in the end.
struct Pipe {
  Pipe() { EXPECT_EQ(pipe(ends), 0); }
  ~Pipe() {
    close(ends[0]);
    CloseWriter();
  }
  void Write(const std::string& text) {
    EXPECT_EQ(write(ends[1], text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void CloseWriter() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  int ends[2] = {-1, -1};
};

std::unique_ptr<QuerySource> Open(const Flags& flags, int standard_input = -1) {
  auto source = QuerySource::Open(flags, standard_input);
  EXPECT_TRUE(source.ok()) << source.status();
  return std::move(source).value();
}

std::vector<std::string> Labels(QuerySource* source) {
  std::vector<std::string> labels;
  while (auto query = source->Next()) labels.push_back(query->label);
  return labels;
}

TEST(QuerySource, GivesPicturesThenProducts) {
  Flags flags;
  flags.products = {"1163"};
  flags.images = {"b.jpg", "a.jpg"};
  auto source = Open(flags);
  EXPECT_EQ(source->total(), 3);
  EXPECT_EQ(Labels(source.get()),
            (std::vector<std::string>{"b.jpg", "a.jpg", "1163"}));
}

TEST(QuerySource, WalksAFolderInOrderPastWhatIsNoPicture) {
  TempDir dir;
  std::filesystem::create_directories(dir / "sub/.hidden");
  for (const char* name :
       {"z.jpg", "b.PNG", "sub/a.jpeg", "sub/c.webp", "notes.txt", "._z.jpg",
        "sub/.hidden/d.jpg", "e.jpg.part"}) {
    WriteAll(dir / name, "x");
  }
  Flags flags;
  flags.images = {dir.path().string() + "/"};
  auto source = Open(flags);
  std::string root = dir.path().string();
  EXPECT_EQ(Labels(source.get()),
            (std::vector<std::string>{root + "/b.PNG", root + "/sub/a.jpeg",
                                      root + "/sub/c.webp", root + "/z.jpg"}));
}

TEST(QuerySource, RefusesAFolderWithoutPictures) {
  TempDir dir;
  Flags flags;
  flags.images = {dir.path().string()};
  auto source = QuerySource::Open(flags, -1);
  EXPECT_EQ(source.status().code(), absl::StatusCode::kNotFound);
}

TEST(QuerySource, ReadsPathsFromStandardInput) {
  Pipe pipe;
  pipe.Write("a.jpg\r\n\nfolder name/b.jpg\nlast.jpg");
  pipe.CloseWriter();
  Flags flags;
  flags.images = {"-"};
  auto source = Open(flags, pipe.ends[0]);
  EXPECT_FALSE(source->total());
  EXPECT_EQ(
      Labels(source.get()),
      (std::vector<std::string>{"a.jpg", "folder name/b.jpg", "last.jpg"}));
}

TEST(QuerySource, TellsWhenItWouldWaitForALine) {
  Pipe pipe;
  pipe.Write("a.jpg\nb.jpg\nhal");
  Flags flags;
  flags.images = {"-"};
  auto source = Open(flags, pipe.ends[0]);
  EXPECT_EQ(source->Next()->label, "a.jpg");
  EXPECT_FALSE(source->WouldWait());
  EXPECT_EQ(source->Next()->label, "b.jpg");
  EXPECT_TRUE(source->WouldWait());
  pipe.Write("f.jpg\n");
  EXPECT_FALSE(source->WouldWait());
  EXPECT_EQ(source->Next()->label, "half.jpg");
}

TEST(QuerySource, InterruptEndsAWait) {
  Pipe pipe;
  Flags flags;
  flags.images = {"-"};
  auto source = Open(flags, pipe.ends[0]);
  std::thread other([&source] { source->Interrupt(); });
  EXPECT_FALSE(source->Next());
  other.join();
}

TEST(QuerySource, NamesACombinationByItsParts) {
  Flags flags;
  flags.extra_examples = {{true, "a.jpg", 1}, {false, "1163", -0.5f}};
  auto source = Open(flags);
  auto query = source->Next();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->kind, Query::Kind::kCombined);
  EXPECT_EQ(query->label, "a.jpg - 1163");
}

TEST(QuerySource, ReadsAFileOfVectors) {
  TempDir dir;
  WriteAll(dir / "v.jsonl", "[1, 0.5]\n{\"query\":\"x.jpg\",\"vector\":[2]}\n");
  Flags flags;
  flags.vectors = {(dir / "v.jsonl").string()};
  auto source = Open(flags);
  auto first = source->Next();
  EXPECT_EQ(first->vector, (std::vector<float>{1, 0.5f}));
  EXPECT_EQ(first->label, flags.vectors[0] + ":1");
  auto second = source->Next();
  EXPECT_EQ(second->label, "x.jpg");
  EXPECT_EQ(second->vector, std::vector<float>{2});
  EXPECT_FALSE(source->Next());
}

TEST(ParseVectorLine, SaysWhatIsWrong) {
  for (const char* line :
       {"", "{}", "[]", "7", "[1, \"a\"]", "{\"vector\": 1}", "[1, nan]"}) {
    Query query = ParseVectorLine(line, "v.jsonl:3");
    EXPECT_FALSE(query.error.ok()) << line;
    EXPECT_NE(std::string(query.error.message()).find("v.jsonl:3"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace vitrine::cli
