"""Answers as pandas frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vitrine import optional

if TYPE_CHECKING:
    import pandas

    from vitrine.results import Results

_COLUMNS = ("product_id", "title", "category", "score", "distance", "image", "same_content")


def of_hits(results: Results) -> pandas.DataFrame:
    """A row a hit; columns that no hit has values for are there all the same but for attributes."""
    return of_rows({"": results}).drop(columns=["slot"])


def _attribute_columns(names: set[str], taken: set[str]) -> dict[str, str]:
    """The column of each attribute: its name, or another where that is taken."""
    columns = {}
    for name in sorted(names):
        column = name
        while column in taken or (column != name and column in names):
            column = f"attributes.{column}"
        columns[name] = column
        taken.add(column)
    return columns


def of_rows(named: Mapping[str, Results]) -> pandas.DataFrame:
    """The hits of all, the name of theirs in `slot`."""
    loaded = optional.load("pandas", "frames")
    hits = [(name, hit, hit.attributes, {f"cosine.{block}": cosine for block, cosine
                                         in hit.block_scores.items()})
            for name, results in named.items() for hit in results]
    blocks = dict.fromkeys(column for _, _, _, cosines in hits for column in cosines)
    columns = _attribute_columns({name for _, _, attributes, _ in hits for name in attributes},
                                 {"slot", *_COLUMNS, *blocks})
    records: list[dict[str, Any]] = [
        {"slot": name, **{column: getattr(hit, column) for column in _COLUMNS}, **cosines,
         **{columns[attribute]: value for attribute, value in attributes.items()}}
        for name, hit, attributes, cosines in hits]
    frame: pandas.DataFrame = loaded.DataFrame.from_records(
        records, columns=["slot", *_COLUMNS, *blocks, *sorted(columns.values())])
    return frame
