// The whole server over gRPC, and an indexer of its index, in this process, so
// that a sanitizer sees both.
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/server.h"
#include "tests/process_figures.h"
#include "tests/soak_rounds.h"
#include "tests/soak_stub.h"

namespace vitrine {
namespace {

constexpr int kRounds = 10;

TEST(EndToEndSoakServer, NothingFailsAndNothingIsKept) {
  const int64_t descriptors = testing::FiguresOf(::getpid()).descriptors;
  {
    testing::SoakedWorld world;
    ServerOptions options;
    options.store = world.StoreOptions();
    options.listen = "127.0.0.1:0";
    options.status_listen = "127.0.0.1:0";
    options.shadow_share = 1;
    auto server = Server::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    testing::StubbedServer stub((*server)->address());
    world.Soak((*server)->store(), &stub, kRounds);
  }
  // gRPC keeps the few of its own pollers and of its timers.
  EXPECT_LT(testing::FiguresOf(::getpid()).descriptors, descriptors + 16);
}

}  // namespace
}  // namespace vitrine
