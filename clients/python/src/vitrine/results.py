"""Answers: hits that can be looked at, counted and drawn."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union, overload

import numpy as np
import numpy.typing as npt

from vitrine import queries
from vitrine.errors import enum_name
from vitrine.v1 import search_pb2

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

FetchImages = Callable[[Sequence["Hit"]], "list[Optional[bytes]]"]
"""Returns the pictures of hits, JPEG; None for those that are not to be had."""

AttributeValue = Union[str, float, bool, "list[str]"]


def attribute_values(attributes: Any) -> dict[str, AttributeValue]:
    """A map of the API as a dictionary of texts, numbers, flags and lists."""
    values: dict[str, AttributeValue] = {}
    for name in sorted(attributes):
        value = attributes[name]
        kind = value.WhichOneof("kind")
        if kind is not None:
            values[name] = list(value.list.values) if kind == "list" else getattr(value, kind)
    return values


class ColourHarmony(NamedTuple):
    """How the colours of two products go together."""

    relation: str
    """"NEUTRAL", "MONOCHROME", "ANALOGOUS", "COMPLEMENTARY", "TRIADIC" or "DISCORDANT"."""
    colour: str
    """The hit's."""
    goes_with: str
    """That of the product that was asked for."""


class Hit:
    """One product of an answer. `proto` is the API's own message.

    A hit can be searched with: it stands for its product.
    """

    __slots__ = ("proto",)

    def __init__(self, proto: search_pb2.Hit):
        self.proto = proto

    @property
    def product_id(self) -> str:
        return self.proto.product_id

    @property
    def title(self) -> str:
        return self.proto.title

    @property
    def category(self) -> str:
        return self.proto.category

    @property
    def score(self) -> float:
        """How similar it is, 0 to 1."""
        return self.proto.score

    @property
    def distance(self) -> float:
        """The distance under the answer's metric; for cosine 1 - similarity."""
        return self.proto.distance

    @property
    def image(self) -> str:
        """The key of the picture that matched best."""
        return self.proto.image

    @property
    def same_content(self) -> bool:
        """Whether that picture has the very bytes of one that was asked for."""
        return self.proto.same_content

    @property
    def attributes(self) -> dict[str, AttributeValue]:
        return attribute_values(self.proto.attributes)

    @property
    def block_scores(self) -> dict[str, float]:
        """The cosine of each block of the vector ("shape", "colour"), -1 to 1."""
        return {part.block: part.cosine for part in self.proto.block_scores}

    @property
    def thumbnail(self) -> Optional[bytes]:
        """The picture, a JPEG within 256 × 256; None unless `thumbnails` were asked for."""
        return self.proto.thumbnail or None

    @property
    def vector(self) -> Optional[npt.NDArray[np.float32]]:
        """The picture's vector, float32 [dim]; None unless `vectors` were asked for."""
        return queries.vector_array(self.proto.vector) if self.proto.HasField("vector") else None

    @property
    def near_duplicates(self) -> list[tuple[str, str]]:
        """Product and picture of what was left out for this one, 100 at most."""
        return [(other.product_id, other.image) for other in self.proto.near_duplicates]

    @property
    def boost(self) -> Optional[float]:
        """The factor of the boosts that it matches; None unless `boosts` were asked for."""
        return self.proto.boost if self.proto.HasField("boost") else None

    @property
    def colour_harmony(self) -> Optional[ColourHarmony]:
        """How its colour goes with that of the product; of complements, where both are known."""
        if not self.proto.HasField("colour_harmony"):
            return None
        harmony = self.proto.colour_harmony
        relation = enum_name(search_pb2.ColourHarmony.Relation, harmony.relation, "RELATION_")
        return ColourHarmony(relation, harmony.colour, harmony.goes_with)

    @property
    def percent(self) -> str:
        """The score as people read it: 100 % is for the very same picture alone."""
        if self.same_content:
            return "100 %"
        return f"{min(99.9, max(0.0, 100 * self.score)):.1f} %"

    def __repr__(self) -> str:
        return f"Hit({self.product_id!r}, score={self.score:.4f}, category={self.category!r})"


class Plan(NamedTuple):
    """How a query was answered."""

    kind: str
    """"EXACT_SCAN", "GRAPH_WALK", "FILTERED_SCAN" or "FILTERED_WALK"."""
    ef: int
    """Candidates kept by the walk; 0 for scans."""
    rows_visited: int
    rows_matching: int
    """Pictures that passed the filter."""
    shards: int
    recall: float
    """The share of the right hits that such queries find on average; 0 where not measured."""
    recall_basis: str
    """"SCANNED", "MEASURED" or "UNMEASURED"."""


class Timings(NamedTuple):
    """Where the time went at the server, in milliseconds."""

    queue_ms: float
    decode_ms: float
    embed_ms: float
    search_ms: float


class Facet(NamedTuple):
    """How often values of an attribute occur among the products that match."""

    counts: dict[str, int]
    """Most frequent first."""
    others: int
    """The counts of all further values together."""


def _no_images(hits: Sequence[Hit]) -> list[Optional[bytes]]:
    return [None] * len(hits)


def timings_of(proto: search_pb2.Timings) -> Timings:
    return Timings(proto.queue_ms, proto.decode_ms, proto.embed_ms, proto.search_ms)


class Results(Sequence[Hit]):
    """The hits of an answer, best first.

    In a notebook it shows itself as a row of pictures; `to_pandas()` and `plot()` are for the rest.
    A slice is an answer with fewer hits. `proto` is the API's own message.
    """

    __slots__ = ("proto", "_hits", "_fetch", "_cache")

    def __init__(self, proto: search_pb2.SearchResponse, fetch: FetchImages = _no_images,
                 hits: Optional[list[Hit]] = None):
        self.proto = proto
        self._fetch = fetch
        self._hits = hits
        self._cache: dict[tuple[str, str], Optional[bytes]] = {}

    def _all(self) -> list[Hit]:
        if self._hits is None:
            self._hits = [Hit(hit) for hit in self.proto.hits]
        return self._hits

    def __len__(self) -> int:
        return len(self.proto.hits) if self._hits is None else len(self._hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Results: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Hit, Results]:
        if isinstance(index, slice):
            part = Results(self.proto, self._fetch, self._all()[index])
            part._cache = self._cache
            return part
        return self._all()[index]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._all())

    @property
    def ids(self) -> list[str]:
        """The products' ids, best first."""
        return [hit.product_id for hit in self._all()]

    @property
    def generation(self) -> int:
        """The generation of the index that answered; 0 where several partitions did."""
        return self.proto.generation

    @property
    def model(self) -> str:
        """The SHA-256 of the model's bundle."""
        return self.proto.model

    @property
    def metric(self) -> str:
        """"cosine", "euclidean" or "manhattan"."""
        return enum_name(search_pb2.Metric, self.proto.metric, "METRIC_").lower()

    @property
    def plan(self) -> Plan:
        plan = self.proto.plan
        return Plan(
            enum_name(search_pb2.QueryPlan.Kind, plan.kind, "KIND_"), plan.ef, plan.rows_visited,
            plan.rows_matching, plan.shards, plan.recall,
            enum_name(search_pb2.QueryPlan.RecallBasis, plan.recall_basis, "RECALL_BASIS_"))

    @property
    def timings(self) -> Timings:
        return timings_of(self.proto.timings)

    @property
    def partial(self) -> bool:
        """Whether a part of the index could not be asked; `missing` says which."""
        return self.proto.partial

    @property
    def missing(self) -> list[str]:
        return list(self.proto.missing)

    @property
    def facets(self) -> dict[str, Facet]:
        """Counts of values by attribute, where `facets` were asked for."""
        return {facet.attribute: Facet({one.value: one.count for one in facet.counts},
                                       facet.others) for facet in self.proto.facets}

    def images(self) -> list[Optional[bytes]]:
        """The hits' pictures, JPEG within 256 × 256, fetched once; None where there is none."""
        wanted = [hit for hit in self._all() if (hit.product_id, hit.image) not in self._cache]
        for hit in wanted:
            self._cache[hit.product_id, hit.image] = hit.thumbnail
        lacking = [hit for hit in wanted if hit.thumbnail is None]
        for hit, content in zip(lacking, self._fetch(lacking) if lacking else ()):
            self._cache[hit.product_id, hit.image] = content
        return [self._cache[hit.product_id, hit.image] for hit in self._all()]

    def to_pandas(self) -> pandas.DataFrame:
        """A frame with a row a hit, best first.

        Columns are `product_id`, `title`, `category`, `score`, `distance`, `image`, `same_content`,
        the cosine of each block (`cosine.shape`), and the attributes by their names
        (`attributes.score` where that is the name of a column already).
        """
        from vitrine import frames
        return frames.of_hits(self)

    def plot(self, columns: int = 5, title: Optional[str] = None) -> Figure:
        """A matplotlib figure: the pictures with scores and titles, `columns` a row."""
        from vitrine import plots
        return plots.of_hits(self, columns, title)

    def _repr_html_(self) -> str:
        from vitrine import notebook
        return notebook.row(self)

    def __repr__(self) -> str:
        shown = ", ".join(f"{hit.product_id} {hit.percent}" for hit in self._all()[:3])
        more = ", …" if len(self) > 3 else ""
        return f"<Results: {len(self)} hits{': ' if shown else ''}{shown}{more}>"


class Recommendation(Mapping[str, Results]):
    """Similar products, and pieces of other slots to wear with what was asked for.

    A mapping from slot ("shoes", "bag", …) to its pieces; `similar` are products of the same
    category. `proto` is the API's own message.
    """

    def __init__(self, proto: search_pb2.RecommendResponse, fetch: FetchImages = _no_images):
        self.proto = proto
        self._results = functools.partial(self._part, fetch)
        self.similar = self._results(proto.similar)
        self._slots = {part.slot: self._results(part.hits) for part in proto.complements}

    def _part(self, fetch: FetchImages, hits: Any) -> Results:
        proto = self.proto
        return Results(search_pb2.SearchResponse(
            hits=hits, generation=proto.generation, model=proto.model, timings=proto.timings,
            partial=proto.partial, missing=proto.missing), fetch)

    def __getitem__(self, slot: str) -> Results:
        return self._slots[slot]

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def category(self) -> str:
        """The category that was assumed; "" where none was."""
        return self.proto.category

    @property
    def category_confidence(self) -> float:
        """How sure that is, 0 to 1; 1 where it was told."""
        return self.proto.category_confidence

    @property
    def slot(self) -> str:
        """The slot of the category; "" where it has none."""
        return self.proto.slot

    @property
    def basis(self) -> dict[str, str]:
        """What each slot was filled by: "rule", or "learned_category", "learned_slot" and
        "learned_any", where the index has learned complements."""
        return {part.slot: enum_name(search_pb2.ComplementBasis, part.basis,
                                     "COMPLEMENT_BASIS_").lower()
                for part in self.proto.complements}

    @property
    def restricted_to_category(self) -> bool:
        return self.proto.restricted_to_category

    @property
    def generation(self) -> int:
        return self.proto.generation

    @property
    def timings(self) -> Timings:
        return timings_of(self.proto.timings)

    @property
    def partial(self) -> bool:
        return self.proto.partial

    @property
    def missing(self) -> list[str]:
        return list(self.proto.missing)

    def rows(self) -> dict[str, Results]:
        """The similar ones under "similar", then each slot."""
        return {"similar": self.similar, **self._slots}

    def to_pandas(self) -> pandas.DataFrame:
        """A frame as that of `Results`, with the column `slot` before the others."""
        from vitrine import frames
        return frames.of_rows(self.rows())

    def plot(self, columns: int = 5) -> Figure:
        """A matplotlib figure: a row of pictures for the similar ones, and one a slot."""
        from vitrine import plots
        return plots.of_rows(self.rows(), columns)

    def _repr_html_(self) -> str:
        from vitrine import notebook
        return notebook.rows(self.rows())

    def __repr__(self) -> str:
        slots = "".join(f", {slot} {len(hits)}" for slot, hits in self._slots.items())
        return f"<Recommendation for {self.category or 'no category'}: similar " \
               f"{len(self.similar)}{slots}>"
