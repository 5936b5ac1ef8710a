#!/usr/bin/python3
"""Draws tests/data/images: one picture, 48 x 32 with four coloured quarters, in each kind of file.

Run by hand with Debian's python3-pil; the files are committed. In all of them the picture shows
red and green above, blue and yellow below, once it is turned, blended on white and made RGB.
"""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 48, 32
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 60), (40, 60, 200), (240, 220, 40)
OUT = pathlib.Path(__file__).parent / "images"
# What turns a picture as shown into the one that is stored with orientation 2 to 8.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters() -> Image.Image:
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:HEIGHT // 2, :WIDTH // 2] = RED
    pixels[:HEIGHT // 2, WIDTH // 2:] = GREEN
    pixels[HEIGHT // 2:, :WIDTH // 2] = BLUE
    pixels[HEIGHT // 2:, WIDTH // 2:] = YELLOW
    return Image.fromarray(pixels)


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x010F] = "a maker"
    block[0x0112] = orientation
    return block


def png(path: pathlib.Path, pixels: np.ndarray, colour_type: int, interlaced: bool = False) -> None:
    """What PIL cannot write: 16-bit colour, and Adam7 interlacing."""
    depth = pixels.dtype.itemsize * 8
    big_endian = pixels.astype(pixels.dtype.newbyteorder(">"))
    passes = [(0, 0, 1, 1)]
    if interlaced:  # first column and row, column and row step: PNG (W3C), 8.2
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                  (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes
                    for row in big_endian[y::dy, x::dx])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, colour_type, 0, 0,
                         int(interlaced))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                     + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    shown = quarters()
    jpeg = dict(quality=90, subsampling=0)
    shown.save(OUT / "plain.jpg", **jpeg)
    shown.save(OUT / "progressive.jpg", progressive=True, **jpeg)
    shown.convert("L").save(OUT / "grey.jpg", quality=90)
    Image.merge("CMYK", [Image.fromarray(255 - np.asarray(band)) for band in shown.split()]
                + [Image.new("L", shown.size, 0)]).save(OUT / "cmyk.jpg", quality=95)
    for orientation in range(1, 9):
        stored = shown if orientation == 1 else shown.transpose(STORED[orientation])
        stored.save(OUT / f"orientation_{orientation}.jpg", exif=exif(orientation), **jpeg)
    turned = shown.transpose(STORED[6])

    shown.save(OUT / "plain.png")
    turned.save(OUT / "orientation_6.png", exif=exif(6))
    shown.convert("L").save(OUT / "grey.png")
    shown.convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save(OUT / "palette.png", bits=2)
    # Half transparent where the picture is lighter than the colour to be shown.
    pixels = np.asarray(shown).astype(np.int32)
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.int32)
    alpha[:, ::2] = 240
    over = np.clip((pixels * 255 - 255 * (255 - alpha)) / alpha, 0, 255)
    alpha_pixels = np.concatenate([over, alpha], axis=2).round().astype(np.uint8)
    see_through = Image.fromarray(alpha_pixels, "RGBA")
    see_through.save(OUT / "alpha.png")
    # Yellow as black that is fully transparent: shown white.
    Image.new("LA", (WIDTH, HEIGHT), (0, 0)).save(OUT / "transparent.png")
    palette = shown.convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    palette.save(OUT / "palette_transparent.png", transparency=palette.getpixel((47, 31)))
    png(OUT / "deep.png", np.asarray(shown).astype(np.uint16) * 257, 2)
    png(OUT / "deep_alpha.png", alpha_pixels.astype(np.uint16) * 257, 6)
    Image.fromarray(np.asarray(shown.convert("L")).astype(np.uint16) * 257).save(
        OUT / "deep_grey.png")
    png(OUT / "interlaced.png", np.asarray(shown), 2, interlaced=True)

    shown.save(OUT / "lossy.webp", quality=90)
    shown.save(OUT / "lossless.webp", lossless=True)
    see_through.save(OUT / "alpha.webp", quality=95)
    turned.save(OUT / "orientation_6.webp", quality=90, exif=exif(6).tobytes())
    shown.save(OUT / "animated.webp", save_all=True, quality=90,
               append_images=[Image.new("RGB", shown.size, BLUE)])


if __name__ == "__main__":
    main()
