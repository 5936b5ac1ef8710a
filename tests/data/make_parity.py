#!/usr/bin/python3
"""Draws tests/data/parity: a shirt in several kinds of file, and their vectors from Python.

    tests/data/make_parity.py            the pictures and the vectors
    tests/data/make_parity.py vectors    the vectors alone: when the default bundle has changed

Needs what models/README.md names. A C++ test holds its own vectors of the same files against these.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from make_images import STORED, exif, png

ROOT = pathlib.Path(__file__).parents[2]
OUT = pathlib.Path(__file__).parent / "parity"
BUNDLE = ROOT / "models" / "vitrine-lite0.pt"


def draw() -> Image.Image:
    """A striped shirt on a wall, 400 x 533: shading, folds and grain enough for a photo."""
    width, height = 400, 533
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width]
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).polygon(
        [(150, 70), (250, 70), (330, 110), (390, 240), (335, 265), (300, 200), (305, 480),
         (95, 480), (100, 200), (65, 265), (10, 240), (70, 110)], fill=255)
    cloth = np.asarray(mask.filter(ImageFilter.GaussianBlur(1.5)))[..., None] / 255
    stripes = ((x + 6 * np.sin(y / 40)) // 14 % 2)[..., None]
    colour = np.where(stripes > 0, (190, 40, 60), (235, 225, 215))
    folds = 1 + 0.12 * np.sin(x / 17 + y / 60) * np.sin(y / 45)
    wall = np.array((205, 205, 198)) - (y / 12 + x / 30)[..., None]
    pixels = cloth * colour * folds[..., None] + (1 - cloth) * wall
    pixels += random.normal(0, 4, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write_pictures() -> None:
    OUT.mkdir(exist_ok=True)
    shown = draw()
    shown.save(OUT / "photo.jpg", quality=85)
    small = shown.resize((shown.width // 4, shown.height // 4), Image.Resampling.LANCZOS)
    small.transpose(STORED[6]).save(OUT / "turned.jpg", quality=90, exif=exif(6))
    shown.convert("L").save(OUT / "grey.jpg", quality=80)
    # As much black as goes, so that all four inks count.
    light = np.asarray(small).astype(np.int32)
    most = np.maximum(light.max(axis=2, keepdims=True), 1)
    inks = np.concatenate([255 - light * 255 // most, 255 - most], axis=2).astype(np.uint8)
    Image.fromarray(inks, "CMYK").save(OUT / "inks.jpg", quality=90)
    # Fading out from the middle to the corners.
    y, x = np.mgrid[-1:1:small.height * 1j, -1:1:small.width * 1j]
    alpha = np.clip(400 - 300 * np.hypot(x, y), 0, 255).astype(np.uint8)
    see_through = Image.fromarray(np.dstack([np.asarray(small), alpha]), "RGBA")
    see_through.save(OUT / "alpha.png", optimize=True)
    see_through.save(OUT / "alpha.webp", quality=80)
    # Low bytes that are not those of the high ones.
    deep = np.asarray(small).astype(np.uint16) * 256 + (np.arange(small.width) % 256)[None, :, None]
    png(OUT / "deep.png", deep.astype(np.uint16), 2)


def write_vectors() -> None:
    pictures = sorted(path for path in OUT.iterdir() if path.suffix != ".json")
    command = [sys.executable, "-m", "vitrine_models", "embed", "--model", str(BUNDLE)]
    lines = subprocess.run(command + [str(path) for path in pictures], cwd=ROOT / "models",
                           check=True, capture_output=True, text=True).stdout.splitlines()
    vectors = {path.name: [float(f"{x:.5g}") for x in json.loads(line)["vector"]]
               for path, line in zip(pictures, lines)}
    digest = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    (OUT / "vectors.json").write_text(
        json.dumps({"bundle": BUNDLE.name, "sha256": digest, "vectors": vectors}) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["vectors"]:
        write_pictures()
    write_vectors()
