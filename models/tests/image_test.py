"""Decoding and resizing against hand-worked values."""

import io
import tempfile
import unittest

import numpy as np
from PIL import Image

from vitrine_models import image


def _encoded(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


class ResizeArea(unittest.TestCase):

    def test_weighs_pixels_by_their_covered_part(self):
        row = np.array([[[0], [60], [120]]], np.uint8)
        # Each half covers 1.5 pixels: (0 + 60 / 2) / 1.5 and (60 / 2 + 120) / 1.5.
        self.assertEqual(image.resize_area(row, 2, 1)[0, :, 0].tolist(), [20, 100])

    def test_averages_rectangles(self):
        picture = np.arange(16, dtype=np.uint8).reshape(4, 4, 1) * 2
        # The top left cell is the mean of 0, 2, 8, 10.
        self.assertEqual(image.resize_area(picture, 2, 2)[:, :, 0].tolist(), [[5, 9], [21, 25]])

    def test_enlarges_as_opencv_does(self):
        row = np.array([[[0], [100]]], np.uint8)
        # cv::resize(INTER_AREA) of 2 to 5 pixels: fractions 0, 0, 0.5, 1 of the way, then the end.
        self.assertEqual(image.resize_area(row, 5, 1)[0, :, 0].tolist(), [0, 0, 50, 100, 100])

    def test_keeps_a_constant_picture(self):
        picture = np.full((533, 400, 3), 201, np.uint8)
        self.assertTrue((image.resize_area(picture, 256, 256) == 201).all())

    def test_keeps_the_size_asked_for(self):
        tall = np.full((90, 30, 3), 10, np.uint8)
        for mode in image.RESIZE_MODES:
            self.assertEqual(image.to_input(tall, 64, mode).shape, (64, 64, 3))

    def test_letterbox_pads_with_white_and_crop_keeps_the_centre(self):
        tall = np.zeros((128, 64, 3), np.uint8)
        tall[32:96] = 100
        boxed = image.to_input(tall, 64, "letterbox")
        self.assertEqual(boxed[32, :, 0].tolist(), [255] * 16 + [100] * 32 + [255] * 16)
        self.assertTrue((image.to_input(tall, 64, "crop") == 100).all())

    def test_refuses_an_unknown_mode(self):
        with self.assertRaisesRegex(ValueError, "stretch"):
            image.to_input(np.zeros((4, 4, 3), np.uint8), 64, "stretch")


class Decode(unittest.TestCase):

    def test_lays_transparency_on_white(self):
        data = _encoded(Image.new("RGBA", (2, 2), (200, 0, 100, 51)), "PNG")
        # 51 / 255 is a fifth: 200 / 5 + 255 * 4 / 5 and so on.
        self.assertEqual(image.decode(data)[0, 0].tolist(), [244, 204, 224])

    def test_applies_exif_orientation(self):
        picture = Image.new("RGB", (4, 2), (255, 255, 255))
        exif = Image.Exif()
        exif[0x0112] = 6
        self.assertEqual(image.decode(_encoded(picture, "JPEG", exif=exif)).shape, (4, 2, 3))

    def test_keeps_the_high_byte_of_16_bits(self):
        picture = Image.fromarray(np.full((2, 2), 0x80FF, np.uint16))
        self.assertEqual(image.decode(_encoded(picture, "PNG"))[0, 0].tolist(), [128, 128, 128])

    def test_turns_cmyk_into_rgb(self):
        decoded = image.decode(_encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
        self.assertLess(np.abs(decoded[4, 4].astype(int) - [255, 0, 0]).max(), 6)

    def test_refuses_a_truncated_picture(self):
        whole = _encoded(Image.effect_noise((64, 64), 90), "JPEG")
        with self.assertRaisesRegex(OSError, "the picture cannot be read"):
            image.decode(whole[:len(whole) // 2])
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(whole[:len(whole) // 2])
            file.flush()
            with self.assertRaisesRegex(OSError, f"{file.name} cannot be read as a picture"):
                image.decode(file.name)


if __name__ == "__main__":
    unittest.main()
