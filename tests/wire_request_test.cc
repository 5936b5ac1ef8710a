#include "server/wire_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/status.h"
#include "tests/test_util/status_matchers.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {
namespace {

// `bytes` as they may come, in several slices.
grpc::ByteBuffer Wire(const std::string& bytes, size_t cut = 7) {
  cut = std::min(cut, bytes.size());
  const grpc::Slice slices[] = {grpc::Slice(bytes.substr(0, cut)),
                                grpc::Slice(bytes.substr(cut))};
  return grpc::ByteBuffer(slices, 2);
}

std::string Repeated(const std::string& bytes, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += bytes;
  return all;
}

// A field of this number that has `bytes`.
std::string Field(int number, const std::string& bytes) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  for (size_t n = bytes.size(); n > 0 || field.size() == 1; n >>= 7)
    field += static_cast<char>((n & 127) | (n > 127 ? 128 : 0));
  return field + bytes;
}

template <typename Message>
absl::Status Read(const std::string& bytes) {
  grpc::ByteBuffer buffer = Wire(bytes);
  Message message;
  size_t fields = 0;
  return ReadMessage(&buffer, &message, &fields);
}

TEST(WireRequest, ReadsWhatWasSent) {
  v1::SearchStreamRequest sent;
  sent.set_batch_id(7);
  for (int i = 0; i < 3; ++i) {
    v1::SearchRequest* query = sent.add_queries();
    for (int j = 0; j < 600; ++j) {
      query->add_examples()->mutable_vector()->add_values(
          static_cast<float>(j));
    }
    query->add_examples()->mutable_image()->set_content(
        std::string(100'000, '\n'));
    query->mutable_filter()->mutable_condition()->set_attribute("colour");
  }
  google::protobuf::Arena arena;
  for (auto* on : {&arena, static_cast<google::protobuf::Arena*>(nullptr)}) {
    WireRequest<v1::SearchStreamRequest> request(on);
    grpc::ByteBuffer buffer = Wire(sent.SerializeAsString());
    ASSERT_TRUE(grpc::SerializationTraits<
                    WireRequest<v1::SearchStreamRequest>>::Deserialize(&buffer,
                                                                       &request)
                    .ok());
    ASSERT_OK(request.status());
    EXPECT_EQ(request.message().SerializeAsString(), sent.SerializeAsString());
    EXPECT_GT(request.memory(), 300'000u);
    EXPECT_LT(request.memory(), 1'500'000u);
  }
  EXPECT_OK(Read<v1::DescribeIndexRequest>(""));
}

TEST(WireRequest, RefusesMoreFieldsThanAnybodyNeedsWhereverTheyAre) {
  const std::string unknown = Field(15, "");
  const std::string number = std::string(1, 15 << 3) + '\1';
  for (const std::string& part :
       {Field(1, ""), unknown, number, Field(1, Field(2, ""))}) {
    const size_t fields = part == Field(1, Field(2, "")) ? 2 : 1;
    EXPECT_OK(Read<v1::SearchRequest>(Repeated(part, kMaxFields / fields)));
    const absl::Status status =
        Read<v1::SearchRequest>(Repeated(part, kMaxFields / fields + 1));
    EXPECT_STATUS(status, absl::StatusCode::kInvalidArgument,
                  "more than 500000 fields");
    EXPECT_EQ(ErrorOf(status).limit(), kMaxFields);
  }
  EXPECT_STATUS(
      Read<v1::SearchRequest>(Field(1, Repeated(unknown, kMaxFields))),
      absl::StatusCode::kInvalidArgument, "fields");
  // In bytes that are a picture's, nothing counts.
  v1::SearchRequest picture;
  picture.add_examples()->mutable_image()->set_content(
      Repeated(unknown, kMaxFields));
  EXPECT_OK(Read<v1::SearchRequest>(picture.SerializeAsString()));
}

TEST(WireRequest, RefusesWhatIsNoMessage) {
  for (const std::string& bytes :
       {std::string("\xff\xff\xff"), std::string("\x0a\x7fshort"),
        Field(1, "\x0a\x05x"), std::string("\x7b\x7c"), std::string("\x0c"),
        std::string("\x00\x00", 2)}) {
    EXPECT_STATUS(Read<v1::SearchRequest>(bytes),
                  absl::StatusCode::kInvalidArgument,
                  "the bytes are no vitrine.v1.SearchRequest");
  }
  // Filters in filters.
  v1::SearchRequest request;
  v1::Filter* filter = request.mutable_filter();
  for (int i = 0; i < 200; ++i) filter = filter->mutable_none()->add_filters();
  EXPECT_STATUS(Read<v1::SearchRequest>(request.SerializeAsString()),
                absl::StatusCode::kInvalidArgument, "deep");
}

}  // namespace
}  // namespace vitrine
