"""A catalogue as training sees it: its split, labels as numbers, and validation."""

import concurrent.futures
import csv
import hashlib
import os
import sys
from typing import Dict, List, Sequence

import numpy as np
import torch
from torch import nn

from vitrine_models import batches, bundle, catalog, evaluate, image, losses, networks, progress

_BATCH = 32


def read_inputs(photos: Sequence[catalog.Photo], what: str, resize: str = "crop") -> np.ndarray:
    """uint8 [n, 256, 256, 3]: photos as the engine shows them to a bundle."""
    meter = progress.Progress(what, len(photos))
    inputs = np.empty((len(photos), bundle.INPUT_SIZE, bundle.INPUT_SIZE, 3), np.uint8)

    def read(photo: catalog.Photo) -> np.ndarray:
        return image.to_input(image.decode(photo.path), bundle.INPUT_SIZE, resize)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for i, one in enumerate(pool.map(read, photos)):
            inputs[i] = one
            meter.add(1)
    return inputs


def features(network: nn.Module, inputs: np.ndarray, size: int, device: torch.device,
             what: str) -> np.ndarray:
    """float32 [n, width] of uint8 [n, 256, 256, 3], read at `size`."""
    network.eval()
    meter = progress.Progress(what, len(inputs))
    rows = [np.zeros((0, network.width), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(inputs), _BATCH):
            part = torch.from_numpy(inputs[start:start + _BATCH]).to(device)
            pixels = networks.at_size(part.permute(0, 3, 1, 2).float(), size)
            rows.append(network(pixels).cpu().numpy())
            meter.add(len(part))
    return np.concatenate(rows)


class Data:
    """Rows of `photos` to learn from and to validate on.

    `labels`: int [labels, len(train)], losses.MISSING where a photo has none; `names[i]` are the
    values of label i; `senders`: int [len(train)].
    Labels that are not `asked` for are read where they are there; those that are `needed` must tell
    photos apart.
    """

    def __init__(self, source: str, split_file: str, label_names: List[str], left_out: List[str],
                 triplets: str, limit: int, asked: bool, needed: bool, eval_size: int):
        whole = catalog.read(source)
        self.photos = photos = catalog.evenly(whole, limit)
        self.validation = catalog.read_split(split_file, photos, source)
        there = any(label_names[0] in photo.attributes for photo in photos)
        values = ([catalog.labels(photos, name) for name in label_names]
                  if there or asked or needed or left_out else [])
        first = values[0] if values else [None] * len(photos)
        self.left_out = catalog.left_out(first, left_out, label_names[0])
        self.train = np.flatnonzero(~self.validation & ~self.left_out)
        if not len(self.train):
            raise ValueError("no photo is left to learn from: all are for validation or left out")
        self.names: List[List[str]] = []
        numbers = [self._numbers(name, column, needed)
                   for name, column in zip(label_names, values)]
        self.labels = torch.tensor(numbers, dtype=torch.int64).reshape(len(numbers),
                                                                       len(self.train))
        index: Dict[str, int] = {}
        self.senders = torch.tensor([
            index.setdefault(photos[row].sender, len(index)) if photos[row].sender
            else losses.MISSING for row in self.train])
        self._triplets = self._read_triplets(triplets, whole) if triplets else None
        self._eval_size = eval_size
        known = np.array([value is not None for value in first])
        self._rows = np.flatnonzero(known & (self.validation | self.left_out))
        self._values = np.array([str(first[row]) for row in self._rows])
        self._groups = np.array([photos[row].group for row in self._rows])
        self._inputs = None

    def _numbers(self, name: str, values: Sequence, needed: bool) -> List[int]:
        count: Dict[str, int] = {}
        for row in self.train:
            if values[row] is not None:
                count[values[row]] = count.get(values[row], 0) + 1
        lone = sorted(value for value, n in count.items() if n < 2)
        if lone:
            print(f"{name}: {', '.join(lone)} {'has' if len(lone) == 1 else 'have'} one photo to "
                  "learn from, and count as photos without a label", file=sys.stderr)
        names = sorted(value for value, n in count.items() if n >= 2)
        if needed and len(names) < 2:
            raise ValueError(
                f"{name} has {len(names)} value{'' if len(names) == 1 else 's'} with two photos or "
                f"more among the {len(self.train)} photos to learn from, and two are needed: choose "
                "another --label, or --loss self or autoencoder, which need none")
        self.names.append(names)
        index = {value: number for number, value in enumerate(names)}
        return [index.get(values[row], losses.MISSING) for row in self.train]

    def _read_triplets(self, path: str, whole: List[catalog.Photo]) -> List[List[List[int]]]:
        """Of each triplet and each of its products, the rows of `train`. Triplets with a product of
        which no photo is to be learned from are left."""
        place: Dict[str, List[int]] = {}
        for i, row in enumerate(self.train):
            place.setdefault(self.photos[row].product_id, []).append(i)
        known = {photo.product_id for photo in whole}
        columns = ("anchor", "positive", "negative")
        found, elsewhere = [], 0
        with open(path, newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            missing = set(columns) - set(rows.fieldnames or ())
            if missing:
                raise ValueError(f"{path} lacks the column {', '.join(sorted(missing))}")
            for number, row in enumerate(rows, start=2):
                ids = [row[column] for column in columns]
                for one in ids:
                    if one not in known:
                        raise ValueError(f"{path} line {number}: the catalogue has no product {one!r}")
                if all(one in place for one in ids):
                    found.append([place[one] for one in ids])
                else:
                    elsewhere += 1
        if not found:
            raise ValueError(f"{path} has no triplet whose products are all to be learned from "
                             f"({elsewhere} have one that is for validation, left out or beyond "
                             "--limit)")
        return found

    def digest(self) -> str:
        """Changes with the photos to learn from, what they are called and what is asked of them."""
        told = (self.names, self.labels.tolist(), [self.photos[row].product_id for row in self.train],
                self._triplets)
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def order(self, batch: int, random: np.random.Generator) -> np.ndarray:
        """Which rows of `train` to draw in an epoch, batch after batch."""
        if self._triplets is not None:
            # Any photo of a product stands for it.
            return np.array([random.choice(rows) for i in random.permutation(len(self._triplets))
                             for rows in self._triplets[i]])
        if not len(self.labels):
            whole = max(1, len(self.train) // batch) * batch
            return random.permutation(np.resize(np.arange(len(self.train)), whole))
        return batches.balanced_order(self.labels[0].numpy(), batch, random)

    def features(self, seeing: Sequence[nn.Module], device: torch.device) -> List[np.ndarray]:
        """float32 [len(train), width] each: what networks see in the photos to learn from, whole."""
        inputs = read_inputs([self.photos[row] for row in self.train], "reading photos, whole")
        return [features(network, inputs, bundle.INPUT_SIZE, device, "what is to be remembered")
                for network in seeing]

    def measure(self, model: nn.Module, device: torch.device) -> Dict[str, float]:
        """Cross-sender precision@10 and mAP@10 by the first label, on validation photos and on
        what was left out, each among themselves; nothing where photos have no label."""
        if not len(self._rows):
            return {}
        if self._inputs is None:
            self._inputs = read_inputs([self.photos[row] for row in self._rows],
                                       "reading photos for validation")
        seen = features(model.network, self._inputs, self._eval_size, device, "validation")
        model.eval()
        with torch.inference_mode():
            vectors = model.vectors(torch.from_numpy(seen).to(device)).cpu().numpy()
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        figures: Dict[str, float] = {}
        for name, mask in (("validation", self.validation), ("left_out", self.left_out)):
            rows = np.flatnonzero(mask[self._rows])
            if len(rows):
                got = evaluate.retrieval(unit[rows], unit[rows], self._values[rows],
                                         self._values[rows], self._groups[rows],
                                         self._groups[rows])
                figures[f"{name}_p10"] = got.precision
                figures[f"{name}_map10"] = got.mean_average_precision
        return figures
