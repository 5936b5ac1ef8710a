"""Reduces pooled features to a block by a linear map: a PCA, or one fitted on labelled photos.

The latter is a linear discriminant analysis, regularised so that it reshapes the space and
forgets nothing: directions in which one class varies shrink (but none below what `ridge` leaves
it), directions in which classes differ grow by at most 1 + boost, and all variance competes for
the numbers kept. On categories left out of the fit it gains as well, which a plain LDA does not.

Where there are fewer features than numbers asked for, zeros fill up: they change no cosine.
"""

import sys
from typing import Optional

import numpy as np
import torch
from torch import nn


# Found on training senders alone; see README.md, "How the numbers were chosen".
_RIDGE = 2.0
_BOOST = 3.0
# How far classes' spread directions are widened: the more of them share in it, the lower.
_BOOST_POWER = 0.2
# Of the features' mean variance.
_LEAST_SQUARES_RIDGE = 0.1
# Of a map's numbers: well within half precision.
_LARGEST = 1e4


def _map(matrix: np.ndarray, bias: np.ndarray) -> nn.Linear:
    """x -> x @ matrix + bias."""
    linear = nn.Linear(*matrix.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(matrix.T.copy()))
        linear.bias.copy_(torch.from_numpy(bias))
    return linear


def _linear(matrix: np.ndarray, mean: np.ndarray, features: np.ndarray, dim: int,
            offset: Optional[np.ndarray] = None) -> nn.Linear:
    """The map x -> (x - mean) @ matrix + offset, scaled, filled up to `dim`, and turned at random.

    Turning changes no dot product. But as they come, the first axes hold most of the variance: a
    Manhattan distance would be that of a few numbers, and a code of 8 bits would spend its range on
    them.
    """
    fill = dim - matrix.shape[1]
    matrix = np.pad(matrix, ((0, 0), (0, fill)))
    offset = np.zeros(dim) if offset is None else np.pad(offset, (0, fill))
    turn, signs = np.linalg.qr(np.random.default_rng(1).standard_normal((dim, dim)))
    turn = turn * np.sign(np.diag(signs))
    matrix, offset = matrix @ turn, offset @ turn
    # Blocks are made unit by the engine: the scale is free, and this one suits half precision.
    length = np.sqrt((((features - mean) @ matrix + offset) ** 2).sum(1).mean())
    largest = np.abs(matrix).max()
    scale = 1.0 / max(length, largest / _LARGEST, np.finfo(np.float32).tiny)
    # Rounded as a bundle stores it, before the mean goes through it: features often lie close
    # together and far from 0, and what rounding does to their mean would drown their differences.
    matrix = (matrix * scale).astype(np.float16).astype(np.float64)
    return _map(matrix, offset * scale - mean @ matrix)


def pca(features: np.ndarray, dim: int) -> nn.Linear:
    """[n, wide] features -> [n, dim]: the directions of most variance, not whitened, centred."""
    mean = features.mean(0, dtype=np.float64)
    centred = features - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return _linear(vectors[:, ::-1][:, :dim], mean, features, dim)


def discriminant(features: np.ndarray, labels: np.ndarray, classed: np.ndarray, dim: int,
                 ridge: float = _RIDGE, boost: float = _BOOST) -> nn.Linear:
    """Fits [n, wide] features -> [n, dim]; `classed` (bool [n]) tells which labels name a class.

    The map is centred: the mean of the features goes to 0.
    """
    wide = features.shape[1]
    mean = features.mean(0, dtype=np.float64)
    centred = features.astype(np.float64) - mean
    within = np.zeros((wide, wide))
    centres = []
    counted = 0
    lone = []
    for label in sorted(set(labels[classed])):
        rows = centred[classed & (labels == label)]
        if len(rows) < 2:
            lone.append(label)
            continue
        centres.append(rows.mean(0))
        spread = rows - centres[-1]
        within += spread.T @ spread
        counted += len(rows)
    if len(centres) < 2:
        raise ValueError("the projection needs two classes of at least two photos each; "
                         f"the catalogue's training part has {len(centres)}")
    if lone:
        print(f"the projection leaves out classes of a single photo: {', '.join(lone)}",
              file=sys.stderr)
    values, vectors = np.linalg.eigh(within / counted)
    values = np.maximum(values, 0.0)
    narrowed = vectors * (values + ridge * values.mean()) ** -0.5 @ vectors.T

    centres = np.stack(centres) @ narrowed
    values, vectors = np.linalg.eigh(centres.T @ centres)
    values = np.maximum(values, 0.0)
    widened = narrowed @ (vectors * (1.0 + boost * (values / values.max()) ** _BOOST_POWER)) @ vectors.T

    spread = centred @ widened
    _, vectors = np.linalg.eigh(spread.T @ spread)
    return _linear(widened @ vectors[:, ::-1][:, :dim], mean, features, dim)


def least_squares(features: np.ndarray, wanted: np.ndarray) -> nn.Linear:
    """The map of [n, wide] features that comes nearest to `wanted` [n, dim] (ridge regression)."""
    mean, centre = features.mean(0, dtype=np.float64), wanted.mean(0, dtype=np.float64)
    centred = features - mean
    product = centred.T @ centred
    ridge = _LEAST_SQUARES_RIDGE * np.trace(product) / len(product)
    matrix = np.linalg.solve(product + ridge * np.eye(len(product)), centred.T @ (wanted - centre))
    return _map(matrix, centre - mean @ matrix)


def learned(trained: nn.Linear, features: np.ndarray, share: float) -> nn.Linear:
    """A map that was trained along with a network, and `share` of what a PCA of its features
    [n, wide] keeps: what tells apart photos that teachers found alike. The dimension stays.

    The map is not centred: where its 0 lies is part of what it has learned.
    """
    mean = features.mean(0, dtype=np.float64)
    centred = features - mean
    weight = trained.weight.detach().numpy().astype(np.float64).T
    bias = trained.bias.detach().numpy() + mean @ weight
    dim = weight.shape[1]
    _, vectors = np.linalg.eigh(centred.T @ centred)
    rest = vectors[:, ::-1][:, :dim]
    parts = []
    for matrix, offset, part in ((weight, bias, 1.0 - share), (rest, np.zeros(dim), share)):
        length = np.sqrt(((centred @ matrix + offset) ** 2).sum(1).mean())
        parts.append((matrix * part ** 0.5 / length, offset * part ** 0.5 / length))
    matrix, offset = (np.concatenate(both, -1) for both in zip(*parts))
    whole = centred @ matrix + offset
    _, vectors = np.linalg.eigh(whole.T @ whole)
    kept = vectors[:, ::-1][:, :dim]
    return _linear(matrix @ kept, mean, features, dim, offset @ kept)
