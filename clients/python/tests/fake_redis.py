"""A Redis that answers as a test says: not at all, late, or not any more."""

import contextlib
import socket
import threading
from typing import Any, Callable, List, Optional

# Given the command's words, returns the answer as it goes over the wire, or None for silence. An
# EOFError ends the connection.
Answer = Callable[[List[bytes]], Optional[bytes]]
# What newer libraries say when they connect.
_GREETINGS = {b"HELLO": b"%1\r\n+proto\r\n:3\r\n", b"CLIENT": b"+OK\r\n"}


class FakeRedis:

    def __init__(self, answer: Answer, port: int = 0):
        self.commands: List[List[bytes]] = []
        self.connections = 0
        self._answer = answer
        self._open: List[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, stream: str) -> str:
        return f"redis://127.0.0.1:{self.port}/{stream}"

    def names(self) -> List[str]:
        """The commands that came, without what a library says by way of greeting."""
        return [name for name in (words[0].decode() for words in self.commands)
                if name.encode() not in _GREETINGS]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError), connection, \
                connection.makefile("rb") as read:
            while True:
                words = [self._bulk(read) for _ in range(self._number(read, b"*"))]
                self.commands.append(words)
                answer = _GREETINGS[words[0]] if words[0] in _GREETINGS else self._answer(words)
                if answer is not None:
                    connection.sendall(answer)

    @staticmethod
    def _number(read: Any, kind: bytes) -> int:
        line = read.readline()
        if not line.startswith(kind):
            raise EOFError
        return int(line[1:])

    def _bulk(self, read: Any) -> bytes:
        size = self._number(read, b"$")
        return bytes(read.read(size + 2)[:size])

    def stop(self) -> None:
        # A thread in accept() is woken by this alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
