"""How well complements are told from others: figures over pairs that no fit has seen.

A question is a product, its partner in another slot, and three products that are not known to go
with it, drawn from the partner's own category (its slot, where that has too few), so that the kind
of garment alone answers nothing. Fill in the blank: the share of questions in which the partner
scores higher than the three; drawing lots has 0.25. Compatibility AUC: how often a pair of the file
scores higher than a pair of a product with one that was drawn, of any question.

Errors are standard errors by bootstrap over the products that are asked for (Efron 1979).
"""

import dataclasses
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from vitrine_models.bundle import Block
from vitrine_models.linear_complements import Catalogue, Key, Pairs, Projection, choose

WRONG = 3
_RESAMPLES = 200
_DRAWN = 64  # Of which those that do not go with the product are as good as surely enough.
# What the server's rule gives colour: kColourShare of server/recommend.cc.
_COLOUR_SHARE = 0.6
Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass
class Questions:
    """Rows of the catalogue: products [n], and candidates [n, 1 + WRONG], the partner first."""

    products: np.ndarray
    candidates: np.ndarray


@dataclasses.dataclass(frozen=True)
class Figure:
    value: float
    error: float


@dataclasses.dataclass(frozen=True)
class Figures:
    filled: Figure
    auc: Figure


def hold_out(catalogue: Catalogue, pairs: Pairs, share: float,
             seed: int) -> Tuple[Pairs, Pairs, np.ndarray]:
    """Pairs to fit to, pairs to ask for, and which products (bool [n]) are held out.

    Products are held out, not pairs: those of a question are in no pair of the fit. Pairs of a
    product that is held out and one that is not are left out of both.
    """
    held = np.random.default_rng(seed).random(len(catalogue.ids)) < share
    ends = held[pairs.rows]
    return pairs.where(~ends.any(1)), pairs.where(ends.all(1)), held


def questions(catalogue: Catalogue, pairs: Pairs, held: np.ndarray, seed: int) -> Questions:
    """One for each pair whose partner's kind has others enough."""
    draw = np.random.default_rng(seed)
    partners: Dict[int, set] = {}
    for a, b in pairs.rows:
        partners.setdefault(int(a), set()).add(int(b))
    kinds = [np.asarray(catalogue.categories), np.asarray(catalogue.slots)]
    pools = [{name: np.flatnonzero((names == name) & held) for name in set(names[pairs.rows[:, 1]])}
             for names in kinds]
    products: List[int] = []
    candidates: List[List[int]] = []
    for a, b in pairs.rows:
        for names, of_name in zip(kinds, pools):
            pool = of_name[names[b]]
            drawn = draw.choice(pool, min(_DRAWN, len(pool)), replace=False)
            wrong = [int(one) for one in drawn if one != a and int(one) not in partners[int(a)]]
            if len(wrong) >= WRONG:
                products.append(int(a))
                candidates.append([int(b), *wrong[:WRONG]])
                break
    return Questions(np.array(products, dtype=np.int64),
                     np.array(candidates, dtype=np.int64).reshape(-1, 1 + WRONG))


def learned(catalogue: Catalogue, projections: Dict[Key, Projection]) -> Scorer:
    """The server's own order within a slot; a slot without a projection scores 0."""
    slots = np.asarray(catalogue.slots)
    means = {slot: catalogue.vectors[slots == slot].mean(0) for slot in set(slots)}

    def score(products: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        scores = np.zeros(candidates.shape)
        kinds = np.array([f"{catalogue.categories[a]}\0{slots[a]}\0{slots[b]}"
                          for a, b in zip(products, candidates[:, 0])])
        for kind in set(kinds):
            own = kinds == kind
            projection = choose(projections, *kind.split("\0"))
            if projection is None:
                continue
            query = projection.of(catalogue.vectors[products[own]])
            # From the slot's mean on, so that scores of two slots can be compared.
            found = catalogue.vectors[candidates[own]] - means[kind.split("\0")[2]]
            scores[own] = np.einsum("nd,nkd->nk", query, found)
        return scores
    return score


def nearest(catalogue: Catalogue, emphasis: np.ndarray) -> Scorer:
    """By similarity to the product itself; `emphasis` [dim] scales its vector."""
    def score(products: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        return np.einsum("nd,nkd->nk", catalogue.vectors[products] * emphasis,
                         catalogue.vectors[candidates])
    return score


def rule_emphasis(blocks: Sequence[Block]) -> np.ndarray:
    """Where the server has nothing learned: colour has a fixed share."""
    colour = sum(block.weight for block in blocks if block.name == "colour")
    if not 0 < colour < 1:
        return np.ones(sum(block.dim for block in blocks))
    return np.concatenate([np.full(block.dim, _COLOUR_SHARE / colour if block.name == "colour"
                                   else (1 - _COLOUR_SHARE) / (1 - colour)) for block in blocks])


def lots(seed: int) -> Scorer:
    draw = np.random.default_rng(seed)
    return lambda products, candidates: draw.random(candidates.shape)


def area(right: np.ndarray, wrong: np.ndarray) -> float:
    """The share of (right, wrong) in which the right one is higher; ties count half."""
    order = np.sort(wrong)
    below = np.searchsorted(order, right, "left") + np.searchsorted(order, right, "right")
    return float(below.mean() / 2 / len(wrong))


def figures(asked: Questions, score: Scorer, seed: int = 1) -> Figures:
    scores = score(asked.products, asked.candidates)
    # A tie is no answer, but for its part of a draw by lot.
    best = scores.max(1, keepdims=True)
    filled = (scores[:, 0] == best[:, 0]) / (scores == best).sum(1)
    groups = np.unique(asked.products, return_inverse=True)[1]
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    draw = np.random.default_rng(seed)
    samples = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[i] for i in draw.integers(len(members), size=len(members))])
        samples.append((filled[rows].mean(), area(scores[rows, 0], scores[rows, 1:].ravel())))
    errors = np.std(samples, axis=0)
    return Figures(Figure(float(filled.mean()), float(errors[0])),
                   Figure(area(scores[:, 0], scores[:, 1:].ravel()), float(errors[1])))
