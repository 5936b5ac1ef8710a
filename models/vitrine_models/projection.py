"""Reduces pooled features to a block: a linear map fitted on labelled photos.

Linear discriminant analysis, regularised so that it reshapes the space and forgets nothing:
directions in which one class varies shrink (but none below what `ridge` leaves it), directions
in which classes differ grow by at most 1 + boost, and all variance competes for the numbers
kept. On categories left out of the fit it gains as well, which a plain LDA does not.
"""

import numpy as np
import torch
from torch import nn


# How far classes' spread directions are widened: the more of them share in it, the lower.
_BOOST_POWER = 0.2


def fit(features: np.ndarray, labels: np.ndarray, classed: np.ndarray, dim: int, ridge: float,
        boost: float) -> nn.Linear:
    """Fits [n, wide] features -> [n, dim]; `classed` (bool [n]) tells which labels name a class.

    The map is centred: the mean of the features goes to 0.
    """
    wide = features.shape[1]
    mean = features.mean(0, dtype=np.float64)
    centred = features.astype(np.float64) - mean
    within = np.zeros((wide, wide))
    centres = []
    counted = 0
    for label in sorted(set(labels[classed])):
        rows = centred[classed & (labels == label)]
        if len(rows) < 2:
            continue
        centres.append(rows.mean(0))
        spread = rows - centres[-1]
        within += spread.T @ spread
        counted += len(rows)
    if len(centres) < 2:
        raise ValueError("the projection needs two classes of at least two photos each; "
                         f"the catalogue's training part has {len(centres)}")
    values, vectors = np.linalg.eigh(within / counted)
    values = np.maximum(values, 0.0)
    narrowed = vectors * (values + ridge * values.mean()) ** -0.5 @ vectors.T

    centres = np.stack(centres) @ narrowed
    values, vectors = np.linalg.eigh(centres.T @ centres)
    values = np.maximum(values, 0.0)
    widened = narrowed @ (vectors * (1.0 + boost * (values / values.max()) ** _BOOST_POWER)) @ vectors.T

    spread = centred @ widened
    _, vectors = np.linalg.eigh(spread.T @ spread)
    matrix = widened @ vectors[:, ::-1][:, :dim]
    # Blocks are made unit by the engine: the scale is free, and this one suits half precision.
    matrix /= np.sqrt(((centred @ matrix) ** 2).sum(1).mean())

    projection = nn.Linear(wide, dim)
    with torch.no_grad():
        projection.weight.copy_(torch.from_numpy(matrix.T.copy()))
        projection.bias.copy_(torch.from_numpy(-(mean @ matrix)))
    return projection
