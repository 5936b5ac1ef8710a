#include "server/wire_request.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// As deep as the parser goes.
constexpr int kMaxDepth = 100;

class FieldCounter {
 public:
  explicit FieldCounter(CodedInputStream* input) : input_(*input) {}

  size_t fields() const { return fields_; }
  // False where the bytes are no message, or have more than kMaxFields.
  bool Count(const Descriptor& type, int depth = 0) {
    if (depth > kMaxDepth) return false;
    while (const uint32_t tag = input_.ReadTag()) {
      if (++fields_ > kMaxFields) return false;
      const FieldDescriptor* const field =
          type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool is_message = field != nullptr &&
                              field->message_type() != nullptr &&
                              WireFormatLite::GetTagWireType(tag) ==
                                  WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (is_message) {
        uint32_t bytes = 0;
        if (!input_.ReadVarint32(&bytes)) return false;
        const CodedInputStream::Limit limit =
            input_.PushLimit(static_cast<int>(bytes));
        if (!Count(*field->message_type(), depth + 1)) return false;
        input_.PopLimit(limit);
      } else if (!SkipField(tag)) {
        return false;
      }
    }
    return input_.ConsumedEntireMessage();
  }

 private:
  bool SkipField(uint32_t tag) {
    // Nothing of ours has groups, in which any number of fields might hide.
    return WireFormatLite::GetTagWireType(tag) !=
               WireFormatLite::WIRETYPE_START_GROUP &&
           WireFormatLite::SkipField(&input_, tag);
  }

  CodedInputStream& input_;
  size_t fields_ = 0;
};

absl::Status NoMessage(const Descriptor& type) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat("the bytes are no ", type.full_name(),
                   ", or its parts lie more than ", kMaxDepth, " deep"));
}

}  // namespace

absl::Status ReadMessage(grpc::ByteBuffer* buffer,
                         google::protobuf::Message* message, size_t* fields) {
  const Descriptor& type = *message->GetDescriptor();
  *fields = 0;
  {
    grpc::ProtoBufferReader reader(buffer);
    if (!reader.status().ok()) return NoMessage(type);
    CodedInputStream input(&reader);
    FieldCounter counter(&input);
    const bool is_sound = counter.Count(type);
    if (counter.fields() > kMaxFields) {
      return MakeError(
          absl::StatusCode::kInvalidArgument,
          v1::ERROR_REASON_INVALID_PARAMETER,
          absl::StrCat("the message has more than ", kMaxFields,
                       " fields, those of its parts among them; send fewer "
                       "queries, examples or conditions in one"),
          {}, kMaxFields);
    }
    if (!is_sound) return NoMessage(type);
    *fields = counter.fields();
  }
  grpc::ProtoBufferReader reader(buffer);
  if (!message->ParseFromZeroCopyStream(&reader)) return NoMessage(type);
  return absl::OkStatus();
}

}  // namespace vitrine
