"""Measures a bundle: retrieval on validation senders, self-retrieval, colours, speed."""

import argparse
import csv
import hashlib
import os
import time
from typing import Callable, List, Optional, Sequence

import numpy as np
import torch

from vitrine_models import bundle, catalog, evaluate, features, image, views

_COLOURS_FILE = os.path.join(os.path.dirname(catalog.SPLIT_FILE), "validation_colours.csv")
# The colours file names this where a garment has no main colour.
_SEVERAL = "several"
_TIMED_SECONDS = 3.0


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", metavar="ATTRIBUTE",
                        help="what answers should agree in (default: category)")
    parser.add_argument("--split-file", metavar="FILE", default=catalog.SPLIT_FILE,
                        help="validation senders, one a line (default: those that are shipped; by "
                        "product where no senders are known)")
    parser.add_argument("--colours-file", metavar="FILE", default=_COLOURS_FILE,
                        help="image,colour of validation photos (default: %(default)s)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FILE", required=True, help="the bundle")
    parser.add_argument("--catalog", metavar="DIR", required=True, help="a folder of any layout, or its listing")
    add_split_arguments(parser)


class Measure:
    """Cross-sender figures over the validation photos of a catalogue."""

    def __init__(self, photos: List[catalog.Photo], labels: Sequence[Optional[str]],
                 validation: np.ndarray, colours_file: str):
        with open(colours_file, newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            missing = {"image", "colour"} - set(rows.fieldnames or ())
            if missing:
                raise ValueError(f"--colours-file {colours_file} lacks the column "
                                 f"{', '.join(sorted(missing))}")
            colours = {row["image"]: row["colour"] or _SEVERAL for row in rows}
        self._labels = np.array([label or "" for label in labels])
        self._groups = np.array([photo.group for photo in photos])
        self._colours = np.array([colours.get(photo.product_id, _SEVERAL) for photo in photos])
        self._classed = self._labels != ""
        self._validation = validation
        self._ask = np.flatnonzero(validation & self._classed)
        # Why there is nothing to measure; empty where there is.
        self.refusal = ""
        classes = set(self._labels[self._ask])
        if not classes:
            self.refusal = "no photo for validation has the label"
        elif len(classes) == 1:
            self.refusal = (f"all photos for validation that have a label are {classes.pop()!r}, and "
                            "nothing is to be told apart: choose another --label")

    def _figures(self, vectors: np.ndarray, labels: np.ndarray, ask: np.ndarray,
                 pool: np.ndarray) -> evaluate.Figures:
        return evaluate.retrieval(vectors[ask], vectors[pool], labels[ask], labels[pool],
                                  self._groups[ask], self._groups[pool])

    def classifier_accuracy(self, vectors: np.ndarray) -> Optional[float]:
        """Of a classifier of the labels, fitted on photos not for validation, on those that are."""
        train = np.flatnonzero(~self._validation & self._classed)
        if not len(train) or not len(self._ask):
            return None
        return evaluate.classifier_accuracy(vectors[train], self._labels[train],
                                            vectors[self._ask], self._labels[self._ask])

    def report(self, name: str, vectors: np.ndarray) -> None:
        """Prints the figures of scaled [n, dim] vectors of all photos."""
        ask = self._ask
        if self.refusal:
            print(f"{name}: nothing is measured: {self.refusal}")
            return
        for where, pool in (("validation", ask), ("all", np.flatnonzero(self._classed))):
            got = self._figures(vectors, self._labels, ask, pool)
            print(f"{name}: {got.queries} queries among {where} photos: "
                  f"P@10 {got.precision:.4f}, mAP@10 {got.mean_average_precision:.4f}")
        coloured = ask[self._colours[ask] != _SEVERAL]
        if len(coloured):
            both = np.char.add(np.char.add(self._labels, "\t"), self._colours)
            colour = self._figures(vectors, self._colours, coloured, coloured).precision
            agree = self._figures(vectors, both, coloured, coloured).precision
            print(f"{name}: {len(coloured)} queries of known colour: colour agrees in "
                  f"{colour:.4f} of the first 10, colour and category in {agree:.4f}")


def _self_retrieval(module: torch.jit.ScriptModule, card: bundle.Card, vectors: np.ndarray,
                    photos: Sequence[catalog.Photo], rows: np.ndarray) -> float:
    def view(row: int) -> np.ndarray:
        random = np.random.default_rng(int(row))
        picture = views.augmented(image.decode(photos[row].path), random)
        return image.to_input(picture, card.input_size, card.resize)

    raw = features.run(module, (view(row) for row in rows), len(rows), "other views")
    return evaluate.self_retrieval(evaluate.scaled(raw, card.blocks), vectors, rows)


def _images_per_second(run: Callable[[torch.Tensor], torch.Tensor], batch: int) -> float:
    """Of CPU time on one thread, which other processes disturb less than the wall clock."""
    pictures = torch.randint(0, 256, (batch, bundle.INPUT_SIZE, bundle.INPUT_SIZE, 3),
                             dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for _ in range(3):
            run(pictures)
        best, end = float("inf"), time.monotonic() + _TIMED_SECONDS
        while time.monotonic() < end:
            start = time.process_time()
            run(pictures)
            best = min(best, time.process_time() - start)
    return batch / best


def report_speed(path: str) -> None:
    """Prints pictures a second of a bundle's variants, one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    plain, last = (torch.jit.load(path).eval().to(torch.float32) for _ in range(2))
    for tensor in last.parameters():
        if tensor.dim() == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    variants = {
        "plain": plain,
        "frozen": torch.jit.freeze(plain),
        "channels-last weights": torch.jit.freeze(last),
        "optimize_for_inference": torch.jit.optimize_for_inference(plain),
    }
    for name, module in variants.items():
        rates = ", ".join(f"batch {batch}: {_images_per_second(module, batch):.1f}"
                          for batch in (1, 8))
        print(f"speed: {name}, one thread, pictures a CPU second: {rates}")
    torch.set_num_threads(threads)


def measure(args: argparse.Namespace) -> None:
    photos = catalog.read(args.catalog)
    validation = catalog.read_split(args.split_file, photos, args.catalog)
    label = args.label or "category"
    # What is quick to refuse comes first.
    figures = Measure(photos, catalog.labels(photos, label), validation, args.colours_file)
    if figures.refusal:
        raise ValueError(figures.refusal)
    module, card = bundle.load(args.model)
    with open(args.model, "rb") as data:
        key = hashlib.sha256(data.read()).hexdigest()
    raw = features.extract(module, key, photos, card.resize, "vectors")
    start = 0
    for block in card.blocks:
        figures.report(f"{block.name} alone",
                       evaluate.scaled(raw[:, start:start + block.dim], [block]))
        start += block.dim
    vectors = evaluate.scaled(raw, card.blocks)
    figures.report("all blocks", vectors)
    accuracy = figures.classifier_accuracy(
        evaluate.scaled(raw[:, :card.blocks[0].dim], card.blocks[:1]))
    if accuracy is not None:
        print(f"{card.blocks[0].name} alone: a classifier of {label}, fitted on the other "
              f"photos, is right on {accuracy:.4f} of the validation photos: the ceiling")
    rows = np.flatnonzero(validation)
    share = _self_retrieval(module, card, vectors, photos, rows)
    print(f"all blocks: {share:.4f} of {len(rows)} other views find their photo first among "
          f"{len(photos)}")
    report_speed(args.model)
