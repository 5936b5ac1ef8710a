"""Views that are drawn in processes of their own."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

from vitrine_models import batches

_DRAWS = """
import sys
import numpy as np
from vitrine_models import batches
drawer = batches.Views(batches.Pictures(sys.argv[1:], 32))
next(drawer.load(np.arange(64) % 2, 16, [1]))
print(*drawer._pool._processes, flush=True)
sys.stdin.read()
"""


class Views(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        random = np.random.default_rng(1)
        cls.paths = []
        for i in range(2):
            cls.paths.append(os.path.join(folder.name, f"{i}.png"))
            Image.fromarray(random.integers(0, 255, (60, 48, 3), dtype=np.uint8)).save(cls.paths[-1])

    def test_are_the_same_for_the_same_seed_and_others_for_another(self):
        drawer = batches.Views(batches.Pictures(self.paths, 32))
        self.addCleanup(drawer.close)
        order = np.arange(50) % 2
        first, again, other = (list(drawer.load(order, 20, seed, 2)) for seed in ([1], [1], [2]))
        self.assertEqual([len(batch.rows) for batch in first], [20, 20, 10])
        for one, same, changed in zip(first, again, other):
            np.testing.assert_array_equal(one.rows, same.rows)
            self.assertEqual([view.shape for view in one.views], [(len(one.rows), 32, 32, 3)] * 2)
            np.testing.assert_array_equal(one.views, same.views)
            self.assertTrue((np.array(one.views) != np.array(changed.views)).any())
            self.assertTrue((one.views[0] != one.views[1]).any())

    def test_no_process_outlives_a_parent_that_is_killed(self):
        with subprocess.Popen([sys.executable, "-c", _DRAWS, *self.paths], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
            children = parent.stdout.readline().split()
            self.assertTrue(children)
            parent.send_signal(signal.SIGKILL)
            # The children hold the other end of the pipe: it ends with the last of them.
            self.assertEqual(parent.stdout.read(), b"")


if __name__ == "__main__":
    unittest.main()
