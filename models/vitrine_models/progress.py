"""Says how far a long task has come, with its rate and the time left."""

import sys
import time
from typing import Optional, TextIO


class Progress:
    """Prints `what: done/total, rate, time left` to a stream at most once a second."""

    def __init__(self, what: str, total: int, stream: Optional[TextIO] = None):
        self._what, self._total, self._stream = what, total, stream or sys.stderr
        self._start = time.monotonic()
        self._printed = self._start
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        finished = self._done >= self._total
        if now - self._printed < 1.0 and not finished:
            return
        self._printed = now
        rate = self._done / max(now - self._start, 1e-9)
        left = (self._total - self._done) / max(rate, 1e-9)
        end = f"took {now - self._start:.0f} s" if finished else f"{left:.0f} s left"
        line = f"{self._what}: {self._done}/{self._total}, {rate:.1f}/s, {end}"
        tty = self._stream.isatty()
        self._stream.write(("\r\x1b[K" + line if tty else line) + ("\n" if finished or not tty else ""))
        self._stream.flush()
