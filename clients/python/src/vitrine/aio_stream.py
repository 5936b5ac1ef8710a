"""Many searches over one stream, by tasks of one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Optional, Union

import grpc
import grpc.aio as grpc_aio

from vitrine import progress as progress_bar
from vitrine import queries as kinds
from vitrine.connection import Connection, Methods
from vitrine.errors import DeadlineExceeded, Error, Internal
from vitrine.results import FetchImages
from vitrine.retry import Attempts
from vitrine.stream import Batch, Entry, Outcome, StreamOptions, StreamState, broke_at


class _Signal:
    """Wakes whoever waits for the state to change."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def set(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: Optional[float] = None) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


async def _each(queries: Any) -> AsyncIterator[Any]:
    if hasattr(queries, "__aiter__"):
        async for query in queries:
            yield query
    else:
        for query in queries:
            yield query


def _is_quick(query: Any) -> bool:
    return isinstance(query, (bytes, kinds.Product, kinds.Vector)) or hasattr(query, "product_id")


async def _take_all(queries: Any, options: StreamOptions, state: StreamState,
                    changed: _Signal) -> None:
    failure: Optional[BaseException] = None
    source = _each(queries)
    try:
        while True:
            while not state.has_room():
                await changed.wait()
            try:
                query = await source.__anext__()
            except StopAsyncIteration:
                break
            entry = Entry(query, options) if _is_quick(query) \
                else await asyncio.to_thread(Entry, query, options)
            if state.add(entry) or not state.waits_for_server:
                changed.set()
                await asyncio.sleep(0)  # An iterable that never waits lets the others go on.
    except Exception as error:  # Raised again where the answers are taken.
        failure = error
    state.end(failure)
    changed.set()


class _Stream:
    """One search_many under way."""

    def __init__(self, methods: Methods, connection: Connection, state: StreamState,
                 changed: _Signal, patience: Optional[float]):
        self._methods = methods
        self._connection = connection
        self._state = state
        self._changed = changed
        self._patience = patience
        self._attempts = Attempts(connection.retry, None)
        self._call: Any = None
        self._sender: Optional[asyncio.Task[None]] = None

    async def close(self) -> None:
        call, sender = self._call, self._sender
        self._call = self._sender = None
        if call is not None:
            call.cancel()
        if sender is not None:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    async def _send(self, call: Any) -> None:
        try:
            while True:
                batch = self._state.next_to_send()
                wait = None if batch is None else batch.not_before - time.monotonic()
                if wait is not None and wait <= 0:
                    await call.write(self._state.sent())
                else:
                    await self._changed.wait(wait)
        except (grpc.RpcError, asyncio.InvalidStateError):
            return  # Whoever reads hears of it.

    async def batches(self) -> AsyncIterator[Batch]:
        state, changed = self._state, self._changed
        while True:
            while True:
                batch = state.take()
                if batch is not None or state.waits_for_server:
                    break
                if state.done:
                    return
                if not state.flush():
                    await changed.wait()
            changed.set()
            if batch is not None:
                yield batch
            else:
                await self._receive()

    async def _receive(self) -> None:
        if self._call is None:
            self._call = self._methods.search_stream(metadata=self._connection.metadata())
            self._sender = asyncio.get_running_loop().create_task(self._send(self._call))
        error: Error
        try:
            response = await asyncio.wait_for(self._call.read(), self._patience)
            if response is not grpc_aio.EOF:
                self._attempts.succeeded()
                self._state.answer(response)
                self._changed.set()
                return
            error = Internal("the server ended the stream before it had answered all queries",
                             code="CANCELLED")
        except asyncio.TimeoutError:
            error = DeadlineExceeded(
                f"nothing from {self._connection.address} within {self._patience:g} s; `timeout` "
                "allows more", reason="DEADLINE_EXCEEDED", code="DEADLINE_EXCEEDED")
        except grpc.RpcError as failure:
            error = self._connection.error_of(failure, self._patience)
        await self.close()
        pause = self._attempts.pause(error)
        if pause is None:
            raise broke_at(error, self._state) from None
        await asyncio.sleep(pause)
        self._state.broken()


async def run(methods: Methods, connection: Connection, fetch: FetchImages, queries: Any,
              options: StreamOptions, patience: Optional[float], progress: Union[bool, str],
              total: Optional[int]) -> AsyncIterator[tuple[Any, Outcome]]:
    """Yields each query with its answer; see `vitrine.Client.search_many`."""
    state = StreamState(options, connection.retry, fetch)
    changed = _Signal()
    stream = _Stream(methods, connection, state, changed, patience)
    bar = progress_bar.bar(progress, queries, total)
    source = asyncio.get_running_loop().create_task(_take_all(queries, options, state, changed))
    try:
        async for batch in stream.batches():
            for entry in batch.entries:
                assert entry.outcome is not None
                yield entry.query, entry.outcome
                bar.update(1)
        if state.failure is not None:
            raise state.failure
    finally:
        source.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await source
        await stream.close()
        bar.close()
