// Products that `vitrine push` sends through a real queue and indexer, until a
// real server finds them.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/image/codecs.h"
#include "tests/process.h"
#include "tests/redis_server.h"
#include "tests/test_util.h"
#include "tests/test_util/plain_embedder.h"
#include "tests/test_util/status_matchers.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::Process;
using testing::WriteAll;

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class EndToEndPushTest : public ::testing::Test {
 protected:
  EndToEndPushTest() {
    std::filesystem::create_directories(catalog());
    const std::string index = "--index=" + (dir_ / "index").string();
    server_ = std::make_unique<Process>(
        std::vector<std::string>{Program("vitrine-server"), index,
                                 "--listen=127.0.0.1:0"},
        dir_ / "server.log");
    indexer_ = std::make_unique<Process>(
        std::vector<std::string>{Program("vitrine-indexer"), index,
                                 "--queue=" + redis_.Url()},
        dir_ / "indexer.log");
    address_ = testing::AwaitAddress(*server_, kPatience);
    EXPECT_NE(address_, "") << server_->log();
  }

  std::filesystem::path catalog() const { return dir_ / "catalog"; }
  Output Push(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("vitrine"), "push", "--queue=" + redis_.Url(),
                  "--wait", "--server=" + address_});
    return testing::RunToEnd(flags, kPatience);
  }
  bool Finds(const std::string& product) {
    auto stub = v1::SearchService::NewStub(
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::GetProductRequest request;
    request.set_product_id(product);
    v1::GetProductResponse response;
    return stub->GetProduct(&context, request, &response).ok();
  }

  testing::TempDir dir_;
  testing::RedisServer redis_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<Process> indexer_;
  std::string address_;
};

TEST_F(EndToEndPushTest, WaitsUntilAServerFindsAllAndTellsWhatWasRefused) {
  WriteAll(catalog() / "SKU1_front.jpg", DrawPicture(1, 200, 20, 20));
  WriteAll(catalog() / "SKU1_back.jpg", DrawPicture(2, 200, 20, 20));
  WriteAll(catalog() / "SKU2_front.jpg", DrawPicture(3, 20, 20, 200));
  WriteAll(catalog() / "SKU3_front.jpg", "no picture at all");
  const std::vector<std::string> flags = {"--catalog=" + catalog().string(),
                                          "--product-pattern=^(SKU[0-9]+)_"};
  // The server had no index before.
  Output pushed = Push(flags);
  EXPECT_EQ(pushed.status, 1) << pushed.err;
  EXPECT_THAT(pushed.err,
              HasSubstr("refused SKU3_front.jpg of product 'SKU3': "));
  EXPECT_THAT(pushed.err, HasSubstr("pushed 3 products with 4 pictures in "));
  EXPECT_THAT(pushed.err,
              HasSubstr("searchable at " + address_ +
                        " but for 1 pictures that were refused; vitrine "
                        "receipts --refused --server=" +
                        address_ + " tells why"));
  EXPECT_TRUE(Finds("SKU1"));
  EXPECT_TRUE(Finds("SKU2"));
  EXPECT_FALSE(Finds("SKU3"));

  WriteAll(catalog() / "SKU3_front.jpg", DrawPicture(4, 20, 200, 20));
  pushed = Push(flags);
  EXPECT_EQ(pushed.status, 0) << pushed.err;
  EXPECT_THAT(pushed.err, Not(HasSubstr("refused")));
  EXPECT_TRUE(Finds("SKU3"));
  pushed = Push({"--delete=SKU2"});
  EXPECT_EQ(pushed.status, 0) << pushed.err;
  EXPECT_FALSE(Finds("SKU2"));
}

TEST_F(EndToEndPushTest, ARefusedPictureIsShownToWhoSentIt) {
  // One that decodes, and is too large.
  Image image;
  image.width = 9000;
  image.height = 7200;
  image.rgb.assign(size_t{9000} * 7200 * 3, 120);
  ASSERT_OK_AND_ASSIGN(const std::string jpeg, EncodeJpeg(image, 50));
  WriteAll(catalog() / "SKU1_front.jpg", jpeg);
  WriteAll(catalog() / "SKU2_front.jpg", "no picture at all");
  const Output pushed = Push(
      {"--catalog=" + catalog().string(), "--product-pattern=^(SKU[0-9]+)_"});
  EXPECT_EQ(pushed.status, 1) << pushed.err;
  // The sender has taken them away.
  std::filesystem::remove_all(catalog());
  const Output page = testing::RunToEnd(
      {Program("vitrine"), "receipts", "--refused", "--format=html",
       "--index=" + (dir_ / "index").string()},
      kPatience);
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("IMAGE_TOO_MANY_PIXELS"));
  EXPECT_THAT(page.out, HasSubstr("src=\"data:image/jpeg;base64,"));
  EXPECT_THAT(page.out, HasSubstr("it does not decode"));
}

TEST_F(EndToEndPushTest, SendsNothingWhereTheServerDoesNotAnswer) {
  address_ = "127.0.0.1:" + std::to_string(testing::FreePort());
  WriteAll(dir_ / "a.jpg", DrawPicture(1, 200, 20, 20));
  const Output pushed = Push({"--image=" + (dir_ / "a.jpg").string()});
  EXPECT_EQ(pushed.status, 1) << pushed.err;
  EXPECT_THAT(pushed.err, HasSubstr(address_));
  EXPECT_EQ(redis_.Cli({"XLEN", "catalogue"}), "0\n");
}

}  // namespace
}  // namespace vitrine
