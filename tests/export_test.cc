#include "clients/cli/export.h"

#include <gtest/gtest.h>

#include <sstream>

#include "clients/cli/output_json.h"
#include "tests/test_util/fake_server.h"

namespace vitrine::cli {
namespace {

using testing::FakeServer;

constexpr RetryPolicy kQuick = {3, std::chrono::milliseconds(1)};

void WriteProduct(FakeServer::ListHalf* writer, int id, uint64_t generation) {
  v1::ListProductsResponse response;
  response.set_generation(generation);
  response.add_products()->set_product_id(std::to_string(id));
  writer->Write(response);
}

struct Exported {
  int exit_status = 0;
  std::vector<std::string> ids;
  std::string err;
};

Exported ExportFrom(const FakeServer& server, const Flags& flags = {}) {
  Connection connection = Connection::Make(server.address(), {}, 30000).value();
  std::ostringstream out, err;
  Exported exported;
  exported.exit_status =
      Export(connection, flags, Environment{out, err, -1, ""}, kQuick);
  exported.err = err.str();
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    exported.ids.push_back(Json::parse(line)["product_id"]);
  }
  return exported;
}

TEST(Export, WritesEveryProduct) {
  FakeServer server;
  server.list_products = [](const v1::ListProductsRequest& request,
                            FakeServer::ListHalf* writer) {
    EXPECT_TRUE(request.vectors());
    EXPECT_EQ(request.after_product_id(), "10");
    EXPECT_EQ(request.filter().condition().attribute(), "price");
    for (int id : {11, 12}) WriteProduct(writer, id, 4);
    return grpc::Status::OK;
  };
  Flags flags;
  flags.return_vectors = true;
  flags.after_product_id = "10";
  flags.filters.emplace_back().mutable_condition()->set_attribute("price");
  Exported exported = ExportFrom(server, flags);
  EXPECT_EQ(exported.exit_status, kOk);
  EXPECT_EQ(exported.ids, (std::vector<std::string>{"11", "12"}));
  EXPECT_EQ(exported.err, "");
}

TEST(Export, TakesUpABrokenStreamAfterTheLastProduct) {
  FakeServer server;
  int calls = 0;
  server.list_products = [&calls](const v1::ListProductsRequest& request,
                                  FakeServer::ListHalf* writer) {
    switch (++calls) {
      case 1:
        WriteProduct(writer, 1, 4);
        WriteProduct(writer, 2, 4);
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "going away");
      case 2:
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "still away");
      default:
        EXPECT_EQ(request.after_product_id(), "2");
        WriteProduct(writer, 3, 5);
        return grpc::Status::OK;
    }
  };
  Exported exported = ExportFrom(server);
  EXPECT_EQ(exported.exit_status, kOk);
  EXPECT_EQ(exported.ids, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_NE(exported.err.find("generation 5, before of generation 4"),
            std::string::npos)
      << exported.err;
}

TEST(Export, GivesUpAndSaysHowToGoOn) {
  FakeServer server;
  int calls = 0;
  server.list_products = [&calls](const v1::ListProductsRequest&,
                                  FakeServer::ListHalf* writer) {
    if (++calls == 1) WriteProduct(writer, 7, 4);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "away");
  };
  Exported exported = ExportFrom(server);
  EXPECT_EQ(exported.exit_status, kFailed);
  EXPECT_EQ(calls, 1 + kQuick.attempts);
  EXPECT_NE(exported.err.find("--after=7"), std::string::npos) << exported.err;
}

TEST(Export, DoesNotRetryWhatCannotSucceed) {
  FakeServer server;
  int calls = 0;
  server.list_products = [&calls](const v1::ListProductsRequest&,
                                  FakeServer::ListHalf* writer) {
    ++calls;
    WriteProduct(writer, 7, 4);
    return testing::Refusal(grpc::StatusCode::DATA_LOSS,
                            v1::ERROR_REASON_INDEX_DAMAGED,
                            "products/3 fails its checksum");
  };
  Exported exported = ExportFrom(server);
  EXPECT_EQ(exported.exit_status, kFailed);
  EXPECT_EQ(calls, 1);
  EXPECT_NE(exported.err.find("products/3"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::cli
