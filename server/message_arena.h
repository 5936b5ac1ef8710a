// Arenas for the messages of a call.
#pragma once

#include <google/protobuf/arena.h>

namespace vitrine {

// A request with a vector and its answer mostly fit the first block; a batch of
// them fills few.
inline google::protobuf::ArenaOptions MessageArenaOptions() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 16 << 10;
  options.max_block_size = 256 << 10;
  return options;
}

}  // namespace vitrine
