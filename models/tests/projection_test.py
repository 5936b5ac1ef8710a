"""Linear maps fitted on features."""

import unittest

import numpy as np
import torch
from torch import nn

from vitrine_models import projection


def _features(rows: int = 200) -> np.ndarray:
    random = np.random.default_rng(1)
    return (random.standard_normal((rows, 32)) * np.linspace(3, 0.1, 32) + 5).astype(np.float32)


def _apply(linear: nn.Linear, features: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return linear(torch.from_numpy(features)).numpy()


def _cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


class LeastSquares(unittest.TestCase):

    def test_finds_a_map_that_there_is(self):
        random = np.random.default_rng(2)
        features = random.standard_normal((500, 16)).astype(np.float32)
        wanted = (features @ random.standard_normal((16, 8)) + 3).astype(np.float32)
        got = _apply(projection.least_squares(features, wanted), features)
        self.assertGreater(np.corrcoef(got.ravel(), wanted.ravel())[0, 1], 0.995)


class Learned(unittest.TestCase):

    def setUp(self):
        torch.manual_seed(1)
        self.trained = nn.Linear(32, 24)

    def test_without_a_share_it_is_the_trained_map_turned(self):
        features = _features()
        got = projection.learned(self.trained, features, 0.0)
        self.assertEqual(got.out_features, 24)
        np.testing.assert_allclose(_cosines(_apply(got, features)),
                                   _cosines(_apply(self.trained, features)), atol=2e-3)

    def test_a_share_of_all_is_the_pca(self):
        features = _features()
        np.testing.assert_allclose(
            _cosines(_apply(projection.learned(self.trained, features, 1.0), features)),
            _cosines(_apply(projection.pca(features, 24), features)), atol=2e-3)

    def test_a_share_tells_apart_what_the_trained_map_does_not(self):
        features = _features()
        with torch.no_grad():
            self.trained.weight[:, 0] = 0.0  # Blind to the widest of them.
        twins = np.repeat(features[:1], 2, 0)
        twins[1, 0] += 6
        alike = [_cosines(_apply(projection.learned(self.trained, features, share), twins))[0, 1]
                 for share in (0.0, 0.3)]
        self.assertGreater(alike[0], 0.999)
        self.assertLess(alike[1], 0.99)


if __name__ == "__main__":
    unittest.main()
