// Certificates that are replaced, or end, while servers run.
#include <gmock/gmock.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <utility>

#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util/certificates.h"
#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::Not;

constexpr std::chrono::minutes kPatience(2);
constexpr long kDay = 24L * 3600;

class CertificateFaults : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    const auto next = folder_.path() / "next";
    std::ofstream(next) << text;
    std::filesystem::rename(next, folder_.path() / name);
    return (folder_.path() / name).string();
  }
  // A certificate and its key, in NAME.crt and NAME.key.
  void WriteIdentity(const std::string& name, const TestIdentity& identity) {
    Write(name + ".crt", identity.certificate);
    Write(name + ".key", identity.key);
  }
  std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  TestServer StartEncrypted(ServerOptions options) {
    options.tls = {Path("server.crt"), Path("server.key"), Path("callers.crt")};
    return TestServer::Start(std::move(options));
  }

  const TempDir folder_;
  const TestCa first_{"the first CA"}, next_{"the next CA"};
  PartitionedIndex index_{30, 1, 5};
};

TEST_F(CertificateFaults,
       BackendsThatGoOverToAnotherCaAreReachedWithoutAStart) {
  WriteIdentity("server", first_.Issue("server"));
  WriteIdentity("caller", first_.Issue("caller"));
  Write("callers.crt", first_.certificate());
  Write("backends.crt", first_.certificate());
  ServerOptions options = PartitionedIndex::OptionsOf(&index_.part(0));
  // What does not go over an old connection needs a new one.
  options.max_connection_age_ms = 200;
  const TestServer backend = StartEncrypted(std::move(options));
  options = index_.OptionsOfBackends({backend.server->address()});
  options.backend_security.ca = Path("backends.crt");
  options.backend_security.certificate = Path("caller.crt");
  options.backend_security.key = Path("caller.key");
  options.partitions.timeout_ms =
      std::chrono::milliseconds(2 * kPatience).count();
  const TestServer server = TestServer::Start(std::move(options));
  v1::SearchRequest by_product;
  by_product.add_examples()->set_product_id(index_.products()[0].id);
  v1::SearchResponse answer;
  const auto is_answered = [&] {
    return server.Search(by_product, &answer).ok();
  };
  ASSERT_TRUE(Eventually(is_answered, kPatience));

  index_.part(0).gate().Close();
  std::future<grpc::Status> in_flight = std::async(std::launch::async, [&] {
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(
        DrawPicture(1, 9, 9, 9));
    v1::SearchResponse response;
    return server.Search(request, &response,
                         std::chrono::milliseconds(2 * kPatience).count());
  });
  index_.part(0).gate().AwaitArrivals(1);
  // The backend goes first, and does not know its caller any more.
  WriteIdentity("server", next_.Issue("server"));
  Write("callers.crt", next_.certificate());
  EXPECT_TRUE(Eventually([&] { return !is_answered(); }, kPatience));
  Write("backends.crt", next_.certificate());
  WriteIdentity("caller", next_.Issue("caller"));
  EXPECT_TRUE(Eventually(is_answered, kPatience));
  index_.part(0).gate().Open();
  const grpc::Status status = in_flight.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(CertificateFaults, MetricsTellWhenTheyEnd) {
  WriteIdentity("server", first_.Issue("server", -kDay, 40 * kDay));
  Write("callers.crt", first_.certificate());
  ServerOptions options = PartitionedIndex::OptionsOf(&index_.part(0));
  options.status_listen = "127.0.0.1:0";
  const TestServer server = StartEncrypted(std::move(options));
  // In days from now.
  const auto left = [&](const std::string& name) {
    const std::string text =
        HttpGet(server.server->status_address(), "/metrics");
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return -1.0;
    const double end = std::stod(text.substr(at + name.size() + 2));
    return (end - static_cast<double>(std::time(nullptr))) / kDay;
  };
  const char of_server[] = "vitrine_server_certificate_not_after_seconds";
  EXPECT_NEAR(left(of_server), 40, 0.01);
  EXPECT_NEAR(left("vitrine_client_ca_not_after_seconds"), 1, 0.01);
  WriteIdentity("server", first_.Issue("server", -kDay, 400 * kDay));
  EXPECT_TRUE(Eventually([&] { return left(of_server) > 399; }, kPatience));

  options = PartitionedIndex::OptionsOf(&index_.part(0));
  options.status_listen = "127.0.0.1:0";
  const TestServer in_the_clear = TestServer::Start(std::move(options));
  EXPECT_THAT(HttpGet(in_the_clear.server->status_address(), "/metrics"),
              Not(HasSubstr("not_after_seconds")));
}

}  // namespace
}  // namespace vitrine
