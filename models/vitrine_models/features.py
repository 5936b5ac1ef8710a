"""Runs a module over a catalogue's photos, and keeps what came out for the next time."""

import concurrent.futures
import hashlib
import os
from typing import Iterator, List, Sequence

import numpy as np
import torch

from vitrine_models import bundle, image, progress
from vitrine_models.catalog import Photo

_BATCH = 8


def cache_directory() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "vitrine", "features")


def _fingerprint(module: torch.jit.ScriptModule, photos: Sequence[Photo], resize: str) -> str:
    """A name that changes with the module's code and numbers, the photos, and the resize."""
    digest = hashlib.sha256(f"{resize} {torch.__version__}".encode())
    for part in module.modules():
        if hasattr(part, "code"):
            digest.update(part.code.encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    for photo in photos:
        info = os.stat(photo.path)
        digest.update(f"{photo.path} {info.st_size} {info.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


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


def run(module: torch.jit.ScriptModule, pictures: Iterator[np.ndarray], total: int,
        what: str) -> np.ndarray:
    """float32 [total, dim]: `module` over uint8 [256, 256, 3] pictures, with progress."""
    frozen = torch.jit.freeze(module.eval()) if hasattr(module, "training") else module
    meter = progress.Progress(what, total)
    rows: List[np.ndarray] = []
    batch: List[np.ndarray] = []
    with torch.inference_mode():
        for i in range(total):
            batch.append(next(pictures))
            if len(batch) == _BATCH or i + 1 == total:
                rows.append(frozen(torch.from_numpy(np.stack(batch))).numpy())
                meter.add(len(batch))
                batch = []
    return np.concatenate(rows)


def extract(module: torch.jit.ScriptModule, photos: Sequence[Photo], resize: str,
            what: str) -> np.ndarray:
    """float32 [len(photos), dim] of an unfrozen scripted `module`; read from the cache if there."""
    path = os.path.join(cache_directory(), _fingerprint(module, photos, resize) + ".npy")
    if os.path.isfile(path):
        return np.load(path)
    rows = run(module, _inputs(photos, resize), len(photos), what)
    os.makedirs(cache_directory(), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp.npy"
    np.save(temporary, rows)
    os.replace(temporary, path)
    return rows
