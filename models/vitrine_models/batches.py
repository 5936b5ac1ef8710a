"""Batches of random views of a catalogue's photos, the same for the same seed."""

import collections
import concurrent.futures
import dataclasses
import os
from typing import Iterator, List, Optional, Sequence

import numpy as np

from vitrine_models import augment, image, progress

# How much larger than a view a photo is kept, so that a cut of it is still sharp.
_KEPT_SCALE = 1.6
_BATCHES_AHEAD = 3


@dataclasses.dataclass
class Batch:
    rows: np.ndarray  # int64 [n]: which photos.
    views: List[np.ndarray]  # One or two times uint8 [n, size, size, 3].


class Pictures:
    """Photos, decoded once and kept small in memory (about 0.3 MB each at 160 pixels)."""

    def __init__(self, paths: Sequence[str], size: int):
        self.size = size
        meter = progress.Progress("reading photos", len(paths))

        def read(path: str) -> np.ndarray:
            return augment.shrunk(image.decode(path), round(_KEPT_SCALE * size))

        self._pictures = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for picture in pool.map(read, paths):
                self._pictures.append(picture)
                meter.add(1)

    def view(self, row: int, seed: Sequence[int]) -> np.ndarray:
        random = np.random.default_rng([*seed, row])
        other = self._pictures[int(random.integers(len(self._pictures)))]
        return augment.view(self._pictures[row], self.size, random, other)


def balanced_order(labels: np.ndarray, batch: int, random: np.random.Generator) -> np.ndarray:
    """Rows for one epoch, about as many as there are: of a label with n rows each is drawn with
    probability in proportion to n ** -0.5, so that rare labels are seen more often. A row may come
    twice and another not at all; there are whole batches only.
    """
    count = collections.Counter(labels.tolist())
    weight = np.array([count[label] ** -0.5 for label in labels.tolist()])
    whole = max(1, len(labels) // batch) * batch
    return random.choice(len(labels), whole, p=weight / weight.sum())


def load(pictures: Pictures, order: np.ndarray, batch: int, seed: Sequence[int],
         views: int = 1, pool: Optional[concurrent.futures.ThreadPoolExecutor] = None
         ) -> Iterator[Batch]:
    """The batches of `order`, drawn ahead by one thread a core."""
    own = pool or concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)

    def draw(place: int, which: int) -> np.ndarray:
        return pictures.view(int(order[place]), [*seed, place, which])

    try:
        ahead: collections.deque = collections.deque()
        for start in range(0, len(order), batch):
            places = range(start, min(start + batch, len(order)))
            ahead.append((order[places.start:places.stop],
                          [[own.submit(draw, place, which) for place in places]
                           for which in range(views)]))
            if len(ahead) > _BATCHES_AHEAD:
                yield _drawn(*ahead.popleft())
        while ahead:
            yield _drawn(*ahead.popleft())
    finally:
        if pool is None:
            own.shutdown(cancel_futures=True)


def _drawn(rows: np.ndarray, futures: List[List[concurrent.futures.Future]]) -> Batch:
    return Batch(rows, [np.stack([future.result() for future in one]) for one in futures])
