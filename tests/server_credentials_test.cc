#include "server/server_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
    std::ofstream(folder_.path() / "next") << text;
    std::filesystem::rename(folder_.path() / "next", folder_.path() / name);
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
  // As files make it whose last line does not end.
  std::string between = ca_.certificate();
  between.pop_back();
  EXPECT_THAT(
      ErrorOf({Write("joined.crt", server_.certificate + between + between),
               key_,
               {}}),
      AllOf(HasSubstr("joined.crt"), HasSubstr("is damaged")));
  const TestIdentity other = ca_.Issue("other");
  EXPECT_THAT(ErrorOf({certificate_, Write("other.key", other.key), {}}),
              AllOf(HasSubstr("other.key"), HasSubstr("is not the key of")));
  const TestIdentity old = ca_.Issue("old", -7200, -3600);
  EXPECT_THAT(
      ErrorOf(
          {Write("old.crt", old.certificate), Write("old.key", old.key), {}}),
      AllOf(HasSubstr("old.crt"), HasSubstr("has expired")));
}

class TlsWatchTest : public ServerCredentialsTest {
 protected:
  std::unique_ptr<TlsWatch> Watch(const std::filesystem::path& client_ca = {}) {
    const auto keep = [this](std::vector<std::string>* lines) {
      return [this, lines](std::string_view line) {
        std::lock_guard lock(mutex_);
        lines->emplace_back(line);
        changed_.notify_all();
      };
    };
    return std::make_unique<TlsWatch>(TlsWatchOptions{
        .files = {certificate_, key_, client_ca},
        .poll = std::chrono::milliseconds(5),
        .on_read =
            [this](const TlsEnds& ends) {
              std::lock_guard lock(mutex_);
              ends_.push_back(ends);
              changed_.notify_all();
            },
        .log = keep(&logged_),
        .warn = keep(&warned_),
        .now = [this] { return std::time(nullptr) + later_s_; }});
  }
  void Replace(const TestIdentity& identity) {
    Write("server.key", identity.key);
    Write("server.crt", identity.certificate);
  }
  // The last of some, once there are so many.
  template <typename T>
  T Await(const std::vector<T>& all, size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::minutes(2),
                           [&] { return all.size() >= count; })) {
      ADD_FAILURE() << "there are but " << all.size();
      return {};
    }
    return all[count - 1];
  }
  static int64_t InDays(const CertificateEnd& end) {
    return (end.unix_s - std::time(nullptr) + kDay / 2) / kDay;
  }

  static constexpr long kDay = 24L * 3600;
  std::atomic<int64_t> later_s_ = 0;  // Than it is.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TlsEnds> ends_;
  std::vector<std::string> logged_, warned_;
};

TEST_F(TlsWatchTest, TellsUntilWhenTheFilesHold) {
  Replace(ca_.Issue("server", -kDay, 100 * kDay));
  const auto watch =
      Watch(Write("ca.crt", TestCa("another CA").certificate() +
                                ca_.Issue("CA", -kDay, 60 * kDay).certificate));
  ASSERT_EQ(ends_.size(), 1u);
  EXPECT_EQ(InDays(ends_[0].certificate), 100);
  // One of them is enough.
  EXPECT_EQ(InDays(ends_[0].client_ca.value()), 60);
  ASSERT_EQ(logged_.size(), 2u);
  EXPECT_THAT(logged_[0],
              AllOf(HasSubstr("--tls-cert=" + certificate_.string()),
                    HasSubstr("holds until " + ends_[0].certificate.text)));
  EXPECT_THAT(logged_[1], HasSubstr("--tls-client-ca="));
  EXPECT_TRUE(warned_.empty());
}

TEST_F(TlsWatchTest, WarnsOfWhatEndsSoonAndOfWhatHasEnded) {
  Replace(ca_.Issue("server", -10 * kDay, 80 * kDay));
  const auto watch = Watch();
  EXPECT_THAT(Await(logged_, 1), HasSubstr("holds until"));
  later_s_ = 67 * kDay;
  EXPECT_THAT(Await(warned_, 1), AllOf(HasSubstr("replace it before"),
                                       HasSubstr(ends_[0].certificate.text)));
  later_s_ = 81 * kDay;
  EXPECT_THAT(Await(warned_, 2), HasSubstr("has expired"));
  EXPECT_EQ(logged_.size(), 1u);
}

TEST_F(TlsWatchTest, LeavesShortLivesTheirTime) {
  Replace(ca_.Issue("server", 0, 8 * kDay));
  const auto watch = Watch();
  EXPECT_THAT(Await(logged_, 1), HasSubstr("holds until"));
  later_s_ = 5 * kDay;
  Replace(ca_.Issue("server", 0, 9 * kDay));
  EXPECT_THAT(Await(logged_, 2), HasSubstr("holds until"));
  later_s_ = 7 * kDay;
  EXPECT_THAT(Await(warned_, 1), HasSubstr("replace it before"));
}

TEST_F(TlsWatchTest, ReadsFilesAgainThatAreReplaced) {
  const auto watch = Watch();
  EXPECT_EQ(InDays(Await(ends_, 1).certificate), 1);
  Write("server.key", ca_.Issue("server").key);
  EXPECT_THAT(Await(warned_, 1), HasSubstr("is not the key of"));
  Write("server.key", server_.key);
  EXPECT_EQ(InDays(Await(ends_, 2).certificate), 1);
  EXPECT_THAT(Await(logged_, 2), HasSubstr("holds until"));
  // Meanwhile it may warn once more.
  Replace(ca_.Issue("server", -kDay, 300 * kDay));
  EXPECT_EQ(InDays(Await(ends_, 3).certificate), 300);
  EXPECT_THAT(Await(logged_, 3), HasSubstr("holds until"));
}

}  // namespace
}  // namespace vitrine
