"""Random views: their shape, their repeatability, and that what they show is the garment."""

import unittest

import numpy as np

from vitrine_models import augment


def _picture(height=80, width=60) -> np.ndarray:
    picture = np.full((height, width, 3), 235, np.uint8)
    picture[height // 4:-height // 4, width // 4:-width // 4] = (180, 40, 60)
    return picture


class ViewTest(unittest.TestCase):

    def test_has_the_size_asked_for_whatever_the_picture_has(self):
        for height, width in ((80, 60), (60, 80), (300, 20), (16, 16), (1, 1)):
            picture = np.full((height, width, 3), 128, np.uint8)
            for seed in range(20):
                view = augment.view(picture, 32, np.random.default_rng(seed), _picture())
                self.assertEqual((view.shape, view.dtype), ((32, 32, 3), np.uint8))

    def test_the_same_seed_gives_the_same_view_and_another_another(self):
        first = augment.view(_picture(), 32, np.random.default_rng(3), _picture())
        again = augment.view(_picture(), 32, np.random.default_rng(3), _picture())
        other = augment.view(_picture(), 32, np.random.default_rng(4), _picture())
        self.assertTrue((first == again).all())
        self.assertTrue((first != other).any())

    def test_most_views_still_show_the_garment(self):
        shown = 0
        for seed in range(100):
            view = augment.view(_picture(), 32, np.random.default_rng(seed)).astype(int)
            shown += ((view[..., 0] - view[..., 1]) > 40).mean() > 0.1
        self.assertGreaterEqual(shown, 95)

    def test_another_background_leaves_a_garment_of_its_colour_alone(self):
        plain = np.full((32, 32, 3), 100, np.uint8)
        self.assertTrue((augment._repainted(plain, np.random.default_rng(1)) == plain).all())
        painted = augment._repainted(_picture(32, 32), np.random.default_rng(1))
        self.assertTrue((painted[16, 16] == (180, 40, 60)).all())
        self.assertTrue((painted[0, 0] != 235).any())


class ShrunkTest(unittest.TestCase):

    def test_brings_the_shorter_side_down_and_enlarges_nothing(self):
        self.assertEqual(augment.shrunk(_picture(80, 60), 30).shape, (40, 30, 3))
        self.assertEqual(augment.shrunk(_picture(20, 60), 30).shape, (20, 60, 3))


if __name__ == "__main__":
    unittest.main()
