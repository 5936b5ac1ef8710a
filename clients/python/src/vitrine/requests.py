"""The options of calls, and the messages that they become."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypedDict, TypeVar, Union

from vitrine import queries
from vitrine.errors import InvalidArgument
from vitrine.filters import FilterLike, to_proto
from vitrine.v1 import search_pb2

if TYPE_CHECKING:
    from vitrine.queries import QueryLike, Region

_F = TypeVar("_F", bound=Callable[..., Any])
Boosts = Union[Mapping[Any, float], Iterable[tuple[FilterLike, float]]]
_METRICS = ("cosine", "euclidean", "manhattan")


class SharedOptions(TypedDict, total=False):
    """Options of `search` and `recommend`."""

    filter: Optional[FilterLike]
    exclude: Iterable[Any]
    diversity: Mapping[str, int]
    boosts: Boosts
    region: Optional[Region]
    min_generation: int
    required_model: str
    model: str
    require_complete: bool
    thumbnails: bool
    vectors: bool
    attributes: bool
    jpeg: Optional[int]


class SearchOptions(SharedOptions, total=False):
    """Options of `search` and `search_many`; `Client.search` says what each does."""

    k: int
    offset: int
    min_score: float
    group: bool
    exclude_query: bool
    metric: Optional[str]
    exact: bool
    ef: Optional[int]
    min_recall: Optional[float]
    emphasis: Mapping[str, float]
    facets: Iterable[str]
    facet_values: Optional[int]
    collapse_near_duplicates: bool
    content_sha256s: Iterable[bytes]


class RecommendOptions(SharedOptions, total=False):
    """Options of `recommend`; `Client.recommend` says what each does."""

    category: str
    k_similar: Optional[int]
    k_per_slot: Optional[int]
    slots: Iterable[str]
    min_confidence: Optional[float]


def shows(options: type) -> Callable[[_F], _F]:
    """Lets a function that takes `**options` tell their names to help() and to notebooks."""

    def decorate(function: _F) -> _F:
        signature = inspect.signature(function)
        kept = [parameter for parameter in signature.parameters.values()
                if parameter.kind is not parameter.VAR_KEYWORD]
        added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=Unset())
                 for name in options.__annotations__]
        function.__signature__ = (  # type: ignore[attr-defined]
            signature.replace(parameters=kept + added))
        return function

    return decorate


class Unset:
    """Stands for what the server does by itself."""

    def __repr__(self) -> str:
        return "…"


def _known(options: Mapping[str, Any], kind: type, call: str) -> None:
    for name in options:
        if name not in kind.__annotations__:
            import difflib
            close = difflib.get_close_matches(name, kind.__annotations__, 1)
            raise TypeError(f"{call}() has no option {name!r}"
                            + (f"; {close[0]!r} is near it" if close else ""))


def texts(given: Any, option: str) -> list[str]:
    """The texts of an iterable; a lone text is one."""
    values = [given] if isinstance(given, str) else list(given)
    for value in values:
        if not isinstance(value, str):
            raise InvalidArgument(f"{option} has texts, not {value!r}", field=option,
                                  code="INVALID_ARGUMENT")
    return values


def product_ids(given: Any, option: str) -> list[str]:
    """Ids of products that are given by them, or as products or hits."""
    if isinstance(given, str) or hasattr(given, "product_id"):
        given = [given]
    return texts([getattr(one, "product_id", one) for one in given], option)


def _fill_shared(request: Any, options: Mapping[str, Any]) -> None:
    if options.get("filter") is not None:
        request.filter.CopyFrom(to_proto(options["filter"]))
    request.exclude_product_ids.extend(product_ids(options.get("exclude", ()), "exclude"))
    for attribute, limit in dict(options.get("diversity", {})).items():
        request.diversity.add(attribute=attribute, limit=limit)
    boosts = options.get("boosts", ())
    for wanted, factor in boosts.items() if isinstance(boosts, Mapping) else boosts:
        request.boosts.add(filter=to_proto(wanted), factor=factor)
    for name in ("min_generation", "required_model", "model", "require_complete"):
        if name in options:
            setattr(request, name, options[name])
    request.fields.thumbnail = options.get("thumbnails", False)
    request.fields.vector = options.get("vectors", False)
    request.fields.omit_attributes = not options.get("attributes", True)


def search_template(options: Mapping[str, Any]) -> search_pb2.SearchRequest:
    """A request without examples. Raises InvalidArgument, and TypeError for unknown options."""
    _known(options, SearchOptions, "search")
    request = search_pb2.SearchRequest()
    try:
        _fill_search(request, options)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"an option of the search is not right: {error}",
                              code="INVALID_ARGUMENT") from None
    return request


def _fill_search(request: search_pb2.SearchRequest, options: Mapping[str, Any]) -> None:
    _fill_shared(request, options)
    for name in ("k", "ef", "min_recall", "facet_values", "offset", "min_score", "exact",
                 "collapse_near_duplicates"):
        if options.get(name) is not None:
            setattr(request, name, options[name])
    if not options.get("group", True):
        request.group_by_product = False
    request.exclude_query_products = options.get("exclude_query", False)
    metric = options.get("metric")
    if metric is not None:
        if metric not in _METRICS:
            raise InvalidArgument(f"the metric {metric!r} is none of {', '.join(_METRICS)}",
                                  field="metric", code="INVALID_ARGUMENT")
        request.metric = getattr(search_pb2, "METRIC_" + metric.upper())
    for block, emphasis in dict(options.get("emphasis", {})).items():
        request.emphasis.add(block=block, emphasis=emphasis)
    request.facets.extend(texts(options.get("facets", ()), "facets"))
    request.content_sha256s.extend(options.get("content_sha256s", ()))


def add_query(request: search_pb2.SearchRequest, query: QueryLike,
              options: Mapping[str, Any]) -> None:
    """Adds the examples of a query to a copy of the template."""
    queries.add_examples(request.examples, query, options.get("region"), options.get("jpeg"))
    size = sum(len(example.image.content) for example in request.examples
               if example.HasField("image"))
    if size > queries.MOST_REQUEST_BYTES:
        raise InvalidArgument(
            f"the pictures of this query have {size:,} bytes together; at most "
            f"{queries.MOST_REQUEST_BYTES:,} fit into a request", reason="IMAGE_TOO_LARGE",
            field="examples", limit=queries.MOST_REQUEST_BYTES, code="INVALID_ARGUMENT")


def search(query: Optional[QueryLike], product: Optional[str],
           options: Mapping[str, Any]) -> search_pb2.SearchRequest:
    """The request of one search."""
    request = search_template(options)
    add_query(request, one_of(query, product), options)
    return request


def one_of(query: Optional[QueryLike], product: Optional[str]) -> QueryLike:
    """The query, or the product in its place."""
    if (query is None) == (product is None):
        raise InvalidArgument("give what to look for, or product=ID: one of them",
                              reason="NO_EXAMPLE", field="examples", code="INVALID_ARGUMENT")
    return queries.Product(product) if product is not None else typing.cast("QueryLike", query)


def recommend(query: Optional[QueryLike], product: Optional[str],
              options: Mapping[str, Any]) -> search_pb2.RecommendRequest:
    """The request of a recommendation for a picture or a product."""
    _known(options, RecommendOptions, "recommend")
    request = search_pb2.RecommendRequest()
    examples = search_pb2.SearchRequest().examples
    queries.add_examples(examples, one_of(query, product), options.get("region"),
                         options.get("jpeg"))
    source = examples[0] if len(examples) == 1 else search_pb2.Example()
    if source.HasField("image"):
        request.image.CopyFrom(source.image)
    elif source.HasField("product_id"):
        request.product_id = source.product_id
    elif source.HasField("vector"):
        request.product.vector.CopyFrom(source.vector)
    else:
        raise InvalidArgument("a recommendation is for one picture, product or vector",
                              field="source", code="INVALID_ARGUMENT")
    try:
        _fill_shared(request, options)
        for name in ("category", "k_similar", "k_per_slot", "min_confidence"):
            if options.get(name) is not None:
                setattr(request, name, options[name])
        request.slots.extend(texts(options.get("slots", ()), "slots"))
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"an option of the recommendation is not right: {error}",
                              code="INVALID_ARGUMENT") from None
    return request


def embed(pictures: Sequence[Any], region: Optional[Region], jpeg: Optional[int],
          model: str) -> list[search_pb2.EmbedRequest]:
    """Requests of at most 64 pictures and a message's bytes each."""
    made: list[search_pb2.EmbedRequest] = []
    size = 0
    for source in pictures:
        content = queries.picture_bytes(source, jpeg)
        if content is None:
            raise InvalidArgument(f"one cannot embed {type(source).__name__}; right is a path, "
                                  "bytes, a PIL image or an array of uint8 height × width × 3",
                                  field="images", code="INVALID_ARGUMENT")
        if not made or len(made[-1].images) == 64 \
                or size + len(content) > queries.MOST_REQUEST_BYTES:
            made.append(search_pb2.EmbedRequest(model=model))
            size = 0
        queries.set_image(made[-1].images.add(), content, region)
        size += len(content)
    return made
