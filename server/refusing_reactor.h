// A reactor of a stream that is refused at once.
#pragma once

#include <grpcpp/grpcpp.h>

namespace vitrine {

// `Reactor` is a ServerWriteReactor or a ServerBidiReactor. Deletes itself.
template <typename Reactor>
class RefusingReactor final : public Reactor {
 public:
  explicit RefusingReactor(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace vitrine
