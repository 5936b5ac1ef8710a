#!/usr/bin/env python3
"""Writes tests/data/newer_pytorch: small bundles made by a PyTorch newer than the daemons' own.

    PYTHONPATH=models python tests/data/make_newer_pytorch.py

The network of one has what newer releases script otherwise than 1.13 does: attention, GELU, hard
swish. The other is the vision transformer of models/tests as `export --module` makes it. A C++
test loads them and holds its own vectors against those that are written beside them. Beside them
also a module that was saved as PyTorch itself does it, with an operator that 1.13 does not know.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import nn

from vitrine_models import bundle, colour, export

OUT = Path(__file__).resolve().parent / "newer_pytorch"


class Network(nn.Module):
    """float32 [N, 3, 256, 256] -> [N, 16]: convolutions, and attention over 8 × 8 tokens."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.BatchNorm2d(8), nn.Hardswish(),
                                  nn.Conv2d(8, 16, 4, 4))
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.stem((x - 127.0) * (1.0 / 128.0)).flatten(2).transpose(1, 2)
        return self.layers(tokens).mean(1)


class Attention(nn.Module):
    """Has an operator of PyTorch 2.0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.float().mean(3)
        return nn.functional.scaled_dot_product_attention(rows, rows, rows)[:, 0, :64]


def write_vector(path: Path) -> None:
    """Beside a bundle, its vector of a picture that C++ can draw too."""
    picture = torch.arange(256 * 256 * 3).mul(7).remainder(251).to(torch.uint8)
    module, _ = bundle.load(str(path))
    with torch.inference_mode():
        vector = module(picture.reshape(1, 256, 256, 3))[0]
    path.with_suffix(".json").write_text(json.dumps([float(f"{x:.6g}") for x in vector]) + "\n")


def export_vision_transformer(path: Path) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    export.export(parser.parse_args(
        ["--module", "tests.vision_transformer:create", "--size", "32", "--projection", "none",
         "--trained-on", f"nothing, PyTorch {torch.__version__}", "--out", str(path)]))


def main() -> None:
    if torch.__version__.startswith("1."):
        raise SystemExit(f"PyTorch {torch.__version__} is not newer than 1.13; use 2.x")
    torch.manual_seed(7)
    encoder = bundle.Encoder(Network(), nn.Linear(16, 64), colour.ColourBlock()).eval()
    card = bundle.Card(
        name="newer-pytorch", version="1", input_size=256, resize="squash",
        blocks=[bundle.Block("shape", 64, 0.8), bundle.Block("colour", colour.DIM, 0.2)],
        precision="float32", origin=f"random weights, PyTorch {torch.__version__}",
        licence="Apache-2.0", trained_on="nothing")
    OUT.mkdir(exist_ok=True)
    bundle.save(encoder, card, str(OUT / "bundle.pt"))
    torch.jit.script(Attention()).save(str(OUT / "unknown_operator.pt"))
    export_vision_transformer(OUT / "vision_transformer.pt")
    for name in ("bundle", "vision_transformer"):
        write_vector(OUT / f"{name}.pt")


if __name__ == "__main__":
    main()
