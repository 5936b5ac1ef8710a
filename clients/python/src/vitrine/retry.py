"""When a failed call is made again, and after what pause."""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Optional, Union

from vitrine.errors import DeadlineExceeded, Error, Overloaded, Unavailable

_LEAST = 0.01  # Seconds.


@dataclasses.dataclass(frozen=True)
class Retry:
    """How calls that failed for want of a server are made again; all calls may be.

    Pauses begin with `first` seconds, double up to `most`, are shortened at random by up to half,
    and are at least what the server says. None goes beyond the call's deadline.
    """

    attempts: int = 6
    first: float = 0.1
    most: float = 2.0

    def pause(self, failures: int, error: Error) -> float:
        """Seconds to wait after so many failures, 1 or more."""
        backoff: float = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return max(error.retry_after or 0.0, backoff * random.uniform(0.5, 1.0))


def is_transient(error: Error) -> bool:
    """Whether the same call may succeed later.

    A server that drains cancels what comes late; nothing else cancels a call that is waited for.
    A message that is too large is RESOURCE_EXHAUSTED too, but without a reason.
    """
    if isinstance(error, Overloaded):
        return error.reason != ""
    return isinstance(error, Unavailable) or error.code == "CANCELLED" \
        or error.retry_after is not None


class Deadline:
    """When all that belongs to one call of the program must be over; None is never."""

    def __init__(self, timeout: Optional[float]):
        self.timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> Optional[float]:
        """Seconds to go; None without an end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def over(self) -> bool:
        """Whether nothing more can be done in what is left."""
        left = self.left()
        return left is not None and left < _LEAST

    def allows(self, most: Optional[float]) -> Optional[float]:
        """Seconds for one step: so many at most, and a few ms in any case, for a last look."""
        limits = [limit for limit in (most, self.left()) if limit is not None]
        return max(_LEAST, min(limits)) if limits else None

    def exceeded(self, why: str) -> DeadlineExceeded:
        return DeadlineExceeded(f"not within {self.timeout or 0:g} s: {why}",
                                reason="DEADLINE_EXCEEDED", code="DEADLINE_EXCEEDED")


class Attempts:
    """The attempts at one call, within its deadline."""

    def __init__(self, retry: Retry, timeout: Union[None, float, Deadline]):
        self._retry = retry
        self._deadline = timeout if isinstance(timeout, Deadline) else Deadline(timeout)
        self._failures = 0

    def left(self) -> Optional[float]:
        """Seconds to the deadline; None without one."""
        return self._deadline.left()

    def pause(self, error: Error) -> Optional[float]:
        """Seconds to wait before the next attempt; None where there is to be none."""
        self._failures += 1
        if not is_transient(error) or self._failures >= self._retry.attempts:
            return None
        pause = self._retry.pause(self._failures, error)
        left = self.left()
        return None if left is not None and pause >= left else pause

    def succeeded(self) -> None:
        """Something came: failures are counted from there."""
        self._failures = 0
