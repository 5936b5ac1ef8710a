"""The colour block: exact Lab, and what must hold of any picture."""

import unittest

import torch

from vitrine_models import colour


def _picture(*rgb: int) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float32)[None, :, None, None].expand(1, 3, 256, 256)


class SrgbToLab(unittest.TestCase):

    def test_equals_published_values(self):
        # CIE Lab under D65 of the sRGB primaries, white, black and mid grey.
        expected = {
            (1.0, 1.0, 1.0): (100.0, 0.0, 0.0),
            (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
            (1.0, 0.0, 0.0): (53.24, 80.09, 67.20),
            (0.0, 1.0, 0.0): (87.73, -86.18, 83.18),
            (0.0, 0.0, 1.0): (32.30, 79.19, -107.86),
            (128 / 255, 128 / 255, 128 / 255): (53.59, 0.0, 0.0),
        }
        lab = colour.srgb_to_lab(torch.tensor(list(expected)))
        self.assertLess((lab - torch.tensor(list(expected.values()))).abs().max().item(), 0.02)

    def test_is_linear_near_black(self):
        # One step of 255: 1 / 255 / 12.92 linear, L = 903.3 * Y.
        lab = colour.srgb_to_lab(torch.full((3,), 1 / 255))
        self.assertAlmostEqual(lab[0].item(), 903.2963 / 255 / 12.92, places=4)


class ColourBlock(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.block = colour.ColourBlock().eval()

    def _cosine(self, a: torch.Tensor, b: torch.Tensor) -> float:
        return torch.cosine_similarity(self.block(a), self.block(b)).item()

    def test_is_the_gaussian_kernel_on_plain_pictures(self):
        red, orange = _picture(200, 30, 30), _picture(220, 110, 30)
        scale = torch.tensor([colour.LIGHTNESS, 1.0, 1.0])
        lab = [colour.srgb_to_lab(p[0, :, 0, 0] / 255) * scale for p in (red, orange)]
        kernel = torch.exp(-(lab[0] - lab[1]).square().sum() / (2 * colour.SIGMA ** 2)).item()
        self.assertAlmostEqual(self._cosine(red, orange), kernel, delta=0.05)

    def test_sees_the_garment_before_the_background(self):
        def shirt(garment, background):
            picture = _picture(*background).clone()
            picture[:, :, 50:206, 60:196] = torch.tensor(garment, dtype=torch.float32)[:, None, None]
            return picture

        red_on_grey = shirt((180, 20, 30), (150, 150, 150))
        red_on_wood = shirt((180, 20, 30), (170, 130, 80))
        blue_on_grey = shirt((20, 40, 160), (150, 150, 150))
        self.assertGreater(self._cosine(red_on_grey, red_on_wood), 0.9)
        self.assertLess(self._cosine(red_on_grey, blue_on_grey), 0.5)

    def test_weighs_every_pixel_and_sums_to_one(self):
        weights = self.block.weights(self.block.pixels(torch.rand(2, 3, 256, 256) * 255))
        self.assertTrue((weights > 0).all())
        self.assertLess((weights.sum(1) - 1).abs().max().item(), 1e-5)


if __name__ == "__main__":
    unittest.main()
