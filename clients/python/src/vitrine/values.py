"""What a value is that a program gives: a text, a flag, a finite number."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np


def plain(value: Any) -> Any:
    """A scalar of NumPy as Python's own: its flags are no `bool`, its integers no `int`."""
    return value.item() if isinstance(value, np.generic) else value


def finite(value: Any) -> Optional[float]:
    """The number that this is; None where it is none, or NaN, or infinite."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
