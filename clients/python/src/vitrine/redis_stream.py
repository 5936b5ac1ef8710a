"""A Redis Stream of catalogue events, from the sender's side."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, Optional, TypeVar
from urllib.parse import unquote_to_bytes

from vitrine import optional
from vitrine.errors import Error, FailedPrecondition, InvalidArgument, Unavailable
from vitrine.events import order_of_entry
from vitrine.retry import Attempts, Deadline, Retry

_FORM = "redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME][&database=N]"
_SECONDS = 5.0  # For one command, within the deadline of the whole.
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class QueueAddress:
    """Where a stream is; of the same form as the indexer's --queue."""

    host: str
    port: int
    stream: str
    group: str = "vitrine"
    database: int = 0
    user: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The address without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis://{host}:{self.port}/{self.stream}"


def parse_url(url: str) -> QueueAddress:
    """Raises InvalidArgument, which does not show a password."""

    def bad(what: str) -> NoReturn:
        shown = url if "@" not in url else "redis://…@" + url.rsplit("@", 1)[1]
        raise InvalidArgument(f"{shown!r} is no queue: {what}; write {_FORM}", field="queue",
                              code="INVALID_ARGUMENT")

    def plain(text: str) -> str:
        try:
            return unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            bad("it has a wrong %xx")

    def number(text: str, what: str, least: int, most: int) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            bad(f"{text!r} is no {what}, {least} to {most}")
        return int(text)

    if url.startswith("rediss://"):
        bad("TLS is not supported; let a proxy such as stunnel add it")
    if not url.startswith("redis://"):
        bad("it does not begin with redis://")
    rest, _, query = url[len("redis://"):].partition("?")
    options: dict[str, Any] = {}
    for option in query.split("&") if query else ():
        name, _, value = option.partition("=")
        if name == "group" and value:
            options["group"] = plain(value)
        elif name == "database":
            options["database"] = number(value, "database", 0, 1_000_000)
        else:
            bad(f"{option!r} is neither group=NAME nor database=N")
    authority, _, stream = rest.partition("/")
    if not stream:
        bad("it names no stream")
    login, at, place = authority.rpartition("@")
    if at:
        user, colon, password = login.partition(":")
        if not colon:
            bad("it has a user and no password")
        options["user"], options["password"] = plain(user) or None, plain(password)
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            bad("after the host in [] comes no :PORT")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    if not host:
        bad("it names no host")
    return QueueAddress(host, number(port, "port", 1, 65535) if port else 6379, plain(stream),
                        **options)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@dataclasses.dataclass(frozen=True)
class Backlog:
    """What the indexers' group has still to do."""

    left: int
    """Entries that are handed out, and those that are not yet, as far as that is known."""
    last_delivered: str
    """"" where there is no group yet."""
    oldest_pending: str
    """"" where nothing is pending."""

    def holds(self, entry: str) -> bool:
        """Whether the entry is taken, and acknowledged as durable."""
        return (order_of_entry(self.last_delivered) >= order_of_entry(entry)
                and (not self.oldest_pending
                     or order_of_entry(self.oldest_pending) > order_of_entry(entry)))


class _Command(threading.local):
    """The command that this thread makes."""

    deadline = Deadline(None)
    sent = False  # Whether the server may have it.

    def seconds(self) -> Optional[float]:
        return self.deadline.allows(_SECONDS)


def _connection_class(library: Any, command: _Command) -> Any:
    """Connections that wait no longer than the command's deadline allows."""

    class Connection(library.Connection):  # type: ignore[misc]

        def connect(self) -> None:
            self.socket_timeout = self.socket_connect_timeout = command.seconds()
            try:
                super().connect()
            finally:
                command.sent = False  # What was sent so far was the greeting.

        def send_packed_command(self, *arguments: Any, **options: Any) -> None:
            if self._sock is None:
                self.connect()
            self._sock.settimeout(command.seconds())
            command.sent = True
            super().send_packed_command(*arguments, **options)

    return Connection


class RedisStream:
    """One connection pool. Commands that find no server are made again, within a deadline."""

    def __init__(self, address: QueueAddress, retry: Retry):
        self.address = address
        self._retry = retry
        self._command = _Command()
        self._library = optional.load("redis", "queue")
        self._pool = self._library.ConnectionPool(
            connection_class=_connection_class(self._library, self._command),
            host=address.host, port=address.port, db=address.database, username=address.user,
            password=address.password, socket_keepalive=True)
        self._redis = self._library.Redis(connection_pool=self._pool)

    def close(self) -> None:
        self._pool.disconnect()

    def _do(self, deadline: Deadline, command: Callable[..., _T], *arguments: Any,
            repeat: bool = True, **options: Any) -> _T:
        """Without `repeat` a command that the server may have is not made again."""
        attempts = Attempts(self._retry, deadline)
        while True:
            self._command.deadline, self._command.sent = deadline, False
            try:
                return command(*arguments, **options)
            except self._library.exceptions.AuthenticationError as failure:
                raise self._refused(failure) from None
            except (self._library.exceptions.ConnectionError,
                    self._library.exceptions.TimeoutError) as failure:
                why = f"the queue {self.address.name} does not answer: {failure}"
            except self._library.exceptions.RedisError as failure:
                raise self._refused(failure) from None
            final = self._command.sent and not repeat
            if final:
                why += ("; whether it has the event is not known, and without a version it is not "
                        "sent again")
            if deadline.over():
                raise deadline.exceeded(why)
            error = Unavailable(why, code="UNAVAILABLE")
            pause = None if final else attempts.pause(error)
            if pause is None:
                raise error
            time.sleep(pause)

    def _refused(self, failure: Exception) -> Error:
        return FailedPrecondition(f"the queue {self.address.name} refuses: {failure}",
                                  code="FAILED_PRECONDITION")

    def add(self, event: bytes, deadline: Deadline, has_version: bool) -> str:
        """Appends an event and returns its entry's id.

        An event with a version is sent again after a timeout or a lost connection: twice does no
        harm. One without is not, since its place in the stream is its version, and the second
        could come behind another's.
        """
        return _text(self._do(deadline, self._redis.xadd, self.address.stream, {"event": event},
                              repeat=has_version))

    def backlog(self, deadline: Deadline) -> Backlog:
        groups = self._do(deadline, self._groups)
        for group in groups:
            fields = {_text(name): value for name, value in group.items()}
            if _text(fields.get("name")) != self.address.group:
                continue
            pending = int(fields.get("pending") or 0)
            oldest = ""
            if pending:
                told = self._do(deadline, self._redis.xpending, self.address.stream,
                                self.address.group)
                oldest = _text(told["min"]) if told.get("min") else ""
            return Backlog(pending + int(fields.get("lag") or 0),
                           _text(fields.get("last-delivered-id", "")), oldest)
        return Backlog(int(self._do(deadline, self._redis.xlen, self.address.stream)), "", "")

    def _groups(self) -> list[dict[Any, Any]]:
        try:
            return list(self._redis.xinfo_groups(self.address.stream))
        except self._library.exceptions.ResponseError as error:
            if "no such key" in str(error):
                return []
            raise

    def noted_generation(self, deadline: Deadline) -> int:
        """The generation that holds all that is acknowledged; 0 where none was noted."""
        noted = self._do(deadline, self._redis.get,
                         f"{self.address.stream}:{self.address.group}:generation")
        return int(noted) if noted and noted.isdigit() else 0

    def why_dead(self, entry: str, deadline: Deadline) -> Optional[str]:
        """Why the entry was refused as a whole; None where it was not."""
        least = str(order_of_entry(entry)[0])
        while True:
            letters = self._do(deadline, self._redis.xrange, f"{self.address.stream}:dead",
                               min=least, count=100)
            for identity, fields in letters:
                if _text(fields.get(b"entry", fields.get("entry", ""))) == entry:
                    return _text(fields.get(b"reason", fields.get("reason", "")))
                least = f"({_text(identity)}"
            if len(letters) < 100:
                return None
