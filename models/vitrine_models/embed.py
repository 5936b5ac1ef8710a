"""Embeds picture files with a bundle, by the same steps as the daemons."""

import argparse
import json

import numpy as np
import torch

from vitrine_models import bundle, image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FILE", required=True, help="the bundle")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="picture files")


def embed_file(module: torch.jit.ScriptModule, card: bundle.Card, path: str) -> np.ndarray:
    """float32 [dim]: the raw vector of one picture file."""
    picture = image.to_input(image.decode(path), card.input_size, card.resize)
    with torch.inference_mode():
        return module(torch.from_numpy(picture)[None])[0].numpy()


def embed(args: argparse.Namespace) -> None:
    """Prints one JSON object a picture: image (the path as given) and vector."""
    module, card = bundle.load(args.model)
    for path in args.images:
        vector = embed_file(module, card, path)
        print(json.dumps({"image": path, "vector": [float(x) for x in vector]}), flush=True)
