"""Names under which features are kept."""

import os
import subprocess
import sys
import unittest

_PRINT = """
import torch
from vitrine_models import bundle, colour, features, networks
network = networks.random_init("autoencoder", {seed})
print(features.fingerprint(bundle.script(bundle.Encoder(network, torch.nn.Identity(), None))))
"""


def _fingerprint(seed: int, hash_seed: int) -> str:
    environment = dict(os.environ, PYTHONHASHSEED=str(hash_seed))
    return subprocess.run([sys.executable, "-c", _PRINT.format(seed=seed)], env=environment,
                          check=True, stdout=subprocess.PIPE).stdout.decode()


class Fingerprint(unittest.TestCase):

    def test_is_the_same_in_every_process_and_another_for_other_weights(self):
        self.assertEqual(_fingerprint(1, 1), _fingerprint(1, 2))
        self.assertNotEqual(_fingerprint(1, 1), _fingerprint(2, 1))


if __name__ == "__main__":
    unittest.main()
