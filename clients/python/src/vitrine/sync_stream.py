"""Many searches over one stream, by threads.

One thread takes queries from the iterable, gRPC's own sends batches, and the caller's takes the
answers. The state is theirs under one lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Optional, Union

import grpc

from vitrine import progress as progress_bar
from vitrine.connection import Connection, Methods
from vitrine.errors import DeadlineExceeded, Internal
from vitrine.results import FetchImages
from vitrine.retry import Attempts
from vitrine.stream import Batch, Entry, Outcome, StreamOptions, StreamState, broke_at
from vitrine.v1 import search_pb2
from vitrine.watchdog import Watchdog


class _Source:
    """Takes queries from the iterable, as there is room for them."""

    def __init__(self, queries: Iterable[Any], options: StreamOptions, state: StreamState,
                 changed: threading.Condition):
        self._queries = queries
        self._options = options
        self._state = state
        self._changed = changed
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="vitrine-queries").start()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        failure: Optional[BaseException] = None
        try:
            self._take_all()
        except BaseException as error:  # Raised again on the caller's thread.
            failure = error
        with self._changed:
            self._state.end(failure)
            self._changed.notify_all()

    def _take_all(self) -> None:
        state, changed = self._state, self._changed
        queries = iter(self._queries)
        while True:
            with changed:
                while not state.has_room():
                    if self._closed:
                        return
                    changed.wait()
                if self._closed:
                    return
            try:
                query = next(queries)
            except StopIteration:
                return
            entry = Entry(query, self._options)
            with changed:
                # The caller waits only while nothing is under way, and then for the first query.
                if state.add(entry) or not state.waits_for_server:
                    changed.notify_all()


class _Requests:
    """What gRPC sends on one stream: an iterator that waits for batches."""

    def __init__(self, state: StreamState, changed: threading.Condition):
        self._state = state
        self._changed = changed
        self._closed = False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> _Requests:
        return self

    def __next__(self) -> search_pb2.SearchStreamRequest:
        with self._changed:
            while True:
                if self._closed:
                    raise StopIteration
                batch = self._state.next_to_send()
                wait = None if batch is None else batch.not_before - time.monotonic()
                if wait is not None and wait <= 0:
                    return self._state.sent()
                self._changed.wait(wait)


class _Stream:
    """One search_many under way, on the caller's thread."""

    def __init__(self, methods: Methods, connection: Connection, state: StreamState,
                 changed: threading.Condition, patience: Optional[float]):
        self._methods = methods
        self._connection = connection
        self._state = state
        self._changed = changed
        self._patience = patience
        self._attempts = Attempts(connection.retry, None)
        self._call: Any = None
        self._requests: Optional[_Requests] = None
        self._watchdog: Optional[Watchdog] = None

    def _open(self) -> None:
        if self._call is not None:
            return
        self._requests = _Requests(self._state, self._changed)
        self._call = self._methods.search_stream(self._requests,
                                                 metadata=self._connection.metadata())
        self._watchdog = Watchdog(self._patience, self._call.cancel)

    def close(self) -> None:
        if self._requests is not None and self._watchdog is not None:
            self._requests.close()
            self._watchdog.close()
            self._call.cancel()
        self._call = self._requests = self._watchdog = None

    def batches(self) -> Iterator[Batch]:
        """Answered batches, until all are."""
        state, changed = self._state, self._changed
        while True:
            with changed:
                while True:
                    batch = state.take()
                    if batch is not None or state.waits_for_server:
                        break
                    if state.done:
                        return
                    if not state.flush():
                        changed.wait()
                changed.notify_all()
            if batch is not None:
                yield batch
            else:
                self._receive()

    def _receive(self) -> None:
        """Waits for an answer; opens the stream, and opens it again where it breaks."""
        self._open()
        assert self._watchdog is not None
        try:
            with self._watchdog.waiting():
                response = next(self._call)
        except StopIteration:
            error = self._connection.error_of(self._call, self._patience) \
                if self._call.code() is not grpc.StatusCode.OK else Internal(
                    "the server ended the stream before it had answered all queries",
                    code="CANCELLED")
        except grpc.RpcError as failure:
            error = self._connection.error_of(failure, self._patience)
        else:
            self._attempts.succeeded()
            with self._changed:
                self._state.answer(response)
                self._changed.notify_all()
            return
        if self._watchdog.fired:
            error = DeadlineExceeded(
                f"nothing from {self._connection.address} within {self._patience:g} s; `timeout` "
                "allows more", reason="DEADLINE_EXCEEDED", code="DEADLINE_EXCEEDED")
        self.close()
        pause = self._attempts.pause(error)
        if pause is None:
            with self._changed:
                raise broke_at(error, self._state) from None
        time.sleep(pause)
        with self._changed:
            self._state.broken()


def run(methods: Methods, connection: Connection, fetch: FetchImages, queries: Iterable[Any],
        options: StreamOptions, patience: Optional[float], progress: Union[bool, str],
        total: Optional[int]) -> Iterator[tuple[Any, Outcome]]:
    """Yields each query with its answer; see `Client.search_many`."""
    state = StreamState(options, connection.retry, fetch)
    changed = threading.Condition()
    source = _Source(queries, options, state, changed)
    stream = _Stream(methods, connection, state, changed, patience)
    bar = progress_bar.bar(progress, queries, total)
    source.start()
    try:
        for batch in stream.batches():
            for entry in batch.entries:
                assert entry.outcome is not None
                yield entry.query, entry.outcome
                bar.update(1)
        if state.failure is not None:
            raise state.failure
    finally:
        source.close()
        stream.close()
        bar.close()
