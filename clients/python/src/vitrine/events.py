"""Events of a catalogue's queue, as messages."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from vitrine import queries
from vitrine.errors import InvalidArgument
from vitrine.queries import PictureLike
from vitrine.records import set_time
from vitrine.v1 import catalog_pb2, search_pb2
from vitrine.values import finite, plain

Images = Union[Iterable[PictureLike], Mapping[str, PictureLike]]


def set_attribute(message: search_pb2.AttributeValue, name: str, value: Any) -> None:
    """A text, a flag, a finite number or a list of texts; NumPy's are taken too."""
    value = plain(value)
    if isinstance(value, str):
        message.text = value
    elif isinstance(value, bool):
        message.flag = value
    elif isinstance(value, (list, tuple, set, frozenset)) \
            and all(isinstance(one, str) for one in value):
        message.list.values.extend(value)
    else:
        number = finite(value)
        if number is None:
            raise InvalidArgument(
                f"the attribute {name!r} is {value!r}; right is a text, a finite number, a flag or "
                "a list of texts, or None for none", field=f"attributes[{name}]",
                code="INVALID_ARGUMENT")
        message.number = number


def _add_images(upsert: catalog_pb2.ProductUpsert, images: Images, jpeg: Optional[int]) -> None:
    named: Iterable[tuple[str, Any]]
    if isinstance(images, Mapping):
        named = images.items()
    elif isinstance(images, (str, bytes, os.PathLike)):
        raise InvalidArgument("images are a list of pictures, or a mapping from their keys",
                              field="images", code="INVALID_ARGUMENT")
    else:
        named = [(os.path.basename(os.fspath(source)) if isinstance(source, (str, os.PathLike))
                  else f"picture-{number}", source) for number, source in enumerate(images, 1)]
    keys = set()
    for key, source in named:
        content = queries.picture_bytes(source, jpeg)
        if content is None:
            raise InvalidArgument(f"{type(source).__name__} is no picture; right is a path, bytes, "
                                  "a PIL image or an array of uint8 height × width × 3",
                                  field=f"images[{key}]", code="INVALID_ARGUMENT")
        if key in keys:
            raise InvalidArgument(f"two pictures have the key {key!r}; give a mapping from keys to "
                                  "pictures", field="images", code="INVALID_ARGUMENT")
        keys.add(key)
        upsert.images.add(key=key, content=content)


def _event(source: str, version: Optional[int]) -> catalog_pb2.CatalogEvent:
    try:
        return catalog_pb2.CatalogEvent(
            source=source, version=time.time_ns() if version is None else version)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the source {source!r} or the version {version!r} is not right: "
                              f"{error}", field="version", code="INVALID_ARGUMENT") from None


def upsert(product_id: str, images: Optional[Images], attributes: Mapping[str, Any], title: str,
           category: str, visible_from: Optional[datetime.datetime],
           visible_until: Optional[datetime.datetime], source: str, version: Optional[int],
           jpeg: Optional[int]) -> catalog_pb2.CatalogEvent:
    """The event of a product that is new or changed; without `images` its pictures stay."""
    event = _event(source, version)
    try:
        product = event.upsert
        product.product_id = product_id
        product.title = title
        product.category = category
        for name, value in attributes.items():
            if value is not None:
                set_attribute(product.attributes[name], name, value)
        if images is None:
            product.attributes_only = True
        else:
            _add_images(product, images, jpeg)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"the product {product_id!r} is not right: {error}",
                              code="INVALID_ARGUMENT") from None
    if visible_from is not None:
        set_time(product.visible_from, visible_from)
    if visible_until is not None:
        set_time(product.visible_until, visible_until)
    return event


def delete(product_id: str, source: str, version: Optional[int]) -> catalog_pb2.CatalogEvent:
    """The event of a product that is gone."""
    event = _event(source, version)
    try:
        event.delete.product_id = product_id
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the id {product_id!r} is not right: {error}", field="product_id",
                              code="INVALID_ARGUMENT") from None
    return event


def order_of_entry(entry: str) -> tuple[int, int]:
    """Rises with the entries of a stream: milliseconds since 1970, and a number."""
    milliseconds, _, number = entry.partition("-")
    try:
        return int(milliseconds), int(number or 0)
    except ValueError:
        return 0, 0
