"""Many searches over one stream: what is under way, whatever carries it.

Neither kind of client has more of the logic than how it waits. A query becomes an entry of the
batch that is being filled; a batch is sent, answered and taken. A batch that is not full goes once
nothing else is under way, so that whoever gives one query at a time gets each answer at once.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Optional, Union

from vitrine import requests
from vitrine.errors import Error, Internal, InvalidArgument, of_message
from vitrine.queries import MOST_REQUEST_BYTES
from vitrine.results import FetchImages, Results
from vitrine.retry import Retry, is_transient
from vitrine.v1 import search_pb2

# A picture takes the server milliseconds, a product or a vector a fraction of one: each batch is
# worth its message, and none is long in coming.
_PICTURES_IN_BATCH = 8
_OTHERS_IN_BATCH = 32
# The server refuses more than 64 MB of answers to a batch. A thumbnail has some 10 KB, and a hit
# without it a few hundred bytes.
_ANSWER_BYTES = 32 << 20

Outcome = Union[Results, Error]


@dataclasses.dataclass
class StreamOptions:
    """How queries go together, and the request that all of them share."""

    batch: Optional[int]
    in_flight: int
    ordered: bool
    options: Mapping[str, Any]
    template: search_pb2.SearchRequest
    most_queries: int

    @classmethod
    def of(cls, batch: Optional[int], in_flight: int, ordered: bool,
           options: Mapping[str, Any]) -> StreamOptions:
        """Raises InvalidArgument where one is not right."""
        for name, value, most in (("batch", batch, 256), ("in_flight", in_flight, 16)):
            if value is not None and not (isinstance(value, int) and 1 <= value <= most):
                raise InvalidArgument(f"{name} is {value!r}; right is 1 to {most}", field=name,
                                      limit=most, code="INVALID_ARGUMENT")
        template = requests.search_template(options)
        hit_bytes = (1 << 10) + (24 << 10) * template.fields.thumbnail \
            + (8 << 10) * template.fields.vector
        hits = template.k if template.HasField("k") else 10
        most_queries = max(1, _ANSWER_BYTES // (max(1, hits) * hit_bytes))
        return cls(batch, in_flight, ordered, options, template, most_queries)


class Entry:
    """A query on its way."""

    __slots__ = ("query", "request", "size", "outcome", "failures")

    def __init__(self, query: Any, options: StreamOptions):
        self.query = query
        self.request: Optional[search_pb2.SearchRequest] = None
        self.size = 0
        self.outcome: Optional[Outcome] = None
        self.failures = 0
        request = search_pb2.SearchRequest()
        request.CopyFrom(options.template)
        try:
            requests.add_query(request, query, options.options)
        except Error as error:
            self.outcome = error
            return
        self.request = request
        self.size = sum(len(example.image.content) for example in request.examples)


class Batch:
    __slots__ = ("id", "entries", "not_before")

    def __init__(self, number: int, entries: list[Entry]):
        self.id = number
        self.entries = entries
        self.not_before = 0.0

    @property
    def answered(self) -> bool:
        return all(entry.outcome is not None for entry in self.entries)

    def message(self) -> search_pb2.SearchStreamRequest:
        """The queries of it that have no answer yet."""
        return search_pb2.SearchStreamRequest(
            batch_id=self.id,
            queries=[entry.request for entry in self.entries
                     if entry.outcome is None and entry.request is not None])


class StreamState:
    """The batches between the iterable and the caller. Not thread-safe."""

    def __init__(self, options: StreamOptions, retry: Retry, fetch: FetchImages):
        self._options = options
        self._retry = retry
        self._fetch = fetch
        self._filling: list[Entry] = []
        self._filling_bytes = 0
        self._next_id = 1
        # Made and not taken, in order; each is in `_to_send`, or sent, or answered.
        self._batches: dict[int, Batch] = {}
        self._to_send: deque[Batch] = deque()
        self._answered = 0
        self._ended = False  # The iterable has no more.
        self.failure: Optional[BaseException] = None  # It raised this.

    # ---- From the iterable

    def _limit(self) -> int:
        if self._options.batch is not None:
            return self._options.batch
        limit = _PICTURES_IN_BATCH if self._filling_bytes else _OTHERS_IN_BATCH
        return min(limit, self._options.most_queries)

    def has_room(self) -> bool:
        """Whether another query may be taken from the iterable."""
        if len(self._filling) >= self._limit() and not self._make_batch():
            return False
        return self._filling_bytes < MOST_REQUEST_BYTES or self._make_batch()

    def add(self, entry: Entry) -> bool:
        """Adds a query, where there is room; returns whether a batch is full by it."""
        made = False
        if self._filling and self._filling_bytes + entry.size > MOST_REQUEST_BYTES:
            # It does not fit to those before it: they go, even where that is a batch too many.
            made = self._make_batch(even_so=True)
        self._filling.append(entry)
        self._filling_bytes += entry.size
        return (len(self._filling) >= self._limit() and self._make_batch()) or made

    def end(self, failure: Optional[BaseException]) -> None:
        """The iterable has no more, or has raised."""
        self._ended, self.failure = True, failure
        self._make_batch()

    def _make_batch(self, even_so: bool = False) -> bool:
        if not self._filling or not (even_so or len(self._batches) < self._options.in_flight):
            return False
        batch = Batch(self._next_id, self._filling)
        self._next_id += 1
        self._filling, self._filling_bytes = [], 0
        self._batches[batch.id] = batch
        if batch.answered:
            self._answered += 1
        else:
            self._to_send.append(batch)
        return True

    # ---- To the server, and from it

    def next_to_send(self) -> Optional[Batch]:
        """The batch to be sent next, perhaps not before a moment; it stays until `sent`."""
        return self._to_send[0] if self._to_send else None

    def sent(self) -> search_pb2.SearchStreamRequest:
        return self._to_send.popleft().message()

    @property
    def waits_for_server(self) -> bool:
        """Whether a batch is not answered."""
        return len(self._batches) > self._answered

    def answer(self, response: search_pb2.SearchStreamResponse) -> None:
        """Takes an answer; queries that the server was too full for are sent again."""
        batch = self._batches.get(response.batch_id)
        if batch is None or batch.answered:
            return
        again, pause, number = False, 0.0, 0
        for entry in batch.entries:
            if entry.outcome is not None:
                continue
            outcome = self._outcome(response, number)
            number += 1
            if isinstance(outcome, Error) and is_transient(outcome):
                entry.failures += 1
                if entry.failures < self._retry.attempts:
                    again = True
                    pause = max(pause, self._retry.pause(entry.failures, outcome))
                    continue
            entry.outcome, entry.request = outcome, None
        if again:
            batch.not_before = time.monotonic() + pause
            self._to_send.append(batch)
        else:
            self._answered += 1

    def _outcome(self, response: search_pb2.SearchStreamResponse, number: int) -> Outcome:
        if number >= len(response.items):
            if response.HasField("error"):
                return of_message(response.error)
            return Internal("the server's answer lacks this query", code="INTERNAL",
                            reason="INTERNAL")
        item = response.items[number]
        if item.HasField("error"):
            return of_message(item.error)
        return Results(item.response, self._fetch)

    def broken(self) -> None:
        """The stream is gone: whatever is not answered is sent again, in order."""
        self._to_send = deque(batch for batch in self._batches.values() if not batch.answered)

    # ---- To the caller

    def take(self) -> Optional[Batch]:
        """An answered batch: the first, or with `ordered` off any."""
        if not self._answered:
            return None
        for batch in self._batches.values():
            if batch.answered:
                self._answered -= 1
                del self._batches[batch.id]
                # Its place is the next one's at once, whoever is asleep.
                if self._ended or len(self._filling) >= self._limit():
                    self._make_batch()
                return batch
            if self._options.ordered:
                return None
        return None

    def flush(self) -> bool:
        """Makes a batch of what there is, as nothing is under way; whether there was anything."""
        return not self.waits_for_server and self._make_batch(even_so=True)

    @property
    def done(self) -> bool:
        return self._ended and not self._filling and not self._batches

    def unanswered(self) -> Optional[Any]:
        """The first query without an answer."""
        for batch in self._batches.values():
            for entry in batch.entries:
                if entry.outcome is None:
                    return entry.query
        return None


def broke_at(error: Error, state: StreamState) -> Error:
    """The error of a stream with the query that it stopped at."""
    query = state.unanswered()
    if query is None:
        return error
    named = copy.copy(error)
    text = repr(query)
    named.message += f" (stopped at {text if len(text) <= 80 else text[:79] + '…'})"
    return named
