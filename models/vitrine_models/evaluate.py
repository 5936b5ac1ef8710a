"""Retrieval figures over a set of vectors.

precision@k: the share of the first k answers that are right, answers that are lacking counted as
wrong. mAP@k: the mean over queries of sum_i precision@i * right_i / min(k, relevant), i <= k
(Manning, Raghavan, Schuetze 2008, chapter 8, cut at k). A query's own row never counts.
"""

import dataclasses
from typing import Sequence

import numpy as np
import torch

from vitrine_models.bundle import Block


@dataclasses.dataclass
class Figures:
    precision: float
    mean_average_precision: float
    queries: int


def scaled(raw: np.ndarray, blocks: Sequence[Block]) -> np.ndarray:
    """Raw [n, dim] vectors as the engine keeps them: each block of length sqrt(weight)."""
    parts, start = [], 0
    total = sum(block.weight for block in blocks)
    for block in blocks:
        part = raw[:, start:start + block.dim].astype(np.float64)
        start += block.dim
        length = np.linalg.norm(part, axis=1, keepdims=True)
        parts.append(part / np.maximum(length, 1e-12) * np.sqrt(block.weight / total))
    return np.concatenate(parts, axis=1)


def retrieval(queries: np.ndarray, gallery: np.ndarray, query_labels: np.ndarray,
              gallery_labels: np.ndarray, query_groups: np.ndarray, gallery_groups: np.ndarray,
              k: int = 10) -> Figures:
    """Precision@k and mAP@k by dot product; rows of the query's own group are no answers."""
    similarity = queries @ gallery.T
    barred = query_groups[:, None] == gallery_groups[None]
    similarity[barred] = -np.inf
    relevant = ((query_labels[:, None] == gallery_labels[None]) & ~barred).sum(1)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    right = query_labels[:, None] == gallery_labels[order]
    right &= ~np.take_along_axis(barred, order, 1)
    if right.shape[1] < k:
        right = np.pad(right, ((0, 0), (0, k - right.shape[1])))
    precision_at = np.cumsum(right, axis=1) / np.arange(1, k + 1)
    average = (precision_at * right).sum(1) / np.maximum(1, np.minimum(k, relevant))
    return Figures(float(right.mean()), float(average.mean()), len(queries))


def classifier_accuracy(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray,
                        test_labels: np.ndarray, penalty: float = 1e-4) -> float:
    """The share of `test` that a logistic regression fitted on `train` names rightly.

    How well labels can be told from the vectors at all: retrieval by label can hardly do better.
    Vectors [n, dim] are of unit length; `penalty` is that on the squared weights.
    """
    names, numbers = np.unique(train_labels, return_inverse=True)
    x, y = torch.from_numpy(train).float(), torch.from_numpy(numbers)
    linear = torch.nn.Linear(x.shape[1], len(names))
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimiser = torch.optim.LBFGS(linear.parameters(), max_iter=300,
                                  line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = (torch.nn.functional.cross_entropy(linear(x), y)
                 + penalty * linear.weight.square().sum())
        value.backward()
        return value

    optimiser.step(loss)
    with torch.inference_mode():
        named = names[linear(torch.from_numpy(test).float()).argmax(1).numpy()]
    return float((named == test_labels).mean())


def self_retrieval(views: np.ndarray, gallery: np.ndarray, own_row: Sequence[int]) -> float:
    """The share of `views` whose nearest row of `gallery` is the photo they were made from."""
    nearest = (views @ gallery.T).argmax(1)
    return float((nearest == np.asarray(own_row)).mean())
