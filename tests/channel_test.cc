#include "common/rpc/channel.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/process.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::minutes kPatience(2);

class ChannelTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return (folder_.path() / name).string();
  }
  static absl::Status Make(const std::string& address,
                           const ChannelSecurity& security) {
    return NewChannel(address, security, grpc::ChannelArguments()).status();
  }
  static std::string Error(const ChannelSecurity& security) {
    const absl::Status status = Make("127.0.0.1:1", security);
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  TempDir folder_;
};

TEST_F(ChannelTest, SendsNoTokenToAnotherMachineInTheClear) {
  ChannelSecurity security;
  security.token_file = Write("token", "a-token-of-the-shop\n");
  for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1"})
    EXPECT_TRUE(Make(here, security).ok()) << here;
  for (const char* elsewhere : {"search.example:1", "10.0.0.7:1",
                                "dns:///localhost:1", "127.example:1"}) {
    const absl::Status refused = Make(elsewhere, security);
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr(elsewhere), HasSubstr("--insecure"),
                      Not(HasSubstr("a-token"))));
  }
  security.insecure = true;
  EXPECT_TRUE(Make("search.example:1", security).ok());
  security.insecure = false;
  security.ca = "system";
  EXPECT_TRUE(Make("search.example:1", security).ok());
}

TEST_F(ChannelTest, NamesTheFileThatIsNotRight) {
  const std::string text = Write("text", "nothing of use\nsecond line");
  EXPECT_THAT(Error({.ca = text}), AllOf(HasSubstr(text), HasSubstr("PEM")));
  EXPECT_THAT(Error({.ca = text + ".gone"}), HasSubstr(text + ".gone"));
  EXPECT_THAT(Error({.certificate = text}), HasSubstr("give both"));
  EXPECT_THAT(Error({.certificate = text, .key = text}),
              HasSubstr("encrypted server"));
  EXPECT_THAT(Error({.token_file = text}),
              AllOf(HasSubstr(text), Not(HasSubstr("nothing of use"))));
  EXPECT_THAT(Error({.token_file = Write("empty", "\n")}),
              HasSubstr("no token"));
}

// Answers every call with its caller's header `authorization`, but for those
// that bring `refused`.
class HeaderServer final : public grpc::CallbackGenericService {
 public:
  static constexpr char kRefused[] = "Bearer refused";

  HeaderServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~HeaderServer() override { server_->Shutdown(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Reactor final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Reactor(const std::string& header) {
        if (header == kRefused) {
          Finish({grpc::StatusCode::UNAUTHENTICATED, "who is this"});
          return;
        }
        const grpc::Slice slice(header);
        answer_ = grpc::ByteBuffer(&slice, 1);
        StartWriteAndFinish(&answer_, {}, grpc::Status::OK);
      }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer answer_;
    };
    const auto found = context->client_metadata().find("authorization");
    return new Reactor(
        found == context->client_metadata().end()
            ? ""
            : std::string(found->second.data(), found->second.size()));
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// What the server got, or the error.
absl::StatusOr<std::string> HeaderOfCall(
    const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  std::promise<void> done;
  stub.UnaryCall(&context, "/any/Call", {}, &request, &response,
                 [&](grpc::Status ended) {
                   status = std::move(ended);
                   done.set_value();
                 });
  done.get_future().wait();
  if (!status.ok()) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }
  grpc::Slice slice;
  EXPECT_TRUE(response.DumpToSingleSlice(&slice).ok());
  return std::string(reinterpret_cast<const char*>(slice.begin()),
                     slice.size());
}

TEST_F(ChannelTest, SendsTheTokenThatItsFileHoldsNow) {
  HeaderServer server;
  const std::string file = Write("token", "the-first-token\n");
  const auto channel = NewChannel(server.address(), {.token_file = file}, {});
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(*HeaderOfCall(*channel), "Bearer the-first-token");
  Write("token", "another-token-than-the-first\n");
  EXPECT_TRUE(testing::Eventually(
      [&] {
        return *HeaderOfCall(*channel) == "Bearer another-token-than-the-first";
      },
      kPatience));
}

TEST_F(ChannelTest, SendsTheFormerTokenWhileItsFileHoldsNoneAndSaysSo) {
  HeaderServer server;
  const std::string file = Write("token", "refused\n");
  const auto channel = NewChannel(server.address(), {.token_file = file}, {});
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(HeaderOfCall(*channel).status().message(), "who is this");
  Write("token", "");
  EXPECT_TRUE(testing::Eventually(
      [&] {
        const absl::Status error = HeaderOfCall(*channel).status();
        EXPECT_TRUE(absl::IsUnauthenticated(error)) << error;
        return error.message() ==
               absl::StrCat("who is this; the former token was sent, since ",
                            file, ": its first line holds no token");
      },
      kPatience));
  Write("token", "a-right-one\n");
  EXPECT_TRUE(testing::Eventually(
      [&] {
        const auto header = HeaderOfCall(*channel);
        return header.ok() && *header == "Bearer a-right-one";
      },
      kPatience));
}

}  // namespace
}  // namespace vitrine
