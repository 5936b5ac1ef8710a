// search HOST:PORT PICTURE: prints the products most similar to a picture.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "vitrine/v1/search.grpc.pb.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: search HOST:PORT PICTURE\n");
    return 2;
  }
  std::ifstream file(argv[2], std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read '%s'\n", argv[2]);
    return 1;
  }

  vitrine::v1::SearchRequest request;
  request.add_examples()->mutable_image()->set_content(
      std::string(std::istreambuf_iterator<char>(file), {}));
  request.set_k(5);

  const auto stub = vitrine::v1::SearchService::NewStub(
      grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(10));
  vitrine::v1::SearchResponse response;
  const grpc::Status status = stub->Search(&context, request, &response);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.error_message().c_str());
    return 1;
  }
  for (const vitrine::v1::Hit& hit : response.hits()) {
    std::printf("%s %.3f\n", hit.product_id().c_str(), hit.score());
  }
}
