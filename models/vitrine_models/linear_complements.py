"""Fits projections from a product's vector to what goes with it in a slot.

For the pairs (x, y) of a slot pair, ridge regression in closed form: y is foretold as
mean(y) + B' (x - mean(x)). What is looked for is how that differs from the slot's mean product, so
that it is the direction in which the right ones differ from the others of their slot; by the
foretold vector itself the middle of the slot would come first, whatever is asked for.

A projection of a slot pair is that of all products to the slot, and what its own pairs add to it;
one of a category, that of its slot, and what its own add: the fewer pairs, the less. B has a low
rank: that of the foretold vectors' main directions (reduced-rank regression, Izenman 1975).
"""

import dataclasses
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from vitrine_models.progress import Progress

Key = Tuple[str, str, str]  # Category, slot, slot that is looked in; see complements.proto.


@dataclasses.dataclass
class Catalogue:
    """Products in one order: vectors are float32 [n, dim], normalised by blocks."""

    ids: Sequence[str]
    categories: Sequence[str]
    slots: Sequence[str]  # Empty where the category has none.
    vectors: np.ndarray


@dataclasses.dataclass
class Pairs:
    """Each pair in both directions: rows of the catalogue, int [n, 2], and float [n]."""

    rows: np.ndarray
    weights: np.ndarray

    def where(self, chosen: np.ndarray) -> "Pairs":
        return Pairs(self.rows[chosen], self.weights[chosen])


@dataclasses.dataclass(frozen=True)
class Settings:
    rank: int = 16
    # Of the vectors' mean variance along an axis.
    ridge: float = 3.0
    # So many pairs weigh as much as what is known without them.
    prior_pairs: float = 1000.0
    min_pairs: int = 30
    min_category_pairs: int = 500


@dataclasses.dataclass
class Projection:
    """x -> bias + left @ (right @ x)."""

    pairs: int
    right: np.ndarray  # [rank, dim]
    left: np.ndarray   # [dim, rank]
    bias: np.ndarray   # [dim]

    def of(self, vectors: np.ndarray) -> np.ndarray:
        """[n, dim] -> [n, dim]"""
        return vectors @ self.right.T @ self.left.T + self.bias


@dataclasses.dataclass
class _Map:
    """What is foretold before its rank is cut: offset + x @ matrix, [dim] and [dim, dim]."""

    matrix: np.ndarray
    offset: np.ndarray


def _fit(x: np.ndarray, y: np.ndarray, weights: np.ndarray, parent: Optional[_Map],
         settings: Settings) -> Tuple[_Map, np.ndarray, np.ndarray]:
    """The map, and the mean [dim] and the covariance [dim, dim] of x."""
    total = weights.sum()
    share = (weights / total)[:, None]
    rest = y if parent is None else y - (parent.offset + x @ parent.matrix)
    mean_x, mean_rest = (x * share).sum(0), (rest * share).sum(0)
    centred = x - mean_x
    covariance = centred.T @ (centred * share)
    variance = max(np.trace(covariance) / len(covariance), 1e-12)
    # As many pairs as count alike: (sum w)^2 / sum w^2 (Kish 1965).
    count = total ** 2 / (weights ** 2).sum()
    ridge = settings.ridge * variance * (1 + settings.prior_pairs / count)
    matrix = np.linalg.solve(covariance + ridge * np.eye(len(covariance)),
                             centred.T @ ((rest - mean_rest) * share))
    kept = 1.0 if parent is None else count / (count + settings.prior_pairs)
    offset = mean_rest * kept - mean_x @ matrix
    if parent is not None:
        matrix, offset = matrix + parent.matrix, offset + parent.offset
    return _Map(matrix, offset), mean_x, covariance


def _cut(found: _Map, mean_x: np.ndarray, covariance: np.ndarray, slot_mean: np.ndarray,
         pairs: int, rank: int) -> Projection:
    _, vectors = np.linalg.eigh(found.matrix.T @ covariance @ found.matrix)
    left = vectors[:, ::-1][:, :rank]
    right = (found.matrix @ left).T
    # What the cut leaves out is taken to be as at the mean.
    foretold = found.offset + mean_x @ found.matrix
    bias = foretold - left @ (right @ mean_x) - slot_mean
    return Projection(pairs, right.astype(np.float32), left.astype(np.float32),
                      bias.astype(np.float32))


def both_ways(catalogue: Catalogue, rows: np.ndarray, weights: np.ndarray) -> Pairs:
    """Pairs of different slots, [n, 2], in both directions."""
    slots = np.asarray(catalogue.slots)
    goes = (slots[rows[:, 0]] != "") & (slots[rows[:, 1]] != "") \
        & (slots[rows[:, 0]] != slots[rows[:, 1]])
    rows, weights = rows[goes], weights[goes]
    return Pairs(np.concatenate([rows, rows[:, ::-1]]), np.concatenate([weights, weights]))


def fit(catalogue: Catalogue, pairs: Pairs, settings: Settings = Settings(),
        progress: bool = False) -> Dict[Key, Projection]:
    """The projections for which there are pairs enough."""
    slots, categories = np.asarray(catalogue.slots), np.asarray(catalogue.categories)
    slot, to_slot = slots[pairs.rows[:, 0]], slots[pairs.rows[:, 1]]
    category = categories[pairs.rows[:, 0]]
    # Parents first: all products, slots, categories.
    jobs: List[Tuple[Key, Optional[Key], np.ndarray]] = []
    for to in sorted(set(to_slot)):
        here = to_slot == to
        if here.sum() < settings.min_pairs:
            continue
        jobs.append((("", "", to), None, here))
        for of in sorted(set(slot[here])):
            there = here & (slot == of)
            if there.sum() < settings.min_pairs:
                continue
            jobs.append((("", of, to), ("", "", to), there))
            for name in sorted(set(category[there])):
                own = there & (category == name)
                if own.sum() >= settings.min_category_pairs:
                    jobs.append(((name, of, to), ("", of, to), own))
    maps: Dict[Key, _Map] = {}
    found: Dict[Key, Projection] = {}
    tell = Progress("projections", len(jobs)) if progress else None
    for key, parent, chosen in jobs:
        x = catalogue.vectors[pairs.rows[chosen, 0]].astype(np.float64)
        y = catalogue.vectors[pairs.rows[chosen, 1]].astype(np.float64)
        maps[key], mean_x, covariance = _fit(x, y, pairs.weights[chosen], maps.get(parent), settings)
        mean = catalogue.vectors[slots == key[2]].mean(0, dtype=np.float64)
        found[key] = _cut(maps[key], mean_x, covariance, mean, int(chosen.sum()),
                          min(settings.rank, x.shape[1]))
        if tell:
            tell.add(1)
    return found


def choose(projections: Dict[Key, Projection], category: str, slot: str,
           to_slot: str) -> Optional[Projection]:
    """The one that the server takes: of the category, else of the slot, else of all products."""
    for key in ((category, slot, to_slot), ("", slot, to_slot), ("", "", to_slot)):
        if key in projections:
            return projections[key]
    return None
