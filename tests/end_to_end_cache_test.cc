// A real server with a --cache, whose index goes away and comes back as a
// shared volume does.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::Output;
using testing::Process;
using testing::RunToEnd;

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

std::string Picture(int i) {
  return DrawPicture(i, static_cast<uint8_t>(25 * i), 90, 120);
}

class EndToEndCache : public ::testing::Test {
 protected:
  void Drop(int i) {
    const fs::path folder = dir_ / "catalogue";
    fs::create_directories(folder);
    testing::WriteAll(folder / ("p" + std::to_string(i) + ".jpg"), Picture(i));
  }
  void Index(const fs::path& index) {
    const Output indexer =
        RunToEnd({Program("vitrine-indexer"),
                  "--catalog=" + (dir_ / "catalogue").string(),
                  "--index=" + index.string(), "--once"});
    ASSERT_EQ(indexer.status, 0) << indexer.err;
  }
  std::vector<std::string> Command(const std::string& index) const {
    return {Program("vitrine-server"), "--index=" + index,
            "--cache=" + cache_.string(), "--listen=127.0.0.1:0"};
  }
  void Start(const std::string& index) {
    server_ = std::make_unique<Process>(
        Command(index), dir_ / ("log" + std::to_string(++starts_)));
    const std::string address = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(address, "") << server_->log();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  }
  bool Finds(int i) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(Picture(i));
    request.mutable_fields()->set_thumbnail(true);
    v1::SearchResponse response;
    return stub_->Search(&context, request, &response).ok() &&
           response.hits_size() > 0 && response.hits(0).same_content() &&
           !response.hits(0).thumbnail().empty();
  }
  v1::DescribeIndexResponse Describe() {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    const grpc::Status status = stub_->DescribeIndex(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  testing::TempDir dir_;
  const fs::path shared_ = dir_ / "shared";
  const fs::path away_ = dir_ / "away";
  const fs::path cache_ = dir_ / "cache";
  int starts_ = 0;
  std::unique_ptr<Process> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(EndToEndCache, AnswersAndStartsAgainWhileItsIndexIsAway) {
  for (int i = 0; i < 8; ++i) Drop(i);
  Index(shared_);
  Start(shared_.string());
  ASSERT_TRUE(Eventually([&] { return Finds(3); }, kPatience))
      << server_->log();
  EXPECT_FALSE(Describe().degraded());

  fs::rename(shared_, away_);
  ASSERT_TRUE(Eventually([&] { return Describe().degraded(); }, kPatience));
  EXPECT_THAT(Describe().degraded_reason(),
              HasSubstr("the index is away, and answers are from the copy in " +
                        cache_.string()));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(Finds(i)) << i;

  const Output second = RunToEnd(Command(shared_.string()));
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err,
              HasSubstr("another server has the cache " + cache_.string()));

  server_->Signal(SIGKILL);
  EXPECT_EQ(server_->Wait(kPatience), 128 + SIGKILL);
  Start(shared_.string());
  // It was ready before it said where it listens.
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(Finds(i)) << i;
  ASSERT_TRUE(Eventually([&] { return Describe().degraded(); }, kPatience));

  // What came meanwhile is taken up once the index is back.
  Drop(9);
  Index(away_);
  EXPECT_FALSE(Finds(9));
  fs::rename(away_, shared_);
  ASSERT_TRUE(Eventually([&] { return Finds(9); }, kPatience))
      << server_->log();
  ASSERT_TRUE(Eventually([&] { return !Describe().degraded(); }, kPatience))
      << server_->log();
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 0) << server_->log();
}

TEST_F(EndToEndCache, CopiesEachOfSeveralIndexesToAFolderOfItsOwn) {
  for (int i = 0; i < 4; ++i) Drop(i);
  Index(dir_ / "a/index");
  fs::remove_all(dir_ / "catalogue");
  for (int i = 4; i < 8; ++i) Drop(i);
  Index(dir_ / "b/index");
  Start((dir_ / "a/index").string() + "," + (dir_ / "b/index").string());
  ASSERT_TRUE(Eventually([&] { return Finds(1) && Finds(6); }, kPatience))
      << server_->log();
  fs::rename(dir_ / "a", dir_ / "c");
  fs::rename(dir_ / "b", dir_ / "d");
  EXPECT_TRUE(Finds(2));
  EXPECT_TRUE(Finds(7));
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(cache_)) {
    ++folders;
    EXPECT_TRUE(fs::exists(entry.path() / "CACHE")) << entry.path();
  }
  EXPECT_EQ(folders, 2);
}

}  // namespace
}  // namespace vitrine
