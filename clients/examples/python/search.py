"""search.py HOST:PORT PICTURE: prints the products most similar to a picture."""

import sys

import grpc

from vitrine.v1 import search_pb2, search_pb2_grpc

address, picture = sys.argv[1:]
with open(picture, "rb") as file:
    image = search_pb2.ImageInput(content=file.read())

with grpc.insecure_channel(address) as channel:
    stub = search_pb2_grpc.SearchServiceStub(channel)
    request = search_pb2.SearchRequest(examples=[search_pb2.Example(image=image)], k=5)
    try:
        response = stub.Search(request, timeout=10)
    except grpc.RpcError as error:
        sys.exit(error.details())
for hit in response.hits:
    print(f"{hit.product_id} {hit.score:.3f}")
