"""What can be asked with: pictures in any form, products, vectors, and mixtures of them."""

from __future__ import annotations

import dataclasses
import io
import os
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
import numpy.typing as npt

from vitrine import optional
from vitrine.errors import Error, ImageUnreadable, InvalidArgument
from vitrine.v1 import search_pb2

if TYPE_CHECKING:
    from PIL import Image

# A request's pictures have at most so many bytes: gRPC messages of the server end at 40 MiB.
MOST_REQUEST_BYTES = (40 << 20) - (64 << 10)
_MOST_IMAGE_BYTES = 32_000_000

Region = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in shares of the picture's width and height, 0 to 1."""


@dataclasses.dataclass(frozen=True)
class Product:
    """A product of the index, by its id."""

    product_id: str


@dataclasses.dataclass(frozen=True, eq=False)
class Vector:
    """A vector of the served model: `dim` numbers, as `embed` returns them."""

    values: npt.ArrayLike


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """A part of a query: what it is, how much it counts, and which part of a picture counts.

    `weight` below 0 is "less like this".
    """

    source: SourceLike
    weight: float = 1.0
    region: Optional[Region] = None


PictureLike = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, "npt.NDArray[Any]",
                    "Image.Image"]
"""A file's path (a `str` is always that), its bytes, an array height × width × 3 (or 4, or none)
of uint8, or a PIL image."""
SourceLike = Union[PictureLike, Product, Vector]
QueryLike = Union[SourceLike, Example, Sequence[Union[Example, tuple[SourceLike, float]]]]


def encode_png(pixels: npt.NDArray[Any]) -> bytes:
    """The lossless PNG of an array height × width (grey), × 3 (RGB) or × 4 (RGBA) of uint8."""
    colours = {1: 0, 3: 2, 4: 6}
    shape = pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1)
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] not in colours or 0 in shape:
        hint = ""
        if pixels.ndim == 1:
            hint = "; a vector of the model is given as vitrine.Vector(array)"
        elif pixels.dtype.kind == "f":
            hint = "; pixels of 0 to 1 are made so by (255 * array).round().astype('uint8')"
        raise InvalidArgument(
            f"an array of {pixels.dtype} and shape {'×'.join(map(str, pixels.shape)) or 'none'} is "
            f"no picture; right is uint8, height × width × 3 (RGB){hint}", field="image")
    height, width, channels = shape
    # Each line begins with the number of its filter, 0.
    lines = np.zeros((height, 1 + width * channels), np.uint8)
    lines[:, 1:] = pixels.reshape(height, width * channels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))

    header = struct.pack(">IIBBBBB", width, height, 8, colours[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(lines.tobytes(), 1)) + chunk(b"IEND", b""))


def _encode_pil(image: Any, jpeg: Optional[int]) -> bytes:
    # Its pixels are as the camera held it; the server turns files by their EXIF, and a PNG of
    # these has none.
    image = optional.load("PIL.ImageOps", "images").exif_transpose(image)
    buffer = io.BytesIO()
    if jpeg is not None:
        image.convert("RGB").save(buffer, "JPEG", quality=jpeg)
    else:
        if image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _read_file(path: str) -> bytes:
    try:
        size = os.path.getsize(path)
        if size <= MOST_REQUEST_BYTES:
            with open(path, "rb") as file:
                return file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ImageUnreadable(
            f"{path!r} cannot be read: {why}; a text is the path of a picture, and the id of a "
            f"product is given as vitrine.Product({path!r})",
            reason="IMAGE_UNREADABLE", code="NOT_FOUND") from None
    raise InvalidArgument(
        f"the picture {path!r} has {size:,} bytes; at most {_MOST_IMAGE_BYTES:,} (32 MB) are read: "
        "send a smaller one", reason="IMAGE_TOO_LARGE", field="examples[0].image.content",
        limit=_MOST_IMAGE_BYTES, code="INVALID_ARGUMENT")


def is_pil(source: Any) -> bool:
    """Whether it is a PIL image, without loading PIL where it is not loaded."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image"
               for kind in type(source).__mro__)


def picture_bytes(source: Any, jpeg: Optional[int] = None) -> Optional[bytes]:
    """A picture as the bytes of a file; None where it is none of the forms of one.

    Arrays and PIL images become PNG, or JPEG of the quality `jpeg` (1 to 100).
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return _read_file(os.fspath(source))
    if isinstance(source, np.ndarray):
        png = encode_png(source)
        if jpeg is None:
            return png
        return _encode_pil(optional.load("PIL.Image", "images").fromarray(source), jpeg)
    if is_pil(source):
        try:
            return _encode_pil(source, jpeg)
        except (OSError, ValueError, SyntaxError) as error:
            raise InvalidArgument(f"the PIL image cannot be encoded: {error}", field="image",
                                  reason="IMAGE_NOT_DECODABLE", code="INVALID_ARGUMENT") from None
    return None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def vector_proto(values: npt.ArrayLike) -> search_pb2.Vector:
    """The message of a vector, made of its bytes, since to add numbers one by one takes longer."""
    try:
        array = np.asarray(values, dtype="<f4")
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"a vector holds numbers: {error}", reason="BAD_VECTOR",
                              field="vector", code="INVALID_ARGUMENT") from None
    if array.ndim != 1:
        raise InvalidArgument(f"a vector has one dimension, not {array.ndim}; ask with one row at "
                              "a time, or search_many(map(vitrine.Vector, array))",
                              reason="BAD_VECTOR", field="vector", code="INVALID_ARGUMENT")
    packed = array.tobytes()
    return search_pb2.Vector.FromString(b"\x0a" + _varint(len(packed)) + packed)


def vector_array(vector: search_pb2.Vector) -> npt.NDArray[np.float32]:
    """The numbers of a message, float32 [dim]."""
    values = vector.SerializeToString()
    return np.frombuffer(values[len(values) - 4 * len(vector.values):], dtype="<f4").astype(
        np.float32, copy=False)


def set_region(region: search_pb2.Region, edges: Sequence[float]) -> None:
    if len(edges) != 4:
        raise InvalidArgument(f"a region has 4 edges (left, top, right, bottom), not {len(edges)}",
                              field="region", code="INVALID_ARGUMENT")
    region.x0, region.y0, region.x1, region.y1 = edges


def set_image(image: search_pb2.ImageInput, content: bytes, region: Optional[Region]) -> None:
    image.content = content
    if region is not None:
        set_region(image.region, region)


def _refuse(source: Any) -> InvalidArgument:
    return InvalidArgument(
        f"one cannot search with {type(source).__module__}.{type(source).__name__}; right is a "
        "path, bytes, a PIL image, an array of uint8 height × width × 3, Product(id), "
        "Vector(array), or a list of (example, weight)", field="examples", code="INVALID_ARGUMENT")


def _fill(example: search_pb2.Example, source: Any, region: Optional[Region],
          jpeg: Optional[int]) -> None:
    if isinstance(source, Vector):
        example.vector.CopyFrom(vector_proto(source.values))
        return
    content = picture_bytes(source, jpeg)
    if content is not None:
        set_image(example.image, content, region)
        return
    # A product, a hit, or another that knows its id.
    product_id = getattr(source, "product_id", None)
    if not isinstance(product_id, str):
        raise _refuse(source)
    example.product_id = product_id


def add_examples(examples: Any, query: Any, region: Optional[Region] = None,
                 jpeg: Optional[int] = None) -> None:
    """Adds the messages of a query to a repeated field; `region` is for pictures without one.

    Whatever is wrong with the query is an `Error`.
    """
    try:
        _add_examples(examples, query, region, jpeg)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, Error):
            raise
        raise InvalidArgument(f"the query is not right: {error}", field="examples",
                              code="INVALID_ARGUMENT") from None


def _add_examples(examples: Any, query: Any, region: Optional[Region],
                  jpeg: Optional[int]) -> None:
    if not isinstance(query, (list, tuple)):
        query = [query]
    for part in query:
        if isinstance(part, (tuple, list)):
            if len(part) != 2 or isinstance(part[1], (str, bytes)):
                raise InvalidArgument("several examples are a list of (example, weight)",
                                      field="examples", code="INVALID_ARGUMENT")
            part = Example(part[0], float(part[1]))
        example = examples.add()
        if isinstance(part, Example):
            example.weight = part.weight
            _fill(example, part.source, part.region or region, jpeg)
        else:
            _fill(example, part, region, jpeg)
