"""Other networks that a network learns from: what they see together in a view.

An ensemble sees more than any of its members, and one small network can be trained to see nearly
as much (Hinton et al. 2015). What teaches here is where vectors lie: of each view that is drawn, the
student must come to the vector that the teachers have of that same view, and to their likenesses
(Beyer et al. 2022: the same view for both, views that are mixed, and patience).
"""

import hashlib
import math
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from vitrine_models import losses, networks, projection

# Of each teacher's vector, before they are put together.
_EACH = 384


def parse(text: str) -> Tuple[str, float]:
    """(file or architecture, weight) of "WHAT[:WEIGHT]". Raises ValueError."""
    what, colon, weight = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        number = float(weight)
    except ValueError:
        return text, 1.0  # A path with a colon in it.
    if not 0 < number < math.inf or not what:
        raise ValueError(f"--teacher {text}: write FILE:0.5, with a weight above 0")
    return what, number


def check(text: str, out: str) -> None:
    """Raises ValueError where `text` names no teacher, or a file that a training into `out` writes."""
    what, _ = parse(text)
    if what in networks.ARCHITECTURES:
        if what not in networks.PACKAGED:
            raise ValueError(f"--teacher {text}: published weights are at hand of "
                             f"{', '.join(networks.PACKAGED)} alone; give the FILE.checkpoint of a "
                             f"training that began with --init: train --arch {what} --init FILE")
        return
    if not os.path.isfile(what):
        raise ValueError(f"--teacher {text}: there is no file {what}, and no architecture of that name: "
                         f"those are {', '.join(networks.PACKAGED)}")
    for written in (out, f"{out}.checkpoint"):
        if os.path.exists(written) and os.path.samefile(what, written):
            raise ValueError(f"--teacher {what} is a file that --out {out} writes: name another --out")


def digest(texts: Sequence[str], of: str) -> str:
    """`of` and what the teachers' files hold, as one name; `of` itself where there are none."""
    whole = hashlib.sha256(of.encode())
    for what, _ in map(parse, texts):
        if what not in networks.ARCHITECTURES:
            with open(what, "rb") as data:
                whole.update(data.read())
    return whole.hexdigest() if texts else of


class Teachers(nn.Module):
    """Networks that learn no more, and what they see together.

    Two views' cosine is the mean, by weight, of what the teachers' own vectors have: each is made
    384 numbers by a projection fitted on the photos to learn from, and all are then put side by side
    and reduced to `dim` numbers.
    """

    def __init__(self, texts: Sequence[str]):
        super().__init__()
        self.networks = nn.ModuleList()
        self.maps = nn.ModuleList()
        self.shares: List[float] = []
        for text in texts:
            what, weight = parse(text)
            arch = what if what in networks.ARCHITECTURES else networks.checkpoint_arch(what)
            self.networks.append(networks.load(arch, None if arch == what else what, "--teacher"))
            self.shares.append(weight)
        whole = sum(self.shares)
        self.shares = [(share / whole) ** 0.5 for share in self.shares]
        self.reduced: Optional[nn.Module] = None
        self.requires_grad_(False)
        self.eval()

    def fit(self, seen: Sequence[np.ndarray], labels: Optional[np.ndarray], dim: int) -> torch.Tensor:
        """Fits the projections on what each network sees in the photos to learn from, [photos, width];
        `labels` int [photos], None where photos have none. Returns forward() of those, [photos, dim].
        """
        for features in seen:
            self.maps.append(
                projection.pca(features, _EACH) if labels is None else projection.discriminant(
                    features, labels, labels != losses.MISSING, _EACH))
        with torch.no_grad():
            whole = self._together([torch.from_numpy(one) for one in seen]).numpy()
            self.reduced = projection.pca(whole, dim)
            self.requires_grad_(False)
            return self.reduced(torch.from_numpy(whole))

    def _together(self, seen: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat([F.normalize(one(features), dim=1) * share for one, features, share in
                          zip(self.maps, seen, self.shares)], dim=1)

    def see(self, pixels: torch.Tensor) -> List[torch.Tensor]:
        """The features [n, width] of each, of pixels float32 [n, 3, side, side] in 0..255."""
        return [network(pixels) for network in self.networks]

    def forward(self, seen: Sequence[torch.Tensor]) -> torch.Tensor:
        """float32 [n, dim] of what see() returned."""
        return self.reduced(self._together([features.float() for features in seen]))

    def fitted(self) -> Dict[str, Any]:
        """What fit() has made, for restore()."""
        return {"maps": self.maps.state_dict(), "reduced": self.reduced.state_dict()}

    def restore(self, fitted: Dict[str, Any]) -> None:
        self.maps.load_state_dict(fitted["maps"])
        self.reduced.load_state_dict(fitted["reduced"])
