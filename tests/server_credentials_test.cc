#include "server/server_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/test_util/certificates.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ServerCredentialsTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(const std::string& name,
                              const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }
  static std::string ErrorOf(const TlsFiles& files) {
    const auto made = ServerCredentialsOf(files);
    EXPECT_EQ(made.ok() ? absl::StatusCode::kOk : made.status().code(),
              absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  }

  TempDir folder_;
  const TestCa ca_{"a CA"};
  const TestIdentity server_ = ca_.Issue("server");
  const std::filesystem::path certificate_ =
      Write("server.crt", server_.certificate);
  const std::filesystem::path key_ = Write("server.key", server_.key);
};

TEST_F(ServerCredentialsTest, AreOfSoundFilesOrOfNone) {
  EXPECT_TRUE(ServerCredentialsOf({}).ok());
  EXPECT_TRUE(ServerCredentialsOf({certificate_, key_, {}}).ok());
  EXPECT_TRUE(ServerCredentialsOf(
                  {certificate_, key_, Write("ca.crt", ca_.certificate())})
                  .ok());
}

TEST_F(ServerCredentialsTest, NameTheFileThatIsNotRight) {
  EXPECT_THAT(ErrorOf({certificate_, {}, {}}),
              HasSubstr("--tls-key is missing"));
  EXPECT_THAT(ErrorOf({{}, key_, {}}), HasSubstr("--tls-cert is missing"));
  EXPECT_THAT(ErrorOf({{}, {}, certificate_}),
              HasSubstr("--tls-cert is missing"));
  EXPECT_THAT(ErrorOf({key_, key_, {}}),
              AllOf(HasSubstr("--tls-cert=" + key_.string()),
                    HasSubstr("no certificate")));
  EXPECT_THAT(ErrorOf({certificate_, certificate_, {}}),
              AllOf(HasSubstr("--tls-key=" + certificate_.string()),
                    HasSubstr("no private key")));
  EXPECT_THAT(ErrorOf({certificate_, key_, key_}),
              HasSubstr("--tls-client-ca=" + key_.string()));
  const auto gone = folder_.path() / "gone.crt";
  EXPECT_EQ(ServerCredentialsOf({gone, key_, {}}).status().code(),
            absl::StatusCode::kNotFound);
  const TestIdentity other = ca_.Issue("other");
  EXPECT_THAT(ErrorOf({certificate_, Write("other.key", other.key), {}}),
              AllOf(HasSubstr("other.key"), HasSubstr("is not the key of")));
  const TestIdentity old = ca_.Issue("old", -7200, -3600);
  EXPECT_THAT(
      ErrorOf(
          {Write("old.crt", old.certificate), Write("old.key", old.key), {}}),
      AllOf(HasSubstr("old.crt"), HasSubstr("has expired")));
}

}  // namespace
}  // namespace vitrine
