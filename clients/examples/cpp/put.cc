// put HOST PORT STREAM PRODUCT PICTURE: puts a product into a Redis Stream.
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "vitrine/v1/catalog.pb.h"

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: put HOST PORT STREAM PRODUCT PICTURE\n");
    return 2;
  }
  std::ifstream file(argv[5], std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read '%s'\n", argv[5]);
    return 1;
  }

  vitrine::v1::CatalogEvent event;
  event.set_source("shop");
  // Rises with each change: an older event never undoes a newer one.
  event.set_version(std::chrono::nanoseconds(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count());
  vitrine::v1::ProductUpsert* product = event.mutable_upsert();
  product->set_product_id(argv[4]);
  product->set_title("A blue coat");
  product->set_category("Coat");
  (*product->mutable_attributes())["price"].set_number(129);
  vitrine::v1::CatalogImage* image = product->add_images();
  image->set_key("front");
  image->set_content(std::string(std::istreambuf_iterator<char>(file), {}));

  const std::unique_ptr<redisContext, decltype(&redisFree)> redis(
      redisConnect(argv[1], std::atoi(argv[2])), &redisFree);
  if (redis == nullptr || redis->err != 0) {
    std::fprintf(stderr, "no Redis at %s:%s\n", argv[1], argv[2]);
    return 1;
  }
  const std::string bytes = event.SerializeAsString();
  const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
      static_cast<redisReply*>(redisCommand(redis.get(), "XADD %s * event %b",
                                            argv[3], bytes.data(),
                                            bytes.size())),
      &freeReplyObject);
  if (reply == nullptr || reply->type == REDIS_REPLY_ERROR) {
    std::fprintf(stderr, "%s\n", reply ? reply->str : redis->errstr);
    return 1;
  }
  std::printf("%s\n", reply->str);  // the id of the entry
}
