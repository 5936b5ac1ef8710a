"""Reads pairs of products that were bought or worn together.

A CSV file with a header: product_a and product_b are ids of products, in any order; weight, which
may be left out, says how much a pair counts (how often it was bought). A pair that stands there
twice counts twice.
"""

import csv
import dataclasses
import math
from typing import Dict, List, Sequence, Tuple

_COLUMNS = ("product_a", "product_b", "weight")
_ERRORS_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Pair:
    product_a: str  # The one whose id is less.
    product_b: str
    weight: float
    line: int  # Where it first stands.


def _header(path: str, names: Sequence[str]) -> Tuple[int, int, int]:
    """Where the columns are; -1 for a weight that is not there."""
    folded = [name.strip().lower() for name in names]
    if any(folded.count(name) != 1 for name in _COLUMNS[:2]) or folded.count("weight") > 1:
        raise ValueError(f"{path}:1: the first line is to name the columns product_a,product_b "
                         f"and, if you like, weight, each once; it is {','.join(names)!r}")
    a, b = folded.index("product_a"), folded.index("product_b")
    return a, b, folded.index("weight") if "weight" in folded else -1


def _pair(row: Sequence[str], columns: Tuple[int, int, int], width: int, line: int) -> Pair:
    if len(row) != width:
        raise ValueError(f"{len(row)} columns instead of {width}")
    a, b = (row[column].strip() for column in columns[:2])
    if not a or not b:
        raise ValueError(f"{'product_a' if not a else 'product_b'} is empty")
    if a == b:
        raise ValueError(f"a pair of {a!r} with itself")
    weight = 1.0
    if columns[2] >= 0:
        try:
            weight = float(row[columns[2]])
        except ValueError:
            raise ValueError(f"the weight {row[columns[2]]!r} is no number") from None
        if not (math.isfinite(weight) and 0 < weight <= 1e6):
            raise ValueError(f"the weight {row[columns[2]]!r} is not above 0 and at most 1000000")
    return Pair(min(a, b), max(a, b), weight, line)


def read(path: str) -> List[Pair]:
    """The pairs of a file, each once, by ids. ValueError names the lines that are wrong."""
    pairs: Dict[Tuple[str, str], Pair] = {}
    wrong: List[str] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            names = next(rows, None)
            if names is None:
                raise ValueError(f"{path} is empty; its first line is product_a,product_b[,weight]")
            columns = _header(path, names)
            for row in rows:
                if not row:
                    continue
                try:
                    pair = _pair(row, columns, len(names), rows.line_num)
                except ValueError as error:
                    wrong.append(f"{path}:{rows.line_num}: {error}")
                    continue
                known = pairs.get((pair.product_a, pair.product_b))
                if known is not None:
                    pair = dataclasses.replace(known, weight=known.weight + pair.weight)
                pairs[pair.product_a, pair.product_b] = pair
        except csv.Error as error:
            raise ValueError(f"{path}:{rows.line_num}: {error}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}:{rows.line_num + 1} or after: not UTF-8") from None
    if wrong:
        more = len(wrong) - _ERRORS_SHOWN
        raise ValueError("\n".join(wrong[:_ERRORS_SHOWN])
                         + (f"\n... and {more} more lines" if more > 0 else ""))
    if not pairs:
        raise ValueError(f"{path} has no pair")
    return sorted(pairs.values(), key=lambda pair: (pair.product_a, pair.product_b))


def write(path: str, pairs: Sequence[Tuple[str, str]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_COLUMNS[:2])
        rows.writerows(pairs)
