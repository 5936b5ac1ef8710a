"""What may go wrong, by its meaning.

Every error of this package is an `Error`; its message is the server's, which names the value that
was wrong and what would be right. Where Python has an exception of the same meaning, the error is
one of those too: `except TimeoutError` catches `DeadlineExceeded`.
"""

from __future__ import annotations

from typing import Any, Optional

import grpc

from vitrine.rpc import rpc_status_pb2
from vitrine.v1 import search_pb2

_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


class Error(Exception):
    """Something that went wrong.

    Attributes:
        message: what was wrong, with the value, and what would be right.
        reason: the API's `ErrorReason` without its prefix ("UNKNOWN_PRODUCT"); "" where not told.
        field: the request's field that was wrong, as a path ("examples[1].image.content"); or "".
        limit: the limit that was passed, in the field's unit; None where there is none.
        retry_after: seconds after which a retry is sensible; None where the server says none.
        code: the name of the gRPC status ("NOT_FOUND").
    """

    def __init__(self, message: str, *, reason: str = "", field: str = "",
                 limit: Optional[float] = None, retry_after: Optional[float] = None,
                 code: str = "UNKNOWN"):
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.field = field
        self.limit = limit
        self.retry_after = retry_after
        self.code = code

    def __str__(self) -> str:
        return self.message


class InvalidArgument(Error, ValueError):
    """A parameter, a picture or a vector is not right; `field` and `limit` say where and why."""


class ImageUnreadable(Error, OSError):
    """A file that was given as a picture cannot be read here."""


class NotFound(Error, LookupError):
    """There is no such product, picture or category."""


class FailedPrecondition(Error):
    """The index has another model, or is not as far, as was asked for (`reason` says which)."""


class Overloaded(Error):
    """The server is full, and was so at each attempt; or a message is larger than it takes."""


class Unavailable(Error, ConnectionError):
    """No server answers, or it has no index yet, or a partition that is needed is away."""


class DeadlineExceeded(Error, TimeoutError):
    """The time was over before an answer stood."""


class NotPermitted(Error, PermissionError):
    """The token is missing or unknown, or its role may not do this."""


class DataLoss(Error):
    """A file of the index is damaged; the message names it and the remedy."""


class Unimplemented(Error, NotImplementedError):
    """The server does not know this call, or is no vitrine-server."""


class Cancelled(Error):
    """The call was cancelled, by the caller or by a server that ends."""


class Internal(Error):
    """A fault of the server itself."""


class Refused(Error):
    """The indexer has refused an event, or all pictures of a product.

    `receipts` holds what it said of each (`Receipt`).
    """

    receipts: Any = ()


class MissingDependency(Error, ImportError):
    """A package that this needs is not installed."""


_KINDS = {
    "INVALID_ARGUMENT": InvalidArgument,
    "OUT_OF_RANGE": InvalidArgument,
    "NOT_FOUND": NotFound,
    "FAILED_PRECONDITION": FailedPrecondition,
    "RESOURCE_EXHAUSTED": Overloaded,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "UNAUTHENTICATED": NotPermitted,
    "PERMISSION_DENIED": NotPermitted,
    "DATA_LOSS": DataLoss,
    "UNIMPLEMENTED": Unimplemented,
    "CANCELLED": Cancelled,
    "INTERNAL": Internal,
}


def enum_name(enum: Any, number: int, prefix: str) -> str:
    """A value's name without its prefix; its number where the server knows more than we do."""
    try:
        name: str = enum.Name(number)
    except ValueError:
        return str(number)
    return name[len(prefix):]


def reason_name(number: int) -> str:
    """The API's reason as it is named; "" where none is told."""
    return enum_name(search_pb2.ErrorReason, number, _PREFIX) if number else ""


def make(code: str, message: str, **fields: Any) -> Error:
    """An error of the class that its gRPC status means."""
    return _KINDS.get(code, Error)(message, code=code, **fields)


def of_message(message: search_pb2.Error, code: str = "") -> Error:
    """The error that an item of a stream, or the details of a failed call, carry."""
    return make(code or _CODES.get(message.code, "UNKNOWN"), message.message,
                reason=reason_name(message.reason), field=message.field,
                limit=message.limit if message.HasField("limit") else None,
                retry_after=message.retry_after_ms / 1000 if message.retry_after_ms else None)


def _details(metadata: Any) -> Optional[search_pb2.Error]:
    for key, value in metadata or ():
        if key != "grpc-status-details-bin":
            continue
        status = rpc_status_pb2.RpcStatus()
        error = search_pb2.Error()
        try:
            status.ParseFromString(value)
            for detail in status.details:
                if detail.Unpack(error):
                    return error
        except Exception:  # Of each protobuf library its own; the status stands without details.
            return None
    return None


def of_call(failure: Any, address: str, encrypted: bool, timeout: Optional[float]) -> Error:
    """The server's own error where the failed call carries one; else what its code means."""
    code = failure.code().name
    error = _details(failure.trailing_metadata())
    if error is not None:
        if not error.message:
            error.message = failure.details() or ""
        return of_message(error, code)
    said = failure.details() or "the call failed without a message"
    reason = ""
    if code == "INTERNAL" and "Internal error from Core" in said:
        # What grpc.aio says where a stream breaks under a write; the status is lost.
        code, said = "UNAVAILABLE", "the connection broke"
    if code == "UNAVAILABLE":
        said = (f"no server answers at {address} ({said}): start one with vitrine-server "
                f"--index=DIR --listen={address}, or name another; ")
        said += ("or its certificate is not signed by `ca`, or has another name, or it wants "
                 "`cert` and `key`" if encrypted else "or it is encrypted, and wants `ca`")
    elif code == "DEADLINE_EXCEEDED":
        reason = "DEADLINE_EXCEEDED"
        said = f"no answer from {address} within {timeout or 0:g} s; `timeout` allows more"
    elif code == "UNIMPLEMENTED":
        reason = "UNIMPLEMENTED"
        said = (f"the server at {address} does not know this call; it is no vitrine-server, or one "
                "of another version")
    elif code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        reason = "NOT_PERMITTED"
    return make(code, said, reason=reason)
