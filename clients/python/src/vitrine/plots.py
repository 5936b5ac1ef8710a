"""Answers as matplotlib figures."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from vitrine import optional

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vitrine.results import Hit, Results

_INCHES = 1.8  # A picture's side.
_WIDTH = 24  # Characters of a line below it.


def _caption(hit: Hit) -> str:
    title = "".join(c if c.isprintable() else " " for c in hit.title or hit.product_id)
    lines = textwrap.wrap(title, _WIDTH, max_lines=2, placeholder=" …")
    return "\n".join([hit.percent, *lines])


def _draw(axes: Any, hit: Hit, content: Optional[bytes]) -> None:
    if content:
        image = optional.load("PIL.Image", "plots")
        try:
            axes.imshow(image.open(io.BytesIO(content)).convert("RGB"))
        except (OSError, ValueError):
            pass  # The caption stands without a picture that cannot be decoded.
    # A title may hold $, which is no formula.
    axes.set_title(_caption(hit), fontsize=7, parse_math=False)


def of_rows(named: Mapping[str, Results], columns: int) -> Figure:
    """The pictures of each under its name, `columns` a row."""
    matplotlib = optional.load("matplotlib.figure", "plots")
    lines: list[tuple[str, Results]] = []
    for name, results in named.items():
        for start in range(0, len(results), columns):
            lines.append((name if start == 0 else "", results[start:start + columns]))
    wide = min(columns, max((len(hits) for _, hits in lines), default=1))
    high = max(1, len(lines))
    figure: Figure = matplotlib.Figure(figsize=(_INCHES * wide, (_INCHES + 0.55) * high),
                                       layout="constrained")
    grid = figure.subplots(high, wide, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for row, (name, hits) in zip(grid, lines):
        if name:
            row[0].text(-0.08, 0.5, name, rotation=90, ha="center", va="center", fontsize=8,
                        transform=row[0].transAxes, parse_math=False)
        for axes, hit, content in zip(row, hits, hits.images()):
            _draw(axes, hit, content)
    # Notebooks show figures that pyplot does not know by this alone.
    setattr(figure, "_repr_png_", lambda: _png(figure))  # noqa: B010
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def of_hits(results: Results, columns: int, title: Optional[str]) -> Figure:
    """The pictures, best first."""
    figure = of_rows({"": results}, columns)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure
