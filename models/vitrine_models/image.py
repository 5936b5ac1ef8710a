"""Pictures as the daemons see them: decoded to RGB, resized by OpenCV's INTER_AREA rule."""

import functools
import io
import os
from typing import Tuple, Union

import numpy as np
from PIL import Image, ImageFile, ImageOps

from vitrine_models import errors

RESIZE_MODES = ("squash", "letterbox", "crop")
_WHITE = 255
# A truncated picture is an error, never a half-grey one.
ImageFile.LOAD_TRUNCATED_IMAGES = False


def decode(source: Union[str, os.PathLike, bytes]) -> np.ndarray:
    """Decodes a file (path or bytes) to uint8 [height, width, 3] RGB.

    EXIF orientation is applied, transparency is laid on white, 16-bit samples keep their high
    byte, grey and CMYK become RGB. Raises OSError, naming the file, where it is no whole picture.
    """
    name = "the picture" if isinstance(source, bytes) else os.fspath(source)
    try:
        return _decode(io.BytesIO(source) if isinstance(source, bytes) else source)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's readers let through whatever they stumble over.
        raise OSError(f"{name} cannot be read as a picture ({errors.first_line(error)})") from error


def _decode(source: Union[str, os.PathLike, io.BytesIO]) -> np.ndarray:
    with Image.open(source) as picture:
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode in ("I", "I;16", "I;16B", "I;16L"):
            samples = np.asarray(picture).astype(np.uint32) >> 8
            picture = Image.fromarray(samples.astype(np.uint8), "L")
        if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
            samples = np.asarray(picture.convert("RGBA")).astype(np.uint32)
            colour, alpha = samples[..., :3], samples[..., 3:]
            return ((colour * alpha + _WHITE * (255 - alpha) + 127) // 255).astype(np.uint8)
        return np.array(picture.convert("RGB"))


def _area_weights(source: int, target: int) -> np.ndarray:
    """[target, source] weights of box averaging, target <= source: each row sums to 1."""
    scale = source / target
    edges = np.arange(target + 1) * scale
    cells = np.arange(source)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.maximum(overlap, 0.0) / scale


def _enlarge_weights(source: int, target: int) -> np.ndarray:
    """[target, source] weights of INTER_AREA where it enlarges: linear between cell edges.

    The formula of cv::resize: cell floor(i * scale) holds until the next one's edge is crossed.
    """
    scale = source / target
    weights = np.zeros((target, source))
    for i in range(target):
        left = min(int(np.floor(i * scale)), source - 1)
        fraction = (i + 1) - (left + 1) / scale
        fraction = 0.0 if fraction <= 0 else fraction - np.floor(fraction)
        right = min(left + 1, source - 1)
        weights[i, left] += 1.0 - fraction
        weights[i, right] += fraction
    return weights


def resize_weights(source: int, target: int) -> np.ndarray:
    """[target, source]: how resize_area weighs one axis where both shrink, or both do not."""
    return (_area_weights if target <= source else _enlarge_weights)(source, target)


@functools.lru_cache(maxsize=16)
def _weights(source: int, target: int, shrinks: bool) -> np.ndarray:
    """A catalogue's photos have few sizes."""
    return (_area_weights if shrinks else _enlarge_weights)(source, target).astype(np.float32)


def resize_area(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resizes uint8 [h, w, c] to [height, width, c] as cv::resize does with INTER_AREA.

    Where both sides shrink, each target pixel is the mean of the rectangle that it covers;
    otherwise OpenCV interpolates linearly on both axes, and so does this.
    """
    source_height, source_width = picture.shape[:2]
    if (source_height, source_width) == (height, width):
        return picture.copy()
    shrinks = width <= source_width and height <= source_height
    rows = _weights(source_height, height, shrinks)
    columns = _weights(source_width, width, shrinks)
    # [height, source_width, c], then [height, c, width]: both as one matrix product in BLAS.
    tall = np.tensordot(rows, picture.astype(np.float32), (1, 0))
    resized = np.moveaxis(np.tensordot(tall, columns, (1, 1)), 1, 2)
    return np.clip(np.rint(resized), 0, 255).astype(np.uint8)


def _fitted(width: int, height: int, size: int) -> Tuple[int, int]:
    """The sides scaled so that the longer is `size`."""
    longer = max(width, height)
    return max(1, round(width * size / longer)), max(1, round(height * size / longer))


def to_input(picture: np.ndarray, size: int, mode: str) -> np.ndarray:
    """Resizes uint8 [h, w, 3] to a bundle's input, uint8 [size, size, 3].

    squash: both sides to `size`. letterbox: the longer side to `size`, centred on white.
    crop: the central square to `size`.
    """
    height, width = picture.shape[:2]
    if mode == "squash":
        return resize_area(picture, size, size)
    if mode == "letterbox":
        new_width, new_height = _fitted(width, height, size)
        canvas = np.full((size, size, 3), _WHITE, np.uint8)
        top, left = (size - new_height) // 2, (size - new_width) // 2
        canvas[top:top + new_height, left:left + new_width] = resize_area(
            picture, new_width, new_height)
        return canvas
    if mode == "crop":
        side = min(width, height)
        top, left = (height - side) // 2, (width - side) // 2
        return resize_area(picture[top:top + side, left:left + side], size, size)
    raise ValueError(f"resize mode {mode!r} is not one of {', '.join(RESIZE_MODES)}")
