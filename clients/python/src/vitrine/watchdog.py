"""Gives up on streams that have gone silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Optional


class Watchdog:
    """Calls `cancel` once where a wait takes more than `seconds` (None: never).

    One thread waits; another watches it, which ends with `close`. A wait may last a tenth longer.
    """

    def __init__(self, seconds: Optional[float], cancel: Callable[[], object]):
        self._seconds = seconds
        self._cancel = cancel
        self._until: Optional[float] = None
        self._closed = threading.Event()
        self.fired = False
        if seconds is not None:
            threading.Thread(target=self._watch, args=(seconds,), daemon=True,
                             name="vitrine-watchdog").start()

    def _watch(self, seconds: float) -> None:
        look = max(0.005, seconds / 10)
        while not self._closed.wait(look):
            until = self._until
            if until is not None and time.monotonic() >= until:
                self.fired = True
                self._cancel()
                return

    @contextmanager
    def waiting(self) -> Iterator[None]:
        if self._seconds is not None:
            self._until = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._until = None

    def close(self) -> None:
        self._closed.set()
