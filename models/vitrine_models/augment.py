"""What a shopper's camera and a shop do to a picture: random views for training.

Every view is drawn from a generator of its own, so that the same seed gives the same views
whatever thread makes them.
"""

import io
from typing import Optional

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

# The share of the shorter side that a view shows, at least; it may be turned and tilted besides.
_LEAST_SHARE = 0.7
_TILT = 0.08
_TURN_DEGREES = 12.0
# Pixels within this of the border's colour, per channel, are taken for background.
_BACKGROUND_RANGE = 24


def shrunk(picture: np.ndarray, shorter: int) -> np.ndarray:
    """uint8 [h, w, 3] with its shorter side brought down to `shorter`, if it is longer."""
    height, width = picture.shape[:2]
    scale = shorter / min(height, width)
    if scale >= 1.0:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _framed(picture: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """A square of the picture, cut, stretched, turned, seen from an angle, maybe mirrored."""
    width, height = picture.size
    share = random.uniform(_LEAST_SHARE, 1.05)
    stretch = np.exp(random.uniform(-0.15, 0.15))
    sides = min(width, height) * share * np.array([stretch, 1.0 / stretch])
    room = np.maximum(0.0, np.array([width, height]) - sides)
    centre = sides / 2 + room * random.uniform(0.0, 1.0, 2)
    corners = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)])
    corners = corners + random.uniform(-_TILT, _TILT, (4, 2)) * sides.mean() / sides
    angle = np.deg2rad(random.uniform(-_TURN_DEGREES, _TURN_DEGREES))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    corners = corners * sides @ turn.T + centre
    if random.random() < 0.5:
        corners = corners[[3, 2, 1, 0]]
    # What lies beyond the picture repeats its edge.
    margin = int(np.ceil(max(0.0, -corners.min(), (corners - [width, height]).max())))
    if margin:
        padded = np.pad(np.asarray(picture), ((margin, margin), (margin, margin), (0, 0)), "edge")
        picture, corners = Image.fromarray(padded), corners + margin
    return picture.transform((size, size), Image.Transform.QUAD, corners.reshape(-1).tolist(),
                             Image.Resampling.BILINEAR)


def _repainted(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Gives a plain background another colour, shaded from side to side."""
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])).astype(np.int16)
    colour = np.median(border, axis=0)
    if (np.abs(border - colour).max(1) < _BACKGROUND_RANGE).mean() < 0.7:
        return pixels
    background = np.abs(pixels.astype(np.int16) - colour).max(2) < _BACKGROUND_RANGE
    third = pixels.shape[0] // 3
    if background[third:-third, third:-third].mean() > 0.3:
        return pixels  # The garment has the background's colour.
    shade = np.linspace(*random.uniform(0.8, 1.2, 2), pixels.shape[1])[None, :, None]
    paint = np.clip(random.uniform(40, 255, 3) * shade, 0, 255)
    return np.where(background[..., None], np.broadcast_to(paint, pixels.shape), pixels
                    ).astype(np.uint8)


def _beside(pixels: np.ndarray, other: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Lets a strip of another picture stand in at one edge."""
    size = pixels.shape[0]
    wide = int(size * random.uniform(0.08, 0.22))
    strip = np.asarray(Image.fromarray(other).resize((size, size), Image.Resampling.BILINEAR))
    strip = strip[:, size // 2 - wide // 2:size // 2 - wide // 2 + wide]
    edge = int(random.integers(4))
    turned = np.rot90(pixels, edge).copy()
    turned[:, :wide] = strip
    return np.rot90(turned, -edge)


def view(picture: np.ndarray, size: int, random: np.random.Generator,
         other: Optional[np.ndarray] = None) -> np.ndarray:
    """A random view uint8 [size, size, 3] of uint8 [h, w, 3].

    Cut, turned, seen from an angle, mirrored, relit, with another white balance; at times
    blurred, compressed anew, on another background, with a hole in it, or with a strip of `other`
    at an edge.
    """
    framed = _framed(Image.fromarray(picture), size, random)
    framed = ImageEnhance.Brightness(framed).enhance(random.uniform(0.65, 1.35))
    framed = ImageEnhance.Contrast(framed).enhance(random.uniform(0.75, 1.25))
    gains = 1.0 + random.uniform(-0.08, 0.08) * np.array([1.0, 0.0, -1.0])
    gains[1] += random.uniform(-0.03, 0.03)
    pixels = np.clip(np.asarray(framed) * gains, 0, 255).astype(np.uint8)
    if random.random() < 0.15:
        pixels = _repainted(pixels, random)
    if other is not None and random.random() < 0.1:
        pixels = _beside(pixels, other, random)
    if random.random() < 0.15:
        blurred = Image.fromarray(np.ascontiguousarray(pixels))
        pixels = np.asarray(blurred.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.5))))
    if random.random() < 0.15:
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(
            out, "JPEG", quality=int(random.integers(30, 90)))
        pixels = np.asarray(Image.open(out).convert("RGB"))
    if random.random() < 0.25:
        pixels = pixels.copy()
        hole = (random.uniform(0.15, 0.4, 2) * size).astype(int)
        top, left = (random.uniform(0, 1, 2) * (size - hole)).astype(int)
        pixels[top:top + hole[0], left:left + hole[1]] = random.integers(0, 256, 3)
    return np.ascontiguousarray(pixels)
