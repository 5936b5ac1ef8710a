"""The client for asyncio. Its calls are those of `vitrine.Client`, with the same options.

    async with vitrine.aio.Client("localhost:50051") as client:
        results = await client.search("dress.jpg")
        async for query, results in client.search_many(queries):
            ...

Files are read, and pictures encoded, on the loop's pool of threads. Cancelling a task cancels its
call.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union, cast

import grpc
import grpc.aio as grpc_aio
import numpy as np
import numpy.typing as npt

from vitrine import records, requests
from vitrine.client import Client as SyncClient
from vitrine.connection import Methods
from vitrine.errors import DeadlineExceeded, Error
from vitrine.filters import FilterLike, to_proto
from vitrine.queries import PictureLike, QueryLike, Region
from vitrine.requests import RecommendOptions, SearchOptions, shows
from vitrine.results import Hit, Recommendation, Results
from vitrine.retry import Attempts
from vitrine.shared import (
    DEFAULT, ClientBase, image_request, require_same_model, shrunk, vectors_of)
from vitrine.stream import StreamOptions
from vitrine.v1 import search_pb2

if TYPE_CHECKING:
    from typing_extensions import Unpack

Timeout = Optional[float]
Query = QueryLike


class Client(ClientBase):
    """Asks a Vitrine server from one event loop; `async with` closes it.

    Answers show themselves as those of `vitrine.Client` do: their pictures are fetched when they
    are drawn, by a connection of their own, which keeps the loop waiting.
    """

    def __init__(self, address: Optional[str] = None, **options: Any):
        super().__init__(address, **options)
        self._options = options
        self._opened: Optional[tuple[Any, Methods]] = None
        self._drawer: Optional[SyncClient] = None

    @property
    def _methods(self) -> Methods:
        # A channel belongs to the loop that runs when it is made.
        if self._opened is None:
            channel = self._connection.channel(grpc_aio)
            self._opened = channel, Methods(channel)
        return self._opened[1]

    async def close(self) -> None:
        if self._drawer is not None:
            self._drawer.close()
        if self._opened is not None:
            await self._opened[0].close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _timeout(self, timeout: Any) -> Timeout:
        return self._connection.timeout if timeout is DEFAULT else cast(Timeout, timeout)

    def _fetch_images(self, hits: Sequence[Hit]) -> list[Optional[bytes]]:
        if self._drawer is None:
            self._drawer = SyncClient(self.address, **self._options)
        return self._drawer._fetch_images(hits)

    async def _call(self, method: Any, request: Any, timeout: Timeout) -> Any:
        attempts = Attempts(self._connection.retry, timeout)
        while True:
            try:
                return await method(request, timeout=attempts.left(),
                                    metadata=self._connection.metadata())
            except grpc.RpcError as failure:
                error = self._connection.error_of(failure, timeout)
                pause = attempts.pause(error)
                if pause is None:
                    raise error from None
            await asyncio.sleep(pause)

    @shows(SearchOptions)
    async def search(self, query: Optional[Query] = None, *, product: Optional[str] = None,
                     timeout: Timeout = DEFAULT, **options: Unpack[SearchOptions]) -> Results:
        """As `vitrine.Client.search`."""
        request = await asyncio.to_thread(requests.search, query, product, options)
        return Results(await self._call(self._methods.search, request, self._timeout(timeout)),
                       self._fetch_images)

    @shows(SearchOptions)
    def search_many(self, queries: Union[Iterable[Query], AsyncIterable[Query]], *,
                    batch: Optional[int] = None, in_flight: int = 4, ordered: bool = True,
                    progress: Union[bool, str] = False, total: Optional[int] = None,
                    timeout: Timeout = DEFAULT, **options: Unpack[SearchOptions]
                    ) -> AsyncIterator[tuple[Any, Union[Results, Error]]]:
        """As `vitrine.Client.search_many`; `queries` may be asynchronous.

        An iterable that is not is asked on the loop's own thread.
        """
        from vitrine import aio_stream
        settings = StreamOptions.of(batch, in_flight, ordered, dict(options))
        return aio_stream.run(self._methods, self._connection, self._fetch_images, queries,
                              settings, self._timeout(timeout), progress, total)

    @shows(RecommendOptions)
    async def recommend(self, query: Optional[Query] = None, *, product: Optional[str] = None,
                        timeout: Timeout = DEFAULT, **options: Unpack[RecommendOptions]
                        ) -> Recommendation:
        """As `vitrine.Client.recommend`."""
        request = await asyncio.to_thread(requests.recommend, query, product, options)
        return Recommendation(
            await self._call(self._methods.recommend, request, self._timeout(timeout)),
            self._fetch_images)

    async def embed(self, pictures: Union[PictureLike, Sequence[PictureLike]], *,
                    region: Optional[Region] = None, jpeg: Optional[int] = None, model: str = "",
                    on_error: str = "raise", timeout: Timeout = DEFAULT
                    ) -> npt.NDArray[np.float32]:
        """As `vitrine.Client.embed`: float32 [n, dim], of a lone picture [dim]."""
        lone = not isinstance(pictures, (list, tuple))
        made = await asyncio.to_thread(
            requests.embed, [pictures] if lone else cast("Sequence[Any]", pictures), region, jpeg,
            model)
        responses: list[search_pb2.EmbedResponse] = []
        for one in made:
            require_same_model(one, responses)
            responses.append(await self._call(self._methods.embed, one, self._timeout(timeout)))
        vectors = vectors_of(responses, on_error == "nan")
        return cast("npt.NDArray[np.float32]", vectors[0] if lone else vectors)

    async def product(self, product_id: Any, *, vectors: bool = False, model: str = "",
                      min_generation: int = 0, timeout: Timeout = DEFAULT
                      ) -> records.CatalogProduct:
        """As `vitrine.Client.product`."""
        request = search_pb2.GetProductRequest(
            product_id=image_request(product_id, "").product_id, vectors=vectors, model=model,
            min_generation=min_generation)
        response = await self._call(self._methods.get_product, request, self._timeout(timeout))
        return records.product_of(response.product, response.generation)

    async def image(self, product: Any, key: Optional[str] = None, *, size: Optional[int] = None,
                    timeout: Timeout = DEFAULT) -> bytes:
        """As `vitrine.Client.image`: a JPEG within 256 × 256 pixels."""
        response = await self._call(self._methods.get_image, image_request(product, key),
                                    self._timeout(timeout))
        return await asyncio.to_thread(shrunk, response.content, size)

    async def list_products(self, filter: Optional[FilterLike] = None, *, vectors: bool = False,
                            after: str = "", timeout: Timeout = DEFAULT
                            ) -> AsyncIterator[records.CatalogProduct]:
        """As `vitrine.Client.list_products`."""
        request = search_pb2.ListProductsRequest(vectors=vectors, after_product_id=after)
        if filter is not None:
            request.filter.CopyFrom(to_proto(filter))
        async for response in self._stream(self._methods.list_products, request,
                                           self._timeout(timeout)):
            for product in response.products:
                request.after_product_id = product.product_id
                yield records.product_of(product, response.generation)

    async def receipts(self, since: Union[None, datetime.datetime, datetime.timedelta] = None, *,
                       refused: bool = False, follow: bool = False, timeout: Timeout = DEFAULT
                       ) -> AsyncIterator[records.Receipt]:
        """As `vitrine.Client.receipts`."""
        resume = records.ReceiptResume(records.receipts_request(since, refused, follow))
        async for response in self._stream(self._methods.receipts, resume.request,
                                           None if follow else self._timeout(timeout)):
            for receipt in resume.new(response.receipts):
                yield receipt

    async def describe(self, *, timeout: Timeout = DEFAULT) -> records.Description:
        """As `vitrine.Client.describe`."""
        return records.description_of(await self._call(
            self._methods.describe, search_pb2.DescribeIndexRequest(), self._timeout(timeout)))

    async def _stream(self, method: Any, request: Any, patience: Timeout) -> AsyncIterator[Any]:
        attempts = Attempts(self._connection.retry, None)
        while True:
            call = method(request, metadata=self._connection.metadata())
            try:
                while True:
                    response = await asyncio.wait_for(call.read(), patience)
                    if response is grpc_aio.EOF:
                        return
                    attempts.succeeded()
                    yield response
            except asyncio.TimeoutError:
                raise DeadlineExceeded(
                    f"nothing from {self.address} within {patience:g} s; `timeout` allows more",
                    reason="DEADLINE_EXCEEDED", code="DEADLINE_EXCEEDED") from None
            except grpc.RpcError as failure:
                error = self._connection.error_of(failure, patience)
                pause = attempts.pause(error)
                if pause is None:
                    raise error from None
            finally:
                call.cancel()
            await asyncio.sleep(pause)
