// Who is let in, and what those who are not can do to a server.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/image/image.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/certificates.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::Process;

constexpr std::chrono::minutes kPatience(2);
constexpr char kShop[] = "a-token-of-the-shop-123";
constexpr char kTeam[] = "a-token-of-the-team-123";

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

// The most memory that a process has held.
int64_t MostMb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return -1;
}

class EndToEndSecurity : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new testing::TempDir();
    const auto folder = world_->path() / "catalogue" / "Shirts";
    std::filesystem::create_directories(folder);
    for (int i = 0; i < 10; ++i) {
      testing::WriteAll(folder / ("p" + std::to_string(i) + ".jpg"),
                        DrawPicture(i, static_cast<uint8_t>(25 * i), 90, 120));
    }
    const Output indexer = testing::RunToEnd(
        {Program("vitrine-indexer"),
         "--catalog=" + (world_->path() / "catalogue").string(),
         "--index=" + (world_->path() / "index").string(), "--once"});
    ASSERT_EQ(indexer.status, 0) << indexer.err;
  }
  static void TearDownTestSuite() { delete world_; }

  std::string Write(const std::string& name, const std::string& text) {
    const auto next = dir_.path() / "next";
    testing::WriteAll(next, text);
    std::filesystem::permissions(next, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
    std::filesystem::rename(next, dir_.path() / name);
    return (dir_.path() / name).string();
  }
  void WriteIdentity(const std::string& name, const TestIdentity& identity) {
    Write(name + ".crt", identity.certificate);
    Write(name + ".key", identity.key);
  }
  std::string Path(const std::string& name) const {
    return (dir_.path() / name).string();
  }
  std::vector<std::string> Encrypted() {
    WriteIdentity("server", ca_.Issue("server"));
    Write("ca.crt", ca_.certificate());
    return {"--tls-cert=" + Path("server.crt"),
            "--tls-key=" + Path("server.key")};
  }
  void Start(const std::vector<std::string>& flags) {
    std::vector<std::string> argv = {
        Program("vitrine-server"),
        "--index=" + (world_->path() / "index").string(), "--require-index",
        "--listen=127.0.0.1:0"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    server_ = std::make_unique<Process>(argv, dir_.path() / "log");
    address_ = testing::AwaitAddress(*server_, kPatience);
    ASSERT_NE(address_, "") << server_->log();
  }
  // A verb of the command.
  Output Ask(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), Program("vitrine"));
    argv.push_back("--server=" + address_);
    argv.push_back("--timeout-ms=20000");
    return testing::RunToEnd(argv);
  }
  Output Search(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"search", "--product=Shirts/p3"});
    return Ask(std::move(flags));
  }

  static testing::TempDir* world_;
  const testing::TempDir dir_;
  const TestCa ca_{"the shop's CA"};
  std::unique_ptr<Process> server_;
  std::string address_;
};

testing::TempDir* EndToEndSecurity::world_ = nullptr;

void ExpectRefused(const Output& output, const std::string& why) {
  EXPECT_EQ(output.status, 1) << output.out;
  EXPECT_THAT(output.out + output.err,
              AllOf(HasSubstr(why), Not(HasSubstr("Shirts/p4"))));
}

TEST_F(EndToEndSecurity, TokensHaveRoles) {
  std::vector<std::string> flags = Encrypted();
  flags.push_back("--tokens=" +
                  Write("tokens", std::string("query ") + kShop +
                                      " shop\ncatalogue " + kTeam));
  Start(flags);
  const std::string ca = "--tls-ca=" + Path("ca.crt");
  const std::string shop = "--token-file=" + Write("shop", kShop);
  const std::string team = "--token-file=" + Write("team", kTeam);
  const std::string stranger =
      "--token-file=" + Write("stranger", "a-token-of-a-stranger");

  EXPECT_EQ(Search({ca, shop}).status, 0) << Search({ca, shop}).err;
  EXPECT_EQ(Search({ca, team}).status, 0);
  ExpectRefused(Search({ca}), "wants a token");
  ExpectRefused(Search({ca, stranger}),
                "none of this server's; ask who runs it for one");
  ExpectRefused(Ask({"receipts", ca, shop}),
                "the token's role is query, and this call is for catalogue; "
                "send a token of that role");
  EXPECT_EQ(Ask({"receipts", ca, team}).status, 0);
  ExpectRefused(Ask({"export", ca, shop}), "role is query");
  EXPECT_EQ(Ask({"export", ca, team}).status, 0);
  EXPECT_EQ(Ask({"describe", ca, shop}).status, 0);
  // A stream and those who watch.
  EXPECT_EQ(
      Ask({"search", "--product=Shirts/p3", "--product=Shirts/p4", ca, shop})
          .status,
      0);
  ExpectRefused(
      Ask({"search", "--product=Shirts/p3", "--product=Shirts/p4", ca}),
      "wants a token");
  EXPECT_THAT(server_->log(),
              AllOf(Not(HasSubstr(kShop)), Not(HasSubstr("stranger"))));

  // Taken back, without a restart.
  Write("tokens", std::string("catalogue ") + kTeam);
  EXPECT_TRUE(Eventually(
      [&] {
        return Search({ca, shop}).status == 1;
      },
      kPatience));
  EXPECT_EQ(Search({ca, team}).status, 0);
}

TEST_F(EndToEndSecurity, TokensAloneDoBetweenProgramsOfOneMachine) {
  Start({"--tokens=" + Write("tokens", std::string("query ") + kShop)});
  EXPECT_EQ(Search({"--token-file=" + Write("shop", kShop)}).status, 0);
  ExpectRefused(Search({}), "wants a token");
}

TEST_F(EndToEndSecurity, EncryptedServersTakeNobodyInTheClear) {
  Start(Encrypted());
  EXPECT_EQ(Search({"--tls-ca=" + Path("ca.crt")}).status, 0);
  ExpectRefused(Search({}), "wants --tls-ca");
  // Whoever is another server, to one that trusts another CA.
  const TestCa other("another CA");
  Write("other.crt", other.certificate());
  ExpectRefused(Search({"--tls-ca=" + Path("other.crt")}),
                "its certificate is not one of --tls-ca");
  ExpectRefused(Search({"--tls-ca=system"}), "no server at");
  EXPECT_EQ(Search({"--tls-ca=" + Path("ca.crt")}).status, 0);
}

TEST_F(EndToEndSecurity, CallersTakeNoServerOfAnotherName) {
  const std::vector<std::string> flags = Encrypted();
  WriteIdentity("server", ca_.Issue("server", -3600, 3600,
                                    "DNS:search.example,IP:10.0.0.7"));
  Start(flags);
  ExpectRefused(Search({"--tls-ca=" + Path("ca.crt")}), "no server at");
  EXPECT_EQ(kill(server_->pid(), 0), 0);
}

TEST_F(EndToEndSecurity, ACertificateThatIsReplacedIsShownWithoutARestart) {
  Start(Encrypted());
  const TestCa next("the next CA");
  Write("next.crt", next.certificate());
  ExpectRefused(Search({"--tls-ca=" + Path("next.crt")}), "no server at");
  WriteIdentity("server", next.Issue("server"));
  EXPECT_TRUE(Eventually(
      [&] { return Search({"--tls-ca=" + Path("next.crt")}).status == 0; },
      kPatience));
}

TEST_F(EndToEndSecurity, CallersMustShowACertificateWhereTheirCaIsNamed) {
  std::vector<std::string> flags = Encrypted();
  const TestCa callers("the callers' CA");
  flags.push_back("--tls-client-ca=" +
                  Write("callers.crt", callers.certificate()));
  Start(flags);
  const auto search_as = [&](const TestIdentity& identity) {
    WriteIdentity("caller", identity);
    return Search({"--tls-ca=" + Path("ca.crt"),
                   "--tls-cert=" + Path("caller.crt"),
                   "--tls-key=" + Path("caller.key")});
  };
  EXPECT_EQ(search_as(callers.Issue("shop")).status, 0);
  ExpectRefused(Search({"--tls-ca=" + Path("ca.crt")}), "no server at");
  ExpectRefused(search_as(callers.Issue("old", -7200, -3600)), "no server at");
  ExpectRefused(search_as(callers.Issue("early", 3600, 7200)), "no server at");
  ExpectRefused(search_as(TestCa("another CA").Issue("shop")), "no server at");
  ExpectRefused(search_as(ca_.Issue("shop")), "no server at");
  EXPECT_EQ(search_as(callers.Issue("shop")).status, 0);
}

TEST_F(EndToEndSecurity, NobodyListensElsewhereInTheClearUnlessToldTo) {
  const std::string index = "--index=" + (world_->path() / "index").string();
  const auto refusal = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> argv = {Program("vitrine-server"), index};
    argv.insert(argv.end(), flags.begin(), flags.end());
    const Output output = testing::RunToEnd(argv);
    EXPECT_EQ(output.status, 2) << output.err;
    return output.err;
  };
  EXPECT_THAT(refusal({"--listen=0.0.0.0:0"}),
              AllOf(HasSubstr("--listen=0.0.0.0:0"), HasSubstr("--tls-cert"),
                    HasSubstr("--insecure")));
  EXPECT_THAT(
      refusal({"--listen=127.0.0.1:0", "--status=0.0.0.0:0"}),
      AllOf(HasSubstr("--status=0.0.0.0:0"), HasSubstr("--insecure-status")));
  EXPECT_THAT(refusal({"--listen=here"}), HasSubstr("HOST:PORT"));
  const Output indexer =
      testing::RunToEnd({Program("vitrine-indexer"), index,
                         "--catalog=" + (world_->path() / "catalogue").string(),
                         "--status=0.0.0.0:0"});
  EXPECT_EQ(indexer.status, 2);
  EXPECT_THAT(indexer.err, AllOf(HasSubstr("--status=0.0.0.0:0"),
                                 HasSubstr("--insecure-status")));
}

TEST_F(EndToEndSecurity, WrongFilesAreToldAtTheStart) {
  Encrypted();
  const auto failure = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> argv = {
        Program("vitrine-server"),
        "--index=" + (world_->path() / "index").string(),
        "--listen=127.0.0.1:0"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    const Output output = testing::RunToEnd(argv);
    EXPECT_EQ(output.status, 1) << output.err;
    return output.err;
  };
  EXPECT_THAT(failure({"--tls-cert=" + Path("server.crt")}),
              HasSubstr("--tls-key is missing"));
  EXPECT_THAT(failure({"--tls-cert=" + Path("server.crt"),
                       "--tls-key=" + Path("gone.key")}),
              HasSubstr("gone.key"));
  EXPECT_THAT(
      failure({"--tokens=" + Write("tokens", "boss " + std::string(kShop))}),
      AllOf(HasSubstr("line 1"), HasSubstr("query, catalogue or admin"),
            Not(HasSubstr(kShop))));
  Start({});
  const Output asked = Search({"--tls-cert=" + Path("server.crt")});
  EXPECT_EQ(asked.status, 2);
  EXPECT_THAT(asked.err, HasSubstr("give both"));
}

TEST_F(EndToEndSecurity, MessagesOfAGigabyteAreRefusedInBoundedMemory) {
  Start({});
  ASSERT_EQ(Search({}).status, 0);
  const int64_t before = MostMb(server_->pid());
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  const auto channel = grpc::CreateCustomChannel(
      address_, grpc::InsecureChannelCredentials(), arguments);
  // One megabyte, a thousand times.
  const grpc::Slice megabyte(std::string(1 << 20, 'x'));
  const std::vector<grpc::Slice> slices(1024, megabyte);
  const grpc::ByteBuffer request(slices.data(), slices.size());
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  };
  std::vector<Call> calls(6);
  for (Call& call : calls) {
    call.context.set_deadline(std::chrono::system_clock::now() + 2 * kPatience);
    call.reader = stub.PrepareUnaryCall(
        &call.context, "/vitrine.v1.SearchService/Search", request, &queue);
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(static_cast<Call*>(tag)->status.error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED)
        << static_cast<Call*>(tag)->status.error_message();
  }
  // The transport may hold 512 MB, and takes more before it knows.
  EXPECT_LT(MostMb(server_->pid()) - before, 1024);
  EXPECT_EQ(Search({}).status, 0);
}

TEST_F(EndToEndSecurity, MessagesOfMillionsOfPartsAreRefusedInBoundedMemory) {
  Start({"--tokens=" + Write("tokens", "query " + std::string(kShop) + "\n")});
  ASSERT_EQ(Search({"--token-file=" + Write("shop", kShop)}).status, 0);
  const int64_t before = MostMb(server_->pid());
  // Empty examples, of two bytes each.
  std::string bytes;
  for (int i = 0; i < 19'000'000; ++i) bytes.append("\x0a\x00", 2);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  grpc::GenericStub stub(grpc::CreateCustomChannel(
      address_, grpc::InsecureChannelCredentials(), arguments));
  grpc::CompletionQueue queue;
  for (const bool has_token : {false, true}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    if (has_token)
      context.AddMetadata("authorization", "Bearer " + std::string(kShop));
    grpc::ByteBuffer response;
    grpc::Status status;
    auto call = stub.PrepareUnaryCall(
        &context, "/vitrine.v1.SearchService/Search", request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), has_token
                                       ? grpc::StatusCode::INVALID_ARGUMENT
                                       : grpc::StatusCode::UNAUTHENTICATED);
    if (has_token) {
      EXPECT_THAT(status.error_message(), HasSubstr("fields"));
    }
  }
  EXPECT_LT(MostMb(server_->pid()) - before, 250);
}

TEST_F(EndToEndSecurity, ThoseWhoConnectAndSayNothingHoldUpNobody) {
  Start({});
  ASSERT_EQ(Search({}).status, 0);
  const int64_t before = MostMb(server_->pid());
  std::vector<int> silent;
  sockaddr_in place = {};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  place.sin_port = htons(static_cast<uint16_t>(
      std::stoi(address_.substr(address_.rfind(':') + 1))));
  for (int i = 0; i < 300; ++i) {
    silent.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(silent.back(), reinterpret_cast<sockaddr*>(&place),
                        sizeof(place)),
              0);
    // Some begin to say something.
    if (i % 2 == 0) {
      ASSERT_EQ(::send(silent.back(), "PRI * HT", 8, 0), 8);
    }
  }
  const auto channel =
      grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  const auto stub = v1::SearchService::NewStub(channel);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<
      v1::SearchStreamRequest, v1::SearchStreamResponse>>>
      streams;
  for (int i = 0; i < 300; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub->SearchStream(contexts.back().get()));
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Search({}).status, 0);
  EXPECT_LT(MostMb(server_->pid()) - before, 100);
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& stream : streams) stream->Finish();
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(kPatience), 0);
  for (const int fd : silent) ::close(fd);
}

}  // namespace
}  // namespace vitrine
