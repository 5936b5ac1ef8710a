"""A bar that says how far many queries have come."""

from __future__ import annotations

import sys
from typing import Any, Optional, Union

from vitrine import optional
from vitrine.errors import MissingDependency


class _None:
    def update(self, count: int) -> None:
        pass

    def close(self) -> None:
        pass


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())


def bar(progress: Union[bool, str], queries: Any, total: Optional[int]) -> Any:
    """A tqdm bar, or what does nothing; `progress` is True, False or "auto"."""
    if progress is False or (progress == "auto" and not _is_watched()):
        return _None()
    try:
        tqdm = optional.load("tqdm.auto", "progress")
    except MissingDependency:
        if progress == "auto":
            return _None()
        raise
    if total is None:
        total = len(queries) if hasattr(queries, "__len__") else None
    return tqdm.tqdm(total=total, unit=" queries")
