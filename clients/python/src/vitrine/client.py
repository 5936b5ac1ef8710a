"""The client that waits for its answers; `vitrine.aio` has the one for asyncio."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Optional, Union, cast

import grpc
import numpy as np
import numpy.typing as npt

from vitrine import records, requests
from vitrine.connection import Methods
from vitrine.errors import DeadlineExceeded, Error
from vitrine.filters import FilterLike, to_proto
from vitrine.queries import PictureLike, QueryLike, Region
from vitrine.requests import RecommendOptions, SearchOptions, shows
from vitrine.results import Hit, Recommendation, Results
from vitrine.retry import Attempts, Retry
from vitrine.shared import (
    DEFAULT, ClientBase, image_request, require_same_model, shrunk, vectors_of)
from vitrine.stream import StreamOptions
from vitrine.v1 import search_pb2
from vitrine.watchdog import Watchdog

if TYPE_CHECKING:
    from typing_extensions import Unpack

_IMAGES_AT_ONCE = 8
Timeout = Optional[float]
Query = QueryLike


class Client(ClientBase):
    """Asks a Vitrine server. May be shared by threads; `with` closes it.

    Calls that fail with UNAVAILABLE or RESOURCE_EXHAUSTED are made again within their `timeout`,
    with pauses that grow. Every error is a `vitrine.Error`.
    """

    def __init__(self, address: Optional[str] = None, **options: Any):
        super().__init__(address, **options)
        self._channel = self._connection.channel(grpc)
        self._methods = Methods(self._channel)

    def close(self) -> None:
        """Ends the connection, and calls that are under way."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _timeout(self, timeout: Any) -> Timeout:
        return self._connection.timeout if timeout is DEFAULT else cast(Timeout, timeout)

    def _call(self, method: Any, request: Any, timeout: Timeout) -> Any:
        attempts = Attempts(self._connection.retry, timeout)
        while True:
            try:
                return method(request, timeout=attempts.left(),
                              metadata=self._connection.metadata())
            except grpc.RpcError as failure:
                error = self._connection.error_of(failure, timeout)
                pause = attempts.pause(error)
                if pause is None:
                    raise error from None
            time.sleep(pause)

    @shows(SearchOptions)
    def search(self, query: Optional[Query] = None, *, product: Optional[str] = None,
               timeout: Timeout = DEFAULT, **options: Unpack[SearchOptions]) -> Results:
        """Finds the products most similar to a picture, a product, a vector, or a mixture.

        Args:
            query: a picture (path, bytes, PIL image, or array height × width × 3 of uint8, RGB),
                `Product(id)`, `Vector(array)`, a hit, or a list of (one of these, weight), where a
                weight below 0 is "less like this". A text is always a path.
            product: the id of a product, in place of `query`.
            k: how many hits, 1 to 1,000 (10); `offset` skips so many.
            filter: which products may be in the answer, as in `vitrine.filters`.
            region: (left, top, right, bottom), the part of each picture that counts, in shares of
                its width and height.
            emphasis: how much blocks count, `{"colour": 2}`; 1 changes nothing.
            facets: attributes whose values are counted among all products that match;
                `facet_values` of each (100).
            min_score: leaves out what scores less, 0 to 1.
            min_recall: the share of the right hits to be found on average, in (0, 1].
            exact: compares with every picture. `ef`: candidates kept by graph walks.
            metric: "cosine", "euclidean" or "manhattan"; by default that of the index.
            group: one hit a product (True), or one a picture.
            exclude_query: leaves out products that are asked for. `exclude`: other products.
            collapse_near_duplicates: leaves out copies of a better hit's picture.
            diversity: so many hits with one value of an attribute, `{"brand": 2}`.
            boosts: what comes sooner, or later by a factor below 1: filters and factors, 0.1 to
                10, `{"brand=Acme": 1.5, "product_id=17|18": 2}`, or pairs of them. Hits are
                ordered by `score` times the factors of all that match, which `boost` tells.
            min_generation: waits, within the retries, for this generation: reads own writes.
            model, required_model: asks the vectors of this model; refuses those of others.
            require_complete: an answer that misses a partition is an error.
            thumbnails, vectors: hits carry these; `attributes=False` leaves those out.
            content_sha256s: SHA-256 (32 bytes) of pictures whose hits `same_content` marks.
            jpeg: arrays and PIL images are sent as JPEG of this quality, 1 to 100; else as PNG.
            timeout: seconds, with all attempts.

        Raises:
            InvalidArgument: something is not right; `field` and `limit` say what.
            ImageUnreadable: there is no such file.
            NotFound: no such product.
            Unavailable, Overloaded, DeadlineExceeded: no answer in time.
        """
        request = requests.search(query, product, options)
        response = self._call(self._methods.search, request, self._timeout(timeout))
        return Results(response, self._fetch_images)

    @shows(SearchOptions)
    def search_many(self, queries: Iterable[Query], *, batch: Optional[int] = None,
                    in_flight: int = 4, ordered: bool = True,
                    progress: Union[bool, str] = False, total: Optional[int] = None,
                    timeout: Timeout = DEFAULT, **options: Unpack[SearchOptions]
                    ) -> Iterator[tuple[Any, Union[Results, Error]]]:
        """Searches with many queries over one stream, and yields each with its answer.

        Queries are taken from the iterable as answers are taken from here: at most
        `in_flight + 1` batches ahead, by a thread of its own. A query that fails yields its `Error`
        in place of `Results`, and the others go on. A stream that breaks is taken up again with
        what was not answered. An exception of the iterable itself is raised here, once the answers
        to what it gave before are out.

        Args:
            queries: what `search` takes, one after the other.
            batch: how many queries go together, 1 to 256; by default 32, and 8 of pictures. None
                is held back for others to come while nothing is under way.
            in_flight: batches that are not answered or not taken yet, 1 to 16.
            ordered: yields answers in the order of the queries, or else as they come.
            progress: True shows a tqdm bar; "auto" does on a terminal or in a notebook, if tqdm is
                there.
            total: how many queries there are, for the bar, where the iterable does not know.
            timeout: seconds that the server may be silent while a query waits.
            options: as for `search`; they hold for all queries.

        Raises:
            InvalidArgument: an option is not right (at once).
            Unavailable, DeadlineExceeded: the stream broke, and was no better at each attempt.
        """
        from vitrine import sync_stream
        settings = StreamOptions.of(batch, in_flight, ordered, dict(options))
        return sync_stream.run(self._methods, self._connection, self._fetch_images, queries,
                               settings, self._timeout(timeout), progress, total)

    @shows(RecommendOptions)
    def recommend(self, query: Optional[Query] = None, *, product: Optional[str] = None,
                  timeout: Timeout = DEFAULT, **options: Unpack[RecommendOptions]
                  ) -> Recommendation:
        """Finds similar products, and pieces of other slots to wear with one.

        Args:
            query: a picture, `Product(id)`, a hit or `Vector(array)`; or `product`, its id.
            category: the category, where the caller knows it better.
            k_similar: how many similar products, 0 to 100 (10).
            k_per_slot: how many pieces of each slot, 0 to 20 (3).
            slots: the slots to fill ("shoes", "bag"); by default all that go with the category.
            min_confidence: below this, 0 to 1, a guessed category restricts nothing (0.5).
            diversity, boosts: as for `search`; of the similar products, and of each slot.
            filter, exclude, region, min_generation, model, required_model, require_complete,
            thumbnails, vectors, attributes, jpeg, timeout: as for `search`.

        Raises:
            As `search`; NotFound for a category or slot that there is not, too.
        """
        request = requests.recommend(query, product, options)
        response = self._call(self._methods.recommend, request, self._timeout(timeout))
        return Recommendation(response, self._fetch_images)

    def embed(self, pictures: Union[PictureLike, Sequence[PictureLike]], *,
              region: Optional[Region] = None, jpeg: Optional[int] = None, model: str = "",
              on_error: str = "raise", timeout: Timeout = DEFAULT) -> npt.NDArray[np.float32]:
        """The vectors of pictures, float32 [n, dim]; of a lone picture, float32 [dim].

        Each block has unit length times the root of its weight, so that a dot product of two
        vectors is their similarity.

        Args:
            pictures: a list of paths, bytes, PIL images or arrays; or one of these.
            on_error: "raise" the error of the first picture that has one, or fill its row with
                "nan".
            timeout: seconds for each 64 pictures.

        Raises:
            InvalidArgument: a picture cannot be decoded; the message begins with its number.
            ImageUnreadable: there is no such file.
            FailedPrecondition: WRONG_MODEL, where another model was promoted after the first 64
                pictures. All vectors of one call are of one model: embed them again.
        """
        lone = not isinstance(pictures, (list, tuple))
        made = requests.embed([pictures] if lone else cast("Sequence[Any]", pictures), region,
                              jpeg, model)
        responses: list[search_pb2.EmbedResponse] = []
        for one in made:
            require_same_model(one, responses)
            responses.append(self._call(self._methods.embed, one, self._timeout(timeout)))
        vectors = vectors_of(responses, on_error == "nan")
        return cast("npt.NDArray[np.float32]", vectors[0] if lone else vectors)

    def product(self, product_id: Any, *, vectors: bool = False, model: str = "",
                min_generation: int = 0, timeout: Timeout = DEFAULT) -> records.CatalogProduct:
        """A product with its attributes and pictures. NotFound where there is none."""
        request = search_pb2.GetProductRequest(
            product_id=image_request(product_id, "").product_id, vectors=vectors, model=model,
            min_generation=min_generation)
        response = self._call(self._methods.get_product, request, self._timeout(timeout))
        return records.product_of(response.product, response.generation)

    def image(self, product: Any, key: Optional[str] = None, *, size: Optional[int] = None,
              timeout: Timeout = DEFAULT) -> bytes:
        """A picture of a product, the bytes of a JPEG within 256 × 256 pixels.

        Args:
            product: its id, or a product, or a hit, whose best picture it is.
            key: the picture's key; by default the product's first.
            size: within so many pixels a side; needs Pillow.

        Raises:
            NotFound: no such product or picture.
        """
        response = self._call(self._methods.get_image, image_request(product, key),
                              self._timeout(timeout))
        return shrunk(response.content, size)

    def _fetch_images(self, hits: Sequence[Hit]) -> list[Optional[bytes]]:
        def fetch(hit: Hit) -> Optional[bytes]:
            try:
                return self.image(hit)
            except (Error, ValueError):  # ValueError is gRPC's for a closed channel.
                return None

        with ThreadPoolExecutor(min(_IMAGES_AT_ONCE, len(hits))) as pool:
            return list(pool.map(fetch, hits))

    def list_products(self, filter: Optional[FilterLike] = None, *, vectors: bool = False,
                      after: str = "", timeout: Timeout = DEFAULT
                      ) -> Iterator[records.CatalogProduct]:
        """Yields every product, in the order of their ids, as it comes.

        A listing that breaks is taken up again after its last product. With tokens, the role
        `catalogue` may do this.

        Args:
            filter: only products that match.
            vectors: pictures carry their vectors.
            after: begins after this id.
            timeout: seconds that the server may be silent.
        """
        request = search_pb2.ListProductsRequest(vectors=vectors, after_product_id=after)
        if filter is not None:
            request.filter.CopyFrom(to_proto(filter))

        def products() -> Iterator[records.CatalogProduct]:
            for response in self._stream(self._methods.list_products, request,
                                         self._timeout(timeout)):
                for product in response.products:
                    request.after_product_id = product.product_id
                    yield records.product_of(product, response.generation)

        return products()

    def receipts(self, since: Union[None, datetime.datetime, datetime.timedelta] = None, *,
                 refused: bool = False, follow: bool = False, timeout: Timeout = DEFAULT
                 ) -> Iterator[records.Receipt]:
        """Yields what became of each picture, oldest first.

        Args:
            since: a moment (without a zone: local time), or how long ago.
            refused: only pictures that were refused.
            follow: goes on with new ones as they come, for ever.
            timeout: seconds that the server may be silent; not with `follow`.
        """
        resume = records.ReceiptResume(records.receipts_request(since, refused, follow))

        def receipts() -> Iterator[records.Receipt]:
            for response in self._stream(self._methods.receipts, resume.request,
                                         None if follow else self._timeout(timeout)):
                yield from resume.new(response.receipts)

        return receipts()

    def describe(self, *, timeout: Timeout = DEFAULT) -> records.Description:
        """What the index is: its size, model, categories, attributes, and whether it is sound."""
        return records.description_of(self._call(
            self._methods.describe, search_pb2.DescribeIndexRequest(), self._timeout(timeout)))

    def _stream(self, method: Callable[..., Any], request: Any, patience: Timeout
                ) -> Iterator[Any]:
        """The messages of a stream, which is asked for again where it breaks.

        The caller keeps `request` as it must be then.
        """
        attempts = Attempts(self._connection.retry, None)
        while True:
            call = method(request, metadata=self._connection.metadata())
            watchdog = Watchdog(patience, call.cancel)
            try:
                while True:
                    with watchdog.waiting():
                        try:
                            response = next(call)
                        except StopIteration:
                            return
                    attempts.succeeded()
                    yield response
            except grpc.RpcError as failure:
                error = self._connection.error_of(failure, patience)
                if watchdog.fired:
                    raise DeadlineExceeded(
                        f"nothing from {self.address} within {patience:g} s; `timeout` allows more",
                        reason="DEADLINE_EXCEEDED", code="DEADLINE_EXCEEDED") from None
                pause = attempts.pause(error)
                if pause is None:
                    raise error from None
            finally:
                watchdog.close()
                call.cancel()
            time.sleep(pause)


__all__ = ["Client", "Retry"]
