// Requests as gRPC hands them over: refused, before they are parsed, where that
// would take far more memory than they have bytes.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <cstddef>

#include "absl/status/status.h"

namespace vitrine {

// A field of two bytes may become an object of so many, before anybody has
// asked who sends it.
inline constexpr size_t kMostBytesOfField = 80;
// The largest batch that is of use has some ten thousands.
inline constexpr size_t kMaxFields = 500'000;

// Parses a message, and counts its fields, those of messages in it among them.
// INVALID_ARGUMENT where it has more than kMaxFields, which is found out in no
// memory at all, or is no such message.
absl::Status ReadMessage(grpc::ByteBuffer* buffer,
                         google::protobuf::Message* message, size_t* fields);

// What a method registers as its type of request. gRPC reads it through the
// traits below.
template <typename Request>
class WireRequest {
 public:
  WireRequest() : WireRequest(nullptr) {}
  // The message lies on `arena`, where there is one.
  explicit WireRequest(google::protobuf::Arena* arena)
      : is_owned_(arena == nullptr),
        message_(google::protobuf::Arena::CreateMessage<Request>(arena)) {}
  ~WireRequest() {
    if (is_owned_) delete message_;
  }
  WireRequest(const WireRequest&) = delete;
  WireRequest& operator=(const WireRequest&) = delete;

  // Why it was not read; nothing may be asked of the message then.
  const absl::Status& status() const { return status_; }
  const Request& message() const { return *message_; }
  // About what the message takes in memory, at most.
  size_t memory() const {
    return message_->ByteSizeLong() + kMostBytesOfField * fields_;
  }

  void Read(grpc::ByteBuffer* buffer) {
    status_ = ReadMessage(buffer, message_, &fields_);
  }

 private:
  const bool is_owned_;
  Request* const message_;
  size_t fields_ = 0;
  absl::Status status_;
};

}  // namespace vitrine

namespace grpc {

template <typename Request>
class SerializationTraits<vitrine::WireRequest<Request>, void> {
 public:
  // gRPC itself has no words for why: the handler refuses the call.
  static Status Deserialize(ByteBuffer* buffer,
                            vitrine::WireRequest<Request>* request) {
    request->Read(buffer);
    buffer->Clear();
    return Status::OK;
  }
};

}  // namespace grpc
