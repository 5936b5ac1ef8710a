"""What the two kinds of clients have in common: their options, and what becomes of answers."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from vitrine import errors, optional, queries
from vitrine.connection import Connection
from vitrine.retry import Retry
from vitrine.v1 import search_pb2

Call = Callable[[search_pb2.GetImageRequest], Any]


class ClientBase:
    """Where the server is and how it is spoken to."""

    def __init__(self, address: Optional[str] = None, *, ca: Optional[str] = None,
                 cert: Optional[str] = None, key: Optional[str] = None,
                 token: Optional[str] = None, token_file: Optional[str] = None,
                 insecure: bool = False, balance: bool = False,
                 timeout: Optional[float] = 30.0, retry: Optional[Retry] = None):
        """Connects with the first call.

        Args:
            address: `HOST:PORT`; by default VITRINE_SERVER of the environment, else
                127.0.0.1:50051.
            ca: who signs the server's certificate, a PEM file, or "system" for those that the
                system trusts; None speaks in the clear.
            cert: the certificate to show, a PEM file, where the server wants one.
            key: its private key, a PEM file.
            token: the bearer token to send.
            token_file: a file whose first line is that; it is read again when it changes, and the
                former token holds on while it is away or not right.
            insecure: lets a token go to another machine in the clear.
            balance: spreads calls over all addresses of the name ("dns:///search:50051"), and
                asks none whose health check says that it is not ready.
            timeout: seconds that a call may take with all its attempts, and that a stream may be
                silent; None is for ever. Each call takes its own.
            retry: how calls that failed are made again.

        Raises:
            InvalidArgument: the options do not fit together, or a file cannot be read.
        """
        self._connection = Connection(
            address, ca=ca, cert=cert, key=key, token=token, token_file=token_file,
            insecure=insecure, balance=balance, timeout=timeout, retry=retry or Retry())

    @property
    def address(self) -> str:
        return self._connection.address

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}({self.address!r})"


class Default:
    """Stands for the client's own timeout."""

    def __repr__(self) -> str:
        return "the client's"


DEFAULT: Any = Default()


def require_same_model(request: search_pb2.EmbedRequest,
                       before: Sequence[search_pb2.EmbedResponse]) -> None:
    """Vectors of two models cannot be compared: refuses another than the first answer's."""
    if before:
        request.required_model = before[0].model


def vectors_of(responses: Sequence[search_pb2.EmbedResponse],
               nan_for_errors: bool) -> npt.NDArray[np.float32]:
    """The vectors of all items, float32 [n, dim].

    Raises the error of the first picture that has one, which `field` names; or fills its row.
    """
    rows: list[Optional[npt.NDArray[np.float32]]] = []
    for response in responses:
        for item in response.items:
            if item.HasField("vector"):
                rows.append(queries.vector_array(item.vector))
                continue
            error = errors.of_message(item.error)
            if not nan_for_errors:
                error.field = error.field or "images"
                error.message = f"picture {len(rows)}: {error.message}"
                raise error
            rows.append(None)
    dim = next((len(row) for row in rows if row is not None), 0)
    out = np.full((len(rows), dim), np.nan, np.float32)
    for number, row in enumerate(rows):
        if row is not None:
            out[number] = row
    return out


def image_request(product: Any, key: Optional[str]) -> search_pb2.GetImageRequest:
    """Of a product's id, a product, or a hit, whose picture is that which matched."""
    product_id = getattr(product, "product_id", product)
    if not isinstance(product_id, str):
        raise errors.InvalidArgument(f"the id of a product is a text, not {product_id!r}",
                                     field="product_id", code="INVALID_ARGUMENT")
    image = key if key is not None else getattr(product, "image", "")
    return search_pb2.GetImageRequest(product_id=product_id, image=image)


def shrunk(content: bytes, size: Optional[int]) -> bytes:
    """The picture within size × size pixels, a JPEG; nothing is enlarged."""
    if size is None or size >= 256:
        return content
    if size < 1:
        raise errors.InvalidArgument(f"a picture has 1 to 256 pixels a side, not {size}",
                                     field="size", code="INVALID_ARGUMENT")
    image = optional.load("PIL.Image", "images").open(io.BytesIO(content))
    image.thumbnail((size, size))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
