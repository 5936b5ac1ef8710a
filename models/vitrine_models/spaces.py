"""The shape block of a trained network: what labels have taught, beside what it knew before.

A network that is fine-tuned on labels forgets what they do not tell. So its features are read
twice, by two linear maps: `learned` is trained to tell labels or photos apart, `kept` to see what
the network saw before. Each part is made unit and scaled, so that the dot product of two vectors
is the weighted mean of two cosines.
"""

import json
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import nn
import torch.nn.functional as F

DIM = 384
NAMES = ("learned", "kept")


class Spaces(nn.Module):
    """float32 [N, width] features -> [N, 384] of unit length.

    `shares`: the parts there are, in the order of NAMES, and how much of the squared length each
    has; the shares add up to 1, and parts are of one size.
    """

    def __init__(self, width: int, shares: Dict[str, float]):
        super().__init__()
        self.names: List[str] = [name for name in NAMES if name in shares]
        self.scales: List[float] = [shares[name] ** 0.5 for name in self.names]
        self.out_features = DIM
        self.maps = nn.ModuleList(nn.Linear(width, DIM // len(self.names)) for _ in self.names)

    def part(self, name: str, features: torch.Tensor) -> torch.Tensor:
        """One part's numbers, not scaled."""
        return self.maps[self.names.index(name)](features)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        parts: List[torch.Tensor] = []
        for i, one in enumerate(self.maps):
            parts.append(F.normalize(one(features), dim=1) * self.scales[i])
        return torch.cat(parts, dim=1)


class Resized(nn.Module):
    """`network` behind a resize of float32 [N, 3, S, S] to `size`, at which it was trained."""

    def __init__(self, network: nn.Module, size: int):
        super().__init__()
        self.network = network
        self.width: int = network.width
        self.size = size

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.network(at_size(pixels, self.size))


def at_size(pixels: torch.Tensor, size: int) -> torch.Tensor:
    if pixels.shape[-1] == size:
        return pixels
    return F.interpolate(pixels, size=[size, size], mode="bilinear", align_corners=False)


def checkpoint(trained: Optional[Spaces], size: int) -> Dict[str, Any]:
    """What to torch.save so that of_checkpoint() reads it; empty where there are no spaces."""
    if trained is None:
        return {}
    shape = {"width": trained.maps[0].in_features, "size": size,
             "shares": {name: scale ** 2 for name, scale in zip(trained.names, trained.scales)}}
    # JSON, since PyTorch 1.13 does not load floats from a file that it does not trust.
    return {"spaces_shape": json.dumps(shape), "spaces": trained.state_dict()}


def of_checkpoint(path: str) -> Tuple[Spaces, int]:
    """The spaces that a training left in `path`, and the side at which they read pictures."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    if "spaces" not in state:
        raise ValueError(f"{path} holds no trained spaces, as `train` with a loss on labels, views or "
                         "memory leaves them; choose --projection pca")
    shape = json.loads(state["spaces_shape"])
    found = Spaces(shape["width"], shape["shares"])
    found.load_state_dict(state["spaces"])
    return found, shape["size"]
