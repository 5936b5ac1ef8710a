"""A small vision transformer in CLIP's shape (Radford et al. 2021, arXiv 2103.00020)."""

import torch
from torch import nn

SIZE = 32
WIDTH = 64
_PATCH = 8
_HIDDEN = 32


class _Block(nn.Module):

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(_HIDDEN)
        self.attention = nn.MultiheadAttention(_HIDDEN, 4, batch_first=True)
        self.before_layers = nn.LayerNorm(_HIDDEN)
        self.layers = nn.Sequential(nn.Linear(_HIDDEN, 4 * _HIDDEN), nn.GELU(),
                                    nn.Linear(4 * _HIDDEN, _HIDDEN))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.before_attention(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.layers(self.before_layers(x))


class VisionTransformer(nn.Module):
    """Normalised float32 [N, 3, 32, 32] -> [N, 64], from the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, _HIDDEN, _PATCH, _PATCH, bias=False)
        self.class_token = nn.Parameter(torch.randn(_HIDDEN))
        self.places = nn.Parameter(torch.randn((SIZE // _PATCH) ** 2 + 1, _HIDDEN))
        self.blocks = nn.Sequential(_Block(), _Block())
        self.last = nn.LayerNorm(_HIDDEN)
        self.projection = nn.Parameter(torch.randn(_HIDDEN, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        first = self.class_token.expand(tokens.shape[0], 1, -1)
        tokens = torch.cat((first, tokens), dim=1) + self.places
        return self.last(self.blocks(tokens)[:, 0]) @ self.projection


def create() -> nn.Module:
    """Random weights: the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return VisionTransformer()
