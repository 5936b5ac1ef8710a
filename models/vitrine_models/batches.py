"""Batches of random views of a catalogue's photos, the same for the same seed."""

import collections
import concurrent.futures
import ctypes
import dataclasses
import multiprocessing
import os
import signal
from typing import Iterator, List, Optional, Sequence

import numpy as np

from vitrine_models import augment, image, progress

# How much larger than a view a photo is kept, so that a cut of it is still sharp.
_KEPT_SCALE = 1.6
_BATCHES_AHEAD = 3
_VIEWS_A_TASK = 16
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


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


class Views:
    """Draws views in processes of its own, one a core, ahead of who asks for them.

    Threads would be simpler, and with many cores and a fast GPU they wait for one another: drawing
    takes much Python. A process reads the pictures where its parent has them.
    """

    def __init__(self, pictures: Pictures):
        self._pool = concurrent.futures.ProcessPoolExecutor(
            len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("fork"),
            initializer=_adopt, initargs=(pictures, os.getpid()))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def load(self, order: np.ndarray, batch: int, seed: Sequence[int], views: int = 1
             ) -> Iterator[Batch]:
        """The batches of `order`, the same for the same seed."""
        ahead: collections.deque = collections.deque()
        for start in range(0, len(order), batch):
            places = range(start, min(start + batch, len(order)))
            ahead.append((order[places.start:places.stop],
                          [[self._pool.submit(_draw, order[part.start:part.stop], part, seed, which)
                            for part in _parts(places)] for which in range(views)]))
            if len(ahead) > _BATCHES_AHEAD:
                yield _drawn(*ahead.popleft())
        while ahead:
            yield _drawn(*ahead.popleft())


# What a process of Views draws from.
_pictures: Optional[Pictures] = None


def _adopt(pictures: Pictures, parent: int) -> None:
    global _pictures  # pylint: disable=global-statement
    _pictures = pictures
    # A keyboard's interrupt is for the parent, which ends its processes; and they end with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _parts(places: range) -> List[range]:
    return [places[at:at + _VIEWS_A_TASK] for at in range(0, len(places), _VIEWS_A_TASK)]


def _draw(rows: np.ndarray, places: Sequence[int], seed: Sequence[int], which: int) -> np.ndarray:
    return np.stack([_pictures.view(int(row), [*seed, place, which])
                     for row, place in zip(rows, places)])


def _drawn(rows: np.ndarray, futures: List[List[concurrent.futures.Future]]) -> Batch:
    return Batch(rows, [np.concatenate([future.result() for future in one]) for one in futures])
