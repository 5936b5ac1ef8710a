#include "server/request_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/server.h"
#include "tests/test_util.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kTraceparent[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class RequestLogTest : public ::testing::Test {
 protected:
  ~RequestLogTest() override {
    server_ = nullptr;
    log_ = nullptr;
    if (fd_ >= 0) ::close(fd_);
  }
  void Start(LoggedRequests which, LogFormat format = LogFormat::kJson) {
    std::vector<TestProduct> products;
    for (int i = 0; i < 30; ++i) {
      const std::string id = "p" + std::to_string(100 + i);
      products.push_back(
          {id, "Dress", {{id + ".jpg", DrawVector(i, &random_)}}, {}});
    }
    ASSERT_OK(index_.Add(products));
    fd_ =
        ::open(path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(fd_, 0);
    log_ = std::make_unique<Log>(LogOptions{.program = "vitrine-server",
                                            .format = format,
                                            .most_waiting = 1000,
                                            .fd = fd_});
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    options.log = log_.get();
    options.log_requests = which;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    channel_ = grpc::CreateChannel(server_->address(),
                                   grpc::InsecureChannelCredentials());
    stub_ = v1::SearchService::NewStub(channel_);
  }
  std::filesystem::path path() const { return dir_ / "log"; }
  grpc::StatusCode Search(const std::string& product,
                          grpc::ClientContext* context) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id(product);
    v1::SearchResponse response;
    return stub_->Search(context, request, &response).error_code();
  }
  grpc::StatusCode Search(const std::string& product) {
    grpc::ClientContext context;
    return Search(product, &context);
  }
  // The server's end is not waited for, but that of all calls is.
  std::string TextAtTheEnd() {
    server_ = nullptr;
    log_ = nullptr;
    return testing::ReadAll(path());
  }
  std::vector<nlohmann::json> LinesAtTheEnd() {
    std::vector<nlohmann::json> lines;
    std::istringstream text(TextAtTheEnd());
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }

  // The one of a code; a call may end a moment after the next has begun.
  static nlohmann::json With(const std::vector<nlohmann::json>& lines,
                             const std::string& code) {
    for (const nlohmann::json& line : lines) {
      if (line["code"] == code) return line;
    }
    ADD_FAILURE() << "there is no " << code;
    return nlohmann::json::object();
  }

  std::mt19937 random_{1};
  TempDir dir_;
  ServingIndex index_;
  int fd_ = -1;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(RequestLogTest, TellsOfEachCall) {
  Start(LoggedRequests::kAll);
  grpc::ClientContext traced;
  traced.AddMetadata("traceparent", kTraceparent);
  ASSERT_EQ(Search("p105", &traced), grpc::StatusCode::OK);
  ASSERT_EQ(Search("none"), grpc::StatusCode::NOT_FOUND);
  const auto lines = LinesAtTheEnd();
  ASSERT_EQ(lines.size(), 2u);
  const nlohmann::json found = With(lines, "OK");
  EXPECT_EQ(found["message"], "request");
  EXPECT_EQ(found["level"], "info");
  EXPECT_EQ(found["method"], "vitrine.v1.SearchService/Search");
  EXPECT_EQ(found["code"], "OK");
  EXPECT_GT(found["ms"], 0);
  EXPECT_GE(found["queue_ms"], 0);
  EXPECT_GT(found["search_ms"], 0);
  EXPECT_GE(found["ms"], found["search_ms"]);
  EXPECT_FALSE(found.contains("embed_ms"));
  EXPECT_EQ(found["results"], 10);
  EXPECT_EQ(found["generation"], 1);
  EXPECT_THAT(std::string(found["peer"]), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(found["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(found["span_id"], "00f067aa0ba902b7");
  const nlohmann::json missed = With(lines, "NOT_FOUND");
  EXPECT_EQ(missed["code"], "NOT_FOUND");
  EXPECT_EQ(missed["reason"], "ERROR_REASON_UNKNOWN_PRODUCT");
  EXPECT_EQ(missed["results"], 0);
  EXPECT_FALSE(missed.contains("search_ms"));
  EXPECT_FALSE(missed.contains("generation"));
  EXPECT_FALSE(missed.contains("trace_id"));
}

TEST_F(RequestLogTest, TellsOfPicturesWhereTheirTimeWent) {
  Start(LoggedRequests::kAll);
  grpc::ClientContext context;
  v1::EmbedRequest request;
  request.add_images()->set_content(DrawPicture(1, 200, 10, 10));
  request.add_images()->set_content("no picture");
  v1::EmbedResponse response;
  ASSERT_TRUE(stub_->Embed(&context, request, &response).ok());
  const auto lines = LinesAtTheEnd();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_GT(lines[0]["decode_ms"], 0);
  EXPECT_GT(lines[0]["embed_ms"], 0);
  EXPECT_EQ(lines[0]["queries"], 2);
  EXPECT_EQ(lines[0]["failed"], 1);
  EXPECT_EQ(lines[0]["results"], 1);
}

TEST_F(RequestLogTest, AStreamHasOneLine) {
  Start(LoggedRequests::kErrors);
  for (const bool fails : {false, true}) {
    grpc::ClientContext context;
    const auto stream = stub_->SearchStream(&context);
    for (int i = 0; i < 3; ++i) {
      v1::SearchStreamRequest batch;
      batch.add_queries()->add_examples()->set_product_id("p107");
      batch.add_queries()->add_examples()->set_product_id(
          fails && i == 1 ? "none" : "p108");
      ASSERT_TRUE(stream->Write(batch));
    }
    ASSERT_TRUE(stream->WritesDone());
    v1::SearchStreamResponse answer;
    while (stream->Read(&answer)) {
    }
    ASSERT_TRUE(stream->Finish().ok());
  }
  // The one that had an error in it.
  const auto lines = LinesAtTheEnd();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["method"], "vitrine.v1.SearchService/SearchStream");
  EXPECT_EQ(lines[0]["code"], "OK");
  EXPECT_EQ(lines[0]["batches"], 3);
  EXPECT_EQ(lines[0]["queries"], 6);
  EXPECT_EQ(lines[0]["failed"], 1);
  EXPECT_EQ(lines[0]["results"], 50);
  EXPECT_GT(lines[0]["search_ms"], 0);
  EXPECT_EQ(lines[0]["generation"], 1);
}

TEST_F(RequestLogTest, OfErrorsAloneWhereTheseAreAskedFor) {
  Start(LoggedRequests::kErrors);
  ASSERT_EQ(Search("p105"), grpc::StatusCode::OK);
  ASSERT_EQ(Search("none"), grpc::StatusCode::NOT_FOUND);
  {
    grpc::ClientContext context;
    const auto stream = stub_->SearchStream(&context);
    ASSERT_TRUE(stream->Write({}));
    v1::SearchStreamResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  const auto lines = LinesAtTheEnd();
  ASSERT_EQ(lines.size(), 2u);
  With(lines, "NOT_FOUND");
  With(lines, "CANCELLED");
}

TEST_F(RequestLogTest, TakesNoTraceThatIsNotRightOrNotAlone) {
  Start(LoggedRequests::kAll);
  for (const std::vector<std::string>& headers :
       std::vector<std::vector<std::string>>{
           {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
           {kTraceparent, kTraceparent}}) {
    grpc::ClientContext context;
    for (const std::string& header : headers) {
      context.AddMetadata("traceparent", header);
    }
    ASSERT_EQ(Search("p105", &context), grpc::StatusCode::OK);
  }
  for (const nlohmann::json& line : LinesAtTheEnd()) {
    EXPECT_FALSE(line.contains("trace_id")) << line;
    EXPECT_FALSE(line.contains("span_id")) << line;
  }
}

TEST_F(RequestLogTest, HoldsNothingOfWhatCallersSend) {
  Start(LoggedRequests::kAll, LogFormat::kText);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a-secret-of-the-shop");
  v1::SearchRequest request;
  auto* values = request.add_examples()->mutable_vector()->mutable_values();
  for (int i = 0; i < 7; ++i) values->Add(-0.12345f);
  request.add_examples()->mutable_image()->set_content("a secret picture");
  v1::SearchResponse response;
  EXPECT_FALSE(stub_->Search(&context, request, &response).ok());
  EXPECT_EQ(Search("a secret product\nvitrine-server: forged"),
            grpc::StatusCode::NOT_FOUND);
  // A method's name is all that is the caller's.
  grpc::GenericStub stub(channel_);
  for (const std::string& name :
       {std::string("/no.Service/M code=OK \"x\" ms=1"),
        "/" + std::string(4000, 'x')}) {
    grpc::ClientContext generic;
    const grpc::Slice nothing("");
    grpc::ByteBuffer in(&nothing, 1), out;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&generic, name, {}, &in, &out,
                   [&](const grpc::Status& s) { done.set_value(s); });
    EXPECT_EQ(done.get_future().get().error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  const std::string text = TextAtTheEnd();
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, Not(HasSubstr("-0.123")));
  EXPECT_THAT(text, Not(HasSubstr("forged")));
  EXPECT_THAT(text, HasSubstr("method=\"no.Service/M code=OK \\\"x\\\" ms=1\" "
                              "code=UNIMPLEMENTED"));
  EXPECT_THAT(text, HasSubstr(std::string(100, 'x') + "... code="));
  EXPECT_THAT(text, Not(HasSubstr(std::string(101, 'x'))));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
}

TEST(ParseLoggedRequests, NamesTheRightOnes) {
  EXPECT_EQ(*ParseLoggedRequests("none"), LoggedRequests::kNone);
  EXPECT_EQ(*ParseLoggedRequests("errors"), LoggedRequests::kErrors);
  EXPECT_EQ(*ParseLoggedRequests("all"), LoggedRequests::kAll);
  EXPECT_EQ(ParseLoggedRequests("some").status().message(),
            "\"some\" is not right; it is none, errors or all");
}

}  // namespace
}  // namespace vitrine
