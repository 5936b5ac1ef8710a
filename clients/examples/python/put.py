"""put.py HOST PORT STREAM PRODUCT PICTURE: puts a product into a Redis Stream."""

import sys
import time

import redis

from vitrine.v1 import catalog_pb2

host, port, stream, product, picture = sys.argv[1:]
# The version rises with each change: an older event never undoes a newer one.
event = catalog_pb2.CatalogEvent(source="shop", version=time.time_ns())
event.upsert.product_id = product
event.upsert.title = "A blue coat"
event.upsert.category = "Coat"
event.upsert.attributes["price"].number = 129
with open(picture, "rb") as file:
    event.upsert.images.add(key="front", content=file.read())

queue = redis.Redis(host, int(port))
print(queue.xadd(stream, {"event": event.SerializeToString()}).decode())  # the entry's id
