#include "common/rpc/rpc_error.h"

#include <gtest/gtest.h>

#include "vitrine/rpc/rpc_status.pb.h"

namespace vitrine {
namespace {

v1::Error WrongK() {
  v1::Error error;
  error.set_reason(v1::ERROR_REASON_INVALID_PARAMETER);
  error.set_message("k is 0; it must be 1 to 1,000");
  error.set_field("k");
  error.set_limit(1000);
  error.set_code(3);
  return error;
}

TEST(RpcError, ComesBackWhole) {
  auto error = DecodeErrorDetails(EncodeErrorDetails(WrongK()));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->SerializeAsString(), WrongK().SerializeAsString());
}

// The fields of google.rpc.Status: code = 1 (varint), message = 2, details = 3,
// and of google.protobuf.Any: type_url = 1.
TEST(RpcError, HasTheBytesOfGoogleRpcStatus) {
  v1::Error error;
  error.set_code(5);
  error.set_message("no");
  std::string bytes = EncodeErrorDetails(error);
  EXPECT_EQ(bytes.substr(0, 6), std::string("\x08\x05\x12\x02no", 6));
  EXPECT_EQ(bytes[6], '\x1a');
  EXPECT_EQ(bytes[8], '\x0a');
  EXPECT_NE(bytes.find("type.googleapis.com/vitrine.v1.Error"),
            std::string::npos);
}

TEST(RpcError, PassesOverOtherDetails) {
  rpc::RpcStatus status;
  status.set_code(3);
  status.add_details()->set_type_url("type.googleapis.com/google.rpc.Help");
  status.add_details()->PackFrom(WrongK());
  auto error = DecodeErrorDetails(status.SerializeAsString());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->field(), "k");
}

TEST(RpcError, IsNothingWhereThereIsNone) {
  EXPECT_FALSE(DecodeErrorDetails(""));
  EXPECT_FALSE(DecodeErrorDetails("not a status"));
  EXPECT_FALSE(DecodeErrorDetails(rpc::RpcStatus().SerializeAsString()));
}

}  // namespace
}  // namespace vitrine
