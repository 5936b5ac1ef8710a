"""Runs a module over a catalogue's photos, and keeps what came out for the next time."""

import concurrent.futures
import hashlib
import io
import itertools
import os
import zipfile
from typing import Iterable, Iterator, List, Sequence

import numpy as np
import torch

from vitrine_models import bundle, image, progress
from vitrine_models.catalog import Photo

_BATCH = 8


def cache_directory() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "vitrine", "features")


def fingerprint(module: torch.jit.ScriptModule) -> str:
    """A name that changes with an unfrozen scripted module's code and numbers."""
    digest = hashlib.sha256(torch.__version__.encode())
    # Its code, its tensors, and its other attributes, such as the size that it reads.
    with zipfile.ZipFile(io.BytesIO(module.save_to_buffer())) as archive:
        for name in sorted(archive.namelist()):
            content = archive.read(name)
            if name.endswith((".debug_pkl", "serialization_id")):
                continue  # Where the code came from, and a sum of the whole file.
            if name.endswith(".py"):
                # A class's constants come in the order of a set, another one in each process.
                content = b"\n".join(sorted(content.split(b"\n")))
            digest.update(f"{name} {len(content)} ".encode())
            digest.update(content)
    return digest.hexdigest()


def _inputs(photos: Sequence[Photo], resize: str) -> Iterator[np.ndarray]:
    """Decoded and resized photos in order, read ahead by one thread a core."""
    def read(photo: Photo) -> np.ndarray:
        return image.to_input(image.decode(photo.path), bundle.INPUT_SIZE, resize)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        ahead: List[concurrent.futures.Future] = []
        for photo in photos:
            ahead.append(pool.submit(read, photo))
            if len(ahead) > 4 * _BATCH:
                yield ahead.pop(0).result()
        while ahead:
            yield ahead.pop(0).result()


def run(module: torch.jit.ScriptModule, pictures: Iterable[np.ndarray], total: int,
        what: str) -> np.ndarray:
    """float32 [total, dim]: a frozen `module` over uint8 [256, 256, 3] pictures, with progress."""
    meter = progress.Progress(what, total)
    ahead, rows = iter(pictures), []
    with torch.inference_mode():
        while True:
            batch = list(itertools.islice(ahead, _BATCH))
            if not batch:
                return np.concatenate(rows)
            rows.append(module(torch.from_numpy(np.stack(batch))).numpy())
            meter.add(len(batch))


def extract(module: torch.jit.ScriptModule, key: str, photos: Sequence[Photo], resize: str,
            what: str) -> np.ndarray:
    """float32 [len(photos), dim] of a frozen `module`, whose name is `key`, over photos.

    Read from the cache if the same was asked before.
    """
    digest = hashlib.sha256(f"{key} {resize}".encode())
    for photo in photos:
        info = os.stat(photo.path)
        digest.update(f"{photo.path} {info.st_size} {info.st_mtime_ns}".encode())
    path = os.path.join(cache_directory(), digest.hexdigest()[:32] + ".npy")
    if os.path.isfile(path):
        return np.load(path)
    rows = run(module, _inputs(photos, resize), len(photos), what)
    os.makedirs(cache_directory(), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp.npy"
    np.save(temporary, rows)
    os.replace(temporary, path)
    return rows
