"""Which products may be in an answer.

A filter is written as the command `vitrine` takes it, with AND between conditions,

    "category=Dress|Skirt AND price<=50 AND !colour=Red AND season?"

or built of `attr`, for what a text cannot say:

    (attr("price") < 50) | attr("brand").is_in(["Acme", "A|B"]) & ~attr("sold out").exists()
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Optional, Union

from vitrine.errors import InvalidArgument
from vitrine.v1 import search_pb2
from vitrine.values import finite, plain

FilterLike = Union[str, "Filter", search_pb2.Filter, Iterable[Union[str, "Filter"]],
                   Mapping[str, Any]]


class Filter:
    """What must hold of a product; join several with `&`, `|` and `~`."""

    __slots__ = ("proto",)

    def __init__(self, proto: search_pb2.Filter):
        self.proto = proto

    def __and__(self, other: Filter) -> Filter:
        return _joined("all", [self, other])

    def __or__(self, other: Filter) -> Filter:
        return _joined("any", [self, other])

    def __invert__(self) -> Filter:
        return _joined("none", [self])

    def __bool__(self) -> NoReturn:
        raise InvalidArgument("a filter is neither true nor false: join filters with & and |, and "
                              "turn them round with ~, in parentheses; not with and, or, not")

    def __repr__(self) -> str:
        return f"Filter({str(self.proto)!r})"


def _joined(kind: str, filters: Iterable[Filter]) -> Filter:
    joined = search_pb2.Filter()
    getattr(joined, kind).filters.extend(one.proto for one in filters)
    return Filter(joined)


def _condition(attribute: str) -> tuple[search_pb2.Filter, search_pb2.Filter.Condition]:
    proto = search_pb2.Filter()
    proto.condition.attribute = attribute
    return proto, proto.condition


def _value(value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    number = finite(value)
    if number is None:
        raise InvalidArgument(f"a filter compares with {value!r}; right is a text, a finite number "
                              "or a flag", code="INVALID_ARGUMENT")
    return repr(number)


class attr:  # noqa: N801  # It reads as a function.
    """An attribute of products, or their "category" or "product_id", to make filters of.

    `attr("price") < 50`, `attr("colour") == "Red"`, `attr("colour").is_in(["Red", "Blue"])`,
    `attr("price").between(20, 50)`, `attr("season").exists()`.
    """

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str):
        self.name = name

    def is_in(self, values: Iterable[Any]) -> Filter:
        """The value, or one of a list's, is one of these."""
        proto, condition = _condition(self.name)
        condition.any_of.values.extend(_value(value) for value in values)
        return Filter(proto)

    def exists(self) -> Filter:
        """The product has this attribute at all."""
        proto, condition = _condition(self.name)
        condition.exists = True
        return Filter(proto)

    def between(self, least: Optional[float] = None, most: Optional[float] = None) -> Filter:
        """The number is in this range, both ends included; None is open."""
        proto, condition = _condition(self.name)
        condition.range.SetInParent()
        if least is not None:
            condition.range.min = _number(least)
        if most is not None:
            condition.range.max = _number(most)
        return Filter(proto)

    def __eq__(self, value: Any) -> Filter:  # type: ignore[override]
        value = plain(value)
        if isinstance(value, bool):
            proto, condition = _condition(self.name)
            condition.flag = value
            return Filter(proto)
        return self.is_in([value])

    def __ne__(self, value: Any) -> Filter:  # type: ignore[override]
        equal: Filter = self == value
        return ~equal

    def __le__(self, most: float) -> Filter:
        return self.between(most=most)

    def __ge__(self, least: float) -> Filter:
        return self.between(least=least)

    def __lt__(self, most: float) -> Filter:
        return self.between(most=_next(_number(most), -math.inf))

    def __gt__(self, least: float) -> Filter:
        return self.between(least=_next(_number(least), math.inf))


def _number(value: Any) -> float:
    number = finite(value)
    if number is None:
        raise InvalidArgument(f"a filter compares with {value!r}, which is no number; write one, "
                              "such as price<=50")
    return number


def _next(number: float, towards: float) -> float:
    """The next number there is; `math.nextafter` came with Python 3.9."""
    return math.nextafter(number, towards)


def _refuse(text: str, what: str) -> NoReturn:
    raise InvalidArgument(f"the filter {text!r} {what}")


class _Reader:
    """Takes a condition apart; a backslash takes the character after it as it is."""

    def __init__(self, text: str):
        self.rest = text

    def until(self, ends: str) -> str:
        """The text up to one of `ends`, which stays; spaces around it go."""
        taken, kept = "", 0  # So many characters are not to be stripped.
        while self.rest and self.rest[0] not in ends:
            escaped = self.rest[0] == "\\" and len(self.rest) > 1
            character = self.rest[1] if escaped else self.rest[0]
            self.rest = self.rest[2 if escaped else 1:]
            if taken or escaped or not character.isspace():
                taken += character
            if escaped:
                kept = len(taken)
        return taken[:kept] + taken[kept:].rstrip()


def _conditions(text: str) -> list[str]:
    """The text at each AND between spaces; a backslash before either space keeps them together."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(" AND ", at):
            parts.append(text[start:at])
            start = at = at + len(" AND ")
        else:
            at += 1
    return [*parts, text[start:]]


def _parse_condition(text: str) -> Filter:
    reader = _Reader(text.lstrip())
    negated = reader.rest.startswith("!")
    if negated:
        reader.rest = reader.rest[1:]
        if reader.rest.startswith("!"):
            _refuse(text, "has one ! too many")
    name = reader.until("=<>?")
    rest = reader.rest
    if not name or not rest:
        _refuse(text, "is no condition; write NAME=VALUE, NAME=VALUE|VALUE, NAME<=NUMBER, "
                      "NAME>=NUMBER or NAME? (is there), with a ! before it for what must not "
                      "hold, and AND between several")
    if name.endswith("!"):
        _refuse(text, f"has its ! at the wrong place; write !{name[:-1]}{rest}")
    if rest[0] == "?":
        if rest[1:].strip():
            _refuse(text, f"goes on after its ?; write {name}? (is there)")
        made = attr(name).exists()
    elif rest[0] == "=":
        made = attr(name).is_in(_values(text, rest[1:]))
    else:
        bound = rest.lstrip("<>=").strip()
        if rest[1:2] in ("<", ">") or rest[1:3] in ("==", "=<", "=>"):
            _refuse(text, "has one sign too many; write price<=50")
        if rest[1:2] == "=":
            made = attr(name) <= _bound(text, bound) if rest[0] == "<" \
                else attr(name) >= _bound(text, bound)
        else:
            made = attr(name) < _bound(text, bound) if rest[0] == "<" \
                else attr(name) > _bound(text, bound)
    return ~made if negated else made


def _bound(text: str, bound: str) -> float:
    number = finite(bound)
    if number is None:
        _refuse(text, f"compares with {bound!r}, which is no number; write one, such as price<=50")
    return number


def _values(text: str, rest: str) -> list[str]:
    if rest.startswith("="):
        _refuse(text, "has one = too many; write colour=Red")
    if rest.startswith(("<", ">")):
        _refuse(text, "has its signs the wrong way round; write price<=50")
    values = []
    reader = _Reader(rest)
    while True:
        value = reader.until("|")
        if not value:
            _refuse(text, "lacks a value; write colour=Red, or colour=Red|Blue for either")
        values.append(value)
        if not reader.rest:
            return values
        reader.rest = reader.rest[1:]


def parse(text: str) -> Filter:
    """Reads conditions with AND between them.

    Raises InvalidArgument, which quotes the condition that is not right.
    """
    return _all([_parse_condition(part) for part in _conditions(text)])


def _all(filters: list[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else _joined("all", filters)


def _of_item(name: str, wanted: Any) -> Filter:
    if isinstance(wanted, (str, bytes)) or not isinstance(wanted, Iterable):
        return attr(name) == wanted
    if isinstance(wanted, tuple) and len(wanted) == 2:
        return attr(name).between(*wanted)
    return attr(name).is_in(wanted)


def to_proto(given: FilterLike) -> search_pb2.Filter:
    """The message of a filter, a text, several of either (all must hold), or a mapping.

    In a mapping a value is what an attribute must be, a list is any of it, a pair `(20, 50)` a
    range.
    """
    if isinstance(given, search_pb2.Filter):
        return given
    if isinstance(given, Filter):
        return given.proto
    if isinstance(given, str):
        return parse(given).proto
    if isinstance(given, Mapping):
        filters = [_of_item(name, wanted) for name, wanted in given.items()]
    else:
        filters = [Filter(to_proto(one)) for one in given]
    if not filters:
        raise InvalidArgument("a filter without conditions; leave it out, or give one such as "
                              "'category=Dress'")
    return _all(filters).proto
