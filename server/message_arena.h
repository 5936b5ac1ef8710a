// Arenas for the messages of a call.
#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/support/message_allocator.h>

#include "server/wire_request.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// A request with a vector and its answer mostly fit the first block; a batch of
// them fills few.
inline google::protobuf::ArenaOptions MessageArenaOptions() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 16 << 10;
  options.max_block_size = 256 << 10;
  return options;
}

// Gives each call to Search an arena of its own for its messages: an answer is
// hundreds of small pieces. Lives for ever.
grpc::MessageAllocator<WireRequest<v1::SearchRequest>, v1::SearchResponse>*
SearchMessageAllocator();

}  // namespace vitrine
