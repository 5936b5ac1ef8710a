#include "server/message_arena.h"

namespace vitrine {
namespace {

class SearchMessages final
    : public grpc::MessageHolder<WireRequest<v1::SearchRequest>,
                                 v1::SearchResponse> {
 public:
  SearchMessages() {
    set_request(&request_);
    set_response(
        google::protobuf::Arena::CreateMessage<v1::SearchResponse>(&arena_));
  }
  void Release() override { delete this; }

 private:
  google::protobuf::Arena arena_{MessageArenaOptions()};
  WireRequest<v1::SearchRequest> request_{&arena_};
};

class Allocator final
    : public grpc::MessageAllocator<WireRequest<v1::SearchRequest>,
                                    v1::SearchResponse> {
 public:
  SearchMessages* AllocateMessages() override { return new SearchMessages(); }
};

}  // namespace

grpc::MessageAllocator<WireRequest<v1::SearchRequest>, v1::SearchResponse>*
SearchMessageAllocator() {
  static Allocator* const allocator = new Allocator();
  return allocator;
}

}  // namespace vitrine
