"""What a server tells of products, of its index and of pictures that came."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from vitrine import queries
from vitrine.errors import InvalidArgument, enum_name, reason_name
from vitrine.results import AttributeValue, attribute_values
from vitrine.v1 import catalog_pb2, search_pb2

UTC = datetime.timezone.utc


def time_of(message: Any, field: str) -> Optional[datetime.datetime]:
    """A timestamp in UTC; None where it is absent."""
    if not message.HasField(field):
        return None
    stamp = getattr(message, field)
    try:
        return (datetime.datetime.fromtimestamp(0, UTC)
                + datetime.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000))
    except OverflowError:
        return (datetime.datetime.max if stamp.seconds > 0 else datetime.datetime.min).replace(
            tzinfo=UTC)


def set_time(message: Any, when: datetime.datetime) -> None:
    """A time without a zone is of the local one."""
    message.FromDatetime(when.astimezone(UTC).replace(tzinfo=None))


@dataclasses.dataclass(frozen=True, eq=False)
class ProductImage:
    """A searchable picture of a product."""

    key: str
    sha256: str
    vector: Optional[npt.NDArray[np.float32]] = None
    """Float32 [dim]; where vectors were asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class CatalogProduct(queries.Product):
    """A product with what is known of it; it can be searched with, as `Product` can."""

    title: str = ""
    category: str = ""
    attributes: dict[str, AttributeValue] = dataclasses.field(default_factory=dict)
    images: list[ProductImage] = dataclasses.field(default_factory=list)
    visible_from: Optional[datetime.datetime] = None
    visible_until: Optional[datetime.datetime] = None
    generation: int = 0
    """The generation that answered; 0 where several partitions did."""


def product_of(proto: search_pb2.Product, generation: int) -> CatalogProduct:
    images = [ProductImage(image.key, image.sha256,
                           queries.vector_array(image.vector) if image.HasField("vector")
                           else None) for image in proto.images]
    return CatalogProduct(
        proto.product_id, proto.title, proto.category, attribute_values(proto.attributes), images,
        time_of(proto, "visible_from"), time_of(proto, "visible_until"), generation)


@dataclasses.dataclass(frozen=True)
class VectorSet:
    """The vectors of an index by one model under one metric."""

    state: str
    """"serving", "building", "waiting" (has every picture) or "retained" (has served before)."""
    model: str
    """The model's name and version."""
    sha256: str
    """That of its bundle; `model=` of a search takes it, or its first 8 digits."""
    metric: str
    images: int
    """How many pictures it has."""


@dataclasses.dataclass(frozen=True)
class Description:
    """What an index is. `proto` is the API's own message, which says more."""

    generation: int
    published_at: Optional[datetime.datetime]
    model: str
    """The model's name and version; `proto.model` is its card."""
    metric: str
    dim: int
    """Numbers of a vector."""
    images: int
    """Searchable pictures."""
    products: int
    categories: dict[str, int]
    """Products by category, most frequent first."""
    attributes: dict[str, str]
    """"text", "number", "flag", "list" or "mixed", by name."""
    degraded: bool
    degraded_reason: str
    server_version: str
    vector_sets: list[VectorSet]
    """The one that serves first."""
    proto: search_pb2.DescribeIndexResponse = dataclasses.field(repr=False, compare=False)


def _name_of(model: search_pb2.ModelCard) -> str:
    return f"{model.name} {model.version}".strip()


def _metric_of(number: int) -> str:
    return enum_name(search_pb2.Metric, number, "METRIC_").lower()


def description_of(proto: search_pb2.DescribeIndexResponse) -> Description:
    return Description(
        generation=proto.generation, published_at=time_of(proto, "published_at"),
        model=_name_of(proto.model), metric=_metric_of(proto.metric), dim=proto.dim,
        images=proto.images, products=proto.products,
        categories={one.category: one.products for one in proto.categories},
        attributes={one.name: enum_name(search_pb2.AttributeType, one.type,
                                        "ATTRIBUTE_TYPE_").lower() for one in proto.attributes},
        degraded=proto.degraded, degraded_reason=proto.degraded_reason,
        server_version=proto.server_version, vector_sets=[VectorSet(
            state=enum_name(search_pb2.VectorSetSummary.State, one.state, "STATE_").lower(),
            model=_name_of(one.model), sha256=one.model.id, metric=_metric_of(one.metric),
            images=one.images) for one in proto.vector_sets], proto=proto)


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What became of a picture."""

    time: Optional[datetime.datetime]
    source: str
    path: str
    """The picture's path or key; the id of the queue's entry where a whole event was refused."""
    product_id: str
    sha256: str
    outcome: str
    """"accepted", "changed", "removed" or "refused"."""
    reason: str
    """Why it was refused ("IMAGE_TRUNCATED")."""
    message: str
    """The same for people, with the remedy."""
    generation: int
    searchable_at: Optional[datetime.datetime]
    arrived_at: Optional[datetime.datetime]
    warnings: list[str]


def receipt_of(proto: catalog_pb2.Receipt) -> Receipt:
    outcome = enum_name(catalog_pb2.Receipt.Outcome, proto.outcome, "OUTCOME_").lower()
    return Receipt(time_of(proto, "time"), proto.source, proto.path, proto.product_id,
                   proto.sha256, outcome, reason_name(proto.reason), proto.message,
                   proto.generation, time_of(proto, "searchable_at"),
                   time_of(proto, "arrived_at"), list(proto.warnings))


def receipts_request(since: Union[None, datetime.datetime, datetime.timedelta], refused: bool,
                     follow: bool) -> catalog_pb2.ReceiptsRequest:
    """`since` is a moment, or how long ago."""
    request = catalog_pb2.ReceiptsRequest(refused_only=refused, follow=follow)
    if isinstance(since, datetime.timedelta):
        since = datetime.datetime.now(UTC) - since
    if isinstance(since, datetime.datetime):
        set_time(request.since, since)
    elif since is not None:
        raise InvalidArgument(f"since is a datetime or a timedelta, not {since!r}", field="since",
                              code="INVALID_ARGUMENT")
    return request


class ReceiptResume:
    """Takes receipts up again after a break: those of its last moment come a second time."""

    def __init__(self, request: catalog_pb2.ReceiptsRequest):
        self.request = request
        self._last = (0, 0)
        self._seen: set[bytes] = set()

    def new(self, receipts: Any) -> list[Receipt]:
        """Those that were not there before."""
        fresh = []
        for receipt in receipts:
            key = receipt.SerializeToString(deterministic=True)
            moment = (receipt.time.seconds, receipt.time.nanos)
            if moment > self._last:
                self._last, self._seen = moment, set()
                self.request.since.CopyFrom(receipt.time)
            if moment == self._last:
                if key in self._seen:
                    continue
                self._seen.add(key)
            fresh.append(receipt_of(receipt))
        return fresh
