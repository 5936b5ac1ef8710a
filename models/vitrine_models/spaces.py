"""The spaces in which a training reads features; a bundle holds that which teachers have taught.

A network that is fine-tuned on labels forgets what they do not tell, and a loss that must remember
and one that must learn hinder each other where they read the same numbers. So features are read
twice, by two linear maps: `learned` is trained to tell labels or photos apart, `kept` to see what
the network saw before.
"""

from typing import List, Sequence

import torch
from torch import nn
import torch.nn.functional as F

DIM = 384
NAMES = ("learned", "kept")


class Spaces(nn.Module):
    """float32 [N, width] features -> [N, 384], each space's numbers of unit length."""

    def __init__(self, width: int, names: Sequence[str]):
        super().__init__()
        self.names: List[str] = [name for name in NAMES if name in names]
        self.maps = nn.ModuleList(nn.Linear(width, DIM // len(self.names)) for _ in self.names)

    def map(self, name: str) -> nn.Module:
        return self.maps[self.names.index(name)]

    def part(self, name: str, features: torch.Tensor) -> torch.Tensor:
        """One space's numbers, of any length."""
        return self.map(name)(features)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat([F.normalize(one(features), dim=1) for one in self.maps], dim=1)
