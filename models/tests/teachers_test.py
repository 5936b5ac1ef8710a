"""Networks that teach another."""

import os
import tempfile
import unittest

import numpy as np
import torch
import torch.nn.functional as F

from vitrine_models import networks, teachers


class Teachers(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.files = []
        for seed in (1, 2):
            network = networks.random_init("autoencoder", seed)
            self.files.append(os.path.join(folder.name, f"{seed}.checkpoint"))
            torch.save(networks.checkpoint("autoencoder", network.state_dict(), 64), self.files[-1])
        self.pixels = torch.from_numpy(np.random.default_rng(1).uniform(
            0, 255, (40, 3, 64, 64)).astype(np.float32))

    def test_a_cosine_is_the_mean_by_weight_of_the_teachers_own(self):
        several = teachers.Teachers([f"{self.files[0]}:3", self.files[1]])
        with torch.inference_mode():
            seen = several.see(self.pixels)
            several.fit([features.numpy() for features in seen], None, 384)
            own = [F.normalize(one(features)) for one, features in zip(several.maps, seen)]
            expected = 0.75 * own[0] @ own[0].T + 0.25 * own[1] @ own[1].T
            together = several._together(seen)
            np.testing.assert_allclose(together @ together.T, expected, atol=1e-5)
            # What is reduced has no mean, and loses little else.
            centred = F.normalize(together - together.mean(0))
            got = F.normalize(several(seen))
            np.testing.assert_allclose(got @ got.T, centred @ centred.T, atol=0.02)

    def test_what_was_fitted_can_be_restored(self):
        first, second = (teachers.Teachers(self.files) for _ in range(2))
        with torch.inference_mode():
            seen = first.see(self.pixels)
            first.fit([features.numpy() for features in seen], None, 64)
            second.fit([features.numpy()[:20] for features in seen], None, 64)
            self.assertFalse(torch.equal(first(seen), second(seen)))
            second.restore(first.fitted())
            self.assertTrue(torch.equal(first(seen), second(seen)))


if __name__ == "__main__":
    unittest.main()
