"""Draws pairs of the garments of `vitrine sample` that go together by a rule.

The rule goes by what styles.csv tells of a garment, and by nothing of how it looks: a model that
is fitted to the pairs sees pictures alone and has to find the rule in them. Two garments go
together where they are of one season, usage and gender, one of them is solid, and
- Formal: one is a dark neutral, and the other a light one;
- Sports: their hues are next to each other (30 degrees at most), or both are of one neutral;
- else: their hues are opposite (within 40 degrees), or one is a dark and one a light neutral.
"""

import argparse
import csv
import os
from typing import List, Tuple

import numpy as np

from vitrine_models import pairs

_HUES = {"Red": 0, "Maroon": 0, "Rust": 20, "Peach": 25, "Orange": 30, "Mustard": 48, "Gold": 50,
         "Yellow": 55, "Khaki": 60, "Olive": 70, "Lime Green": 85, "Green": 130, "Teal": 180,
         "Turquoise Blue": 185, "Blue": 220, "Navy Blue": 225, "Lavender": 265, "Purple": 280,
         "Magenta": 310, "Pink": 340}
# 0 is dark, 1 is light.
_NEUTRALS = {"Black": 0, "Charcoal": 0, "Brown": 0, "Navy Blue": 0, "Maroon": 0, "Grey": 1,
             "Silver": 1, "White": 1, "Cream": 1, "Beige": 1, "Tan": 1, "Khaki": 1}
_COLUMNS = ("id", "gender", "season", "usage", "pattern", "baseColour", "articleType")
_AT_ONCE = 200_000
_FRUITLESS_DRAWS = 3


class Garments:
    """The columns of styles.csv, as arrays."""

    def __init__(self, path: str):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows or any(rows[0].get(name) is None for name in _COLUMNS):
            raise ValueError(f"{path} lacks one of the columns {', '.join(_COLUMNS)}; "
                             "`vitrine sample` draws such a catalogue")
        for name in _COLUMNS:
            setattr(self, name, np.array([row[name] for row in rows]))
        self.hue = np.array([_HUES.get(colour, -1) for colour in self.baseColour])
        self.neutral = np.array([_NEUTRALS.get(colour, -1) for colour in self.baseColour])

    def go_together(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """bool [n], for rows a [n] and b [n]."""
        between = np.abs((self.hue[a] - self.hue[b] + 180) % 360 - 180)
        hues = (self.hue[a] >= 0) & (self.hue[b] >= 0)
        no_hue = (self.hue[a] < 0) & (self.hue[b] < 0)
        dark_and_light = (self.neutral[a] >= 0) & (self.neutral[b] >= 0) \
            & (self.neutral[a] != self.neutral[b])
        formal = dark_and_light
        sports = np.where(hues, between <= 30, self.baseColour[a] == self.baseColour[b])
        other = np.where(hues, between >= 140, no_hue & dark_and_light)
        usage = self.usage[a]
        by_colour = np.where(usage == "Formal", formal, np.where(usage == "Sports", sports, other))
        gender = (self.gender[a] == self.gender[b]) | (self.gender[a] == "Unisex") \
            | (self.gender[b] == "Unisex")
        solid = (self.pattern[a] == "Solid") | (self.pattern[b] == "Solid")
        return (by_colour & gender & solid & (usage == self.usage[b])
                & (self.season[a] == self.season[b]) & (self.articleType[a] != self.articleType[b]))


def draw(garments: Garments, count: int, seed: int) -> List[Tuple[str, str]]:
    """`count` different pairs of ids, or as many as were found."""
    random = np.random.default_rng(seed)
    total = len(garments.id)
    found = np.zeros(0, np.int64)
    fruitless = 0
    while len(found) < count and fruitless < _FRUITLESS_DRAWS:
        a, b = random.integers(total, size=_AT_ONCE), random.integers(total, size=_AT_ONCE)
        fits = (a < b) & garments.go_together(a, b)
        before = len(found)
        found = np.unique(np.concatenate([found, a[fits] * total + b[fits]]))
        fruitless = fruitless + 1 if len(found) == before else 0
    chosen = random.permutation(found)[:count]
    return [(garments.id[pair // total], garments.id[pair % total]) for pair in chosen]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalog", metavar="DIR", required=True, help="what `vitrine sample` drew")
    parser.add_argument("--pairs", type=int, default=20_000, metavar="N",
                        help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--out", metavar="FILE", required=True, help="the CSV file to write")


def outfits(args: argparse.Namespace) -> None:
    if args.pairs < 1:
        raise ValueError(f"--pairs {args.pairs}: it is at least 1")
    garments = Garments(os.path.join(args.catalog, "styles.csv"))
    drawn = draw(garments, args.pairs, args.seed)
    pairs.write(args.out, drawn)
    print(f"{args.out}: {len(drawn)} pairs of {len(garments.id)} garments")
