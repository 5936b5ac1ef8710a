"""Puts products into the queue of an indexer, and waits until they are searchable."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from typing import Any, Optional, Union

from vitrine import errors, events, optional
from vitrine.client import Client
from vitrine.errors import InvalidArgument, Refused
from vitrine.events import Images, order_of_entry
from vitrine.records import UTC, Receipt
from vitrine.redis_stream import RedisStream, parse_url
from vitrine.retry import Deadline, Retry
from vitrine.v1 import catalog_pb2

_PLACE = "{partition}"
# So many entries are sent without asking for the backlog.
_ENTRIES_AT_ONCE = 32
# The indexer's clock may be so far behind that of the queue.
_CLOCKS_DIFFER = datetime.timedelta(minutes=10)
_LOOK = 0.02  # Seconds.


class Sent:
    """A change that was put into the queue."""

    def __init__(self, catalog: Catalog, stream: RedisStream, entry: str, product_id: str,
                 keys: frozenset[str]):
        self.product_id = product_id
        self.entry = entry
        """The id of its entry in the stream."""
        self.generation: Optional[int] = None
        """The index's generation that has it, once it was waited for."""
        self.refused: list[Receipt] = []
        """Its pictures that were refused, once it was waited for with a server to ask."""
        self._catalog = catalog
        self._stream = stream
        self._keys = keys

    def wait(self, timeout: Optional[float] = 60.0) -> Sent:
        """Returns when it is durable in the index, and found by the catalogue's server if it has
        one.

        Raises:
            Refused: the indexer refused the event, or all of its pictures.
            DeadlineExceeded: not within `timeout` seconds.
            Unavailable: queue or server do not answer.
        """
        self._catalog._wait(self, Deadline(timeout))
        return self

    def __repr__(self) -> str:
        generation = "" if self.generation is None else f", in generation {self.generation}"
        refused = f", {len(self.refused)} pictures refused" if self.refused else ""
        return f"<Sent: {self.product_id} as entry {self.entry}{generation}{refused}>"


class Catalog:
    """The products of one sender. Needs `redis`; may be shared by threads."""

    def __init__(self, queue: str, *, source: str = "", server: Union[Client, str, None] = None,
                 partitions: int = 1, max_backlog: int = 1000, retry: Optional[Retry] = None):
        """Connects with the first change.

        Args:
            queue: redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME][&database=N], as the
                indexer has it.
            source: the sender's name. A product belongs to the source that put it, and others
                cannot change it.
            server: a `Client`, or the address of a server of the index: waiting ends when that
                finds what was sent, and tells pictures that were refused. Without it, waiting ends
                when all is durable in the index, which servers take up within a quarter of a
                second.
            partitions: how many streams there are; `{partition}` in `queue` stands for the number
                of each. Needs `xxhash`.
            max_backlog: sending waits while so many entries are not yet taken; 0 never waits.
            retry: how commands are made again while Redis is away.

        Raises:
            InvalidArgument: the URL is not right.
            MissingDependency: `redis` is not installed.
        """
        if not 1 <= partitions <= 4096:
            raise InvalidArgument(f"partitions is {partitions}; right is 1 to 4096",
                                  field="partitions", code="INVALID_ARGUMENT")
        if (_PLACE in queue) != (partitions > 1):
            raise InvalidArgument(
                f"several partitions have a stream each: give partitions=N and put {_PLACE} for "
                "the number into the queue, or neither", field="queue", code="INVALID_ARGUMENT")
        self.source = source
        self._hash = optional.load("xxhash", "queue").xxh3_64_intdigest if partitions > 1 else None
        self._streams = [RedisStream(parse_url(queue.replace(_PLACE, str(number))),
                                     retry or Retry()) for number in range(partitions)]
        self._owns_server = isinstance(server, str)
        self._server = Client(server) if isinstance(server, str) else server
        self._max_backlog = max_backlog
        self._sent = 0

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        if self._owns_server and self._server is not None:
            self._server.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def upsert(self, product_id: str, images: Optional[Images] = None,
               attributes: Optional[Mapping[str, Any]] = None, *, title: str = "",
               category: str = "", visible_from: Optional[datetime.datetime] = None,
               visible_until: Optional[datetime.datetime] = None, version: Optional[int] = None,
               jpeg: Optional[int] = None, wait: bool = False, timeout: Optional[float] = 60.0
               ) -> Sent:
        """Puts a product that is new, or replaces all of what stood under its id.

        Args:
            product_id: at most 1,024 bytes of UTF-8.
            images: pictures (paths, bytes, PIL images or arrays), or a mapping from their keys;
                those that are not named any more go. A path's key is its file's name, that of
                others "picture-1" and so on. None leaves the pictures as they are.
            attributes: texts, finite numbers, flags and lists of texts; None sets none.
            visible_from, visible_until: when it is offered; without a zone: local time.
            version: rises with each change; by default the nanoseconds since 1970. 0 takes the
                order of the queue. A source gives them always in one of these ways. What Redis does
                not acknowledge is sent again, which does no harm; but with 0 only where it cannot
                have arrived, else the error leaves open whether the queue has it.
            jpeg: arrays and PIL images are sent as JPEG of this quality; else as PNG.
            wait: as `Sent.wait`.
            timeout: seconds for all of it: until the queue has room, sending, and waiting.

        Raises:
            InvalidArgument, ImageUnreadable: nothing was sent.
            Unavailable: the queue does not answer.
            DeadlineExceeded: not within `timeout` seconds.
            As `Sent.wait`, with `wait`.
        """
        event = events.upsert(product_id, images, attributes or {}, title, category, visible_from,
                              visible_until, self.source, version, jpeg)
        keys = frozenset(image.key for image in event.upsert.images)
        return self._send(event, product_id, keys, wait, timeout)

    def delete(self, product_id: str, *, version: Optional[int] = None, wait: bool = False,
               timeout: Optional[float] = 60.0) -> Sent:
        """Takes a product away; see `upsert` for the rest."""
        event = events.delete(product_id, self.source, version)
        return self._send(event, product_id, frozenset(), wait, timeout)

    def _send(self, event: catalog_pb2.CatalogEvent, product_id: str, keys: frozenset[str],
              wait: bool, timeout: Optional[float]) -> Sent:
        deadline = Deadline(timeout)
        number = 0
        if self._hash is not None:
            number = self._hash(product_id.encode()) % len(self._streams)
        stream = self._streams[number]
        if self._max_backlog and self._sent % _ENTRIES_AT_ONCE == 0:
            self._until(lambda: stream.backlog(deadline).left <= self._max_backlog, deadline,
                        f"more than {self._max_backlog} entries wait, and no indexer takes them")
        self._sent += 1
        entry = stream.add(event.SerializeToString(), deadline, event.version != 0)
        sent = Sent(self, stream, entry, product_id, keys)
        if wait:
            self._wait(sent, deadline)
        return sent

    @staticmethod
    def _until(holds: Callable[[], bool], deadline: Deadline, why: str) -> None:
        pause = _LOOK
        while not holds():
            if deadline.over():
                raise deadline.exceeded(why)
            time.sleep(deadline.allows(pause) or 0.0)
            pause = min(0.25, pause * 1.1)

    def _wait(self, sent: Sent, deadline: Deadline) -> None:
        stream = sent._stream
        self._until(lambda: stream.backlog(deadline).holds(sent.entry), deadline,
                    f"no indexer has taken entry {sent.entry} of {stream.address.name}; start "
                    "vitrine-indexer with this --queue, or see what it says")
        why = stream.why_dead(sent.entry, deadline)
        if why is not None:
            raise Refused(f"the indexer refused the event of product {sent.product_id!r}: {why}",
                          reason="INVALID_EVENT", code="INVALID_ARGUMENT")
        sent.generation = stream.noted_generation(deadline)
        if self._server is not None:
            self._await_server(self._server, sent, deadline)

    def _await_server(self, server: Client, sent: Sent, deadline: Deadline) -> None:
        generation = sent.generation or 0

        def timeout() -> Optional[float]:
            return deadline.allows(server._connection.timeout)

        def has_it() -> bool:
            try:
                served = server.describe(timeout=timeout()).generation
            except errors.DeadlineExceeded:
                if deadline.over():
                    return False
                raise
            except errors.Unavailable as error:
                if error.reason == "INDEX_NOT_READY":
                    return False
                raise
            if served == 0:
                raise InvalidArgument(
                    "the server joins several partitions, each of which has generations and "
                    "receipts of its own; leave `server` out", field="server",
                    code="INVALID_ARGUMENT")
            return served >= generation

        self._until(has_it, deadline, f"{server.address} has not opened generation {generation}")
        if not sent._keys:
            return
        came_ms = order_of_entry(sent.entry)[0]
        since = datetime.datetime.fromtimestamp(came_ms / 1000, UTC) - _CLOCKS_DIFFER
        for receipt in server.receipts(since, refused=True, timeout=timeout()):
            came = receipt.arrived_at or receipt.time
            if receipt.product_id == sent.product_id and receipt.path in sent._keys \
                    and came is not None and came.timestamp() * 1000 >= came_ms - 1:
                sent.refused.append(receipt)
        if {receipt.path for receipt in sent.refused} == sent._keys:
            refusal = Refused(
                f"all pictures of product {sent.product_id!r} were refused: "
                + "; ".join(f"{one.path}: {one.message}" for one in sent.refused),
                reason=sent.refused[0].reason, code="INVALID_ARGUMENT")
            refusal.receipts = tuple(sent.refused)
            raise refusal
