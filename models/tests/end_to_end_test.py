"""From a folder of pictures to answers of a network trained on it, through the real programs."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from vitrine_models import bundle, catalog

_MODELS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PROGRAMS = ("vitrine", "vitrine-pictures", "vitrine-indexer", "vitrine-server", "vitrine-eval")
try:
    _BIN = os.path.dirname(catalog._program())
except ValueError:
    _BIN = ""
_HAS_PROGRAMS = bool(_BIN) and all(os.path.isfile(os.path.join(_BIN, one)) for one in _PROGRAMS)
_PRODUCTS = 160  # With their second pictures, about 200.


@unittest.skipUnless(_HAS_PROGRAMS, "the programs are not built: ./dev build")
class TrainedNetworkTest(unittest.TestCase):

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=_MODELS, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _program(self, name: str, *flags: str) -> str:
        return self._run(os.path.join(_BIN, name), *flags)

    def _serve(self, index: str) -> str:
        """Starts a server, and returns its address."""
        server = subprocess.Popen(
            [os.path.join(_BIN, "vitrine-server"), f"--index={index}", "--listen=127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

        def stop() -> None:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)
        self.addCleanup(stop)
        said = []
        for line in server.stdout:
            said.append(line)
            if "listening on" in line:
                return line.split("listening on")[1].split()[0].rstrip(",;.")
        self.fail("the server ended: " + "".join(said))

    def test_is_trained_exported_indexed_asked_and_measured(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        def path(name: str) -> str:
            return os.path.join(folder.name, name)

        self._program("vitrine", "sample", f"--out={path('sample')}", f"--products={_PRODUCTS}",
                      "--seed=7")
        photos = catalog.read(path("sample"))
        self.assertGreaterEqual(len(photos), _PRODUCTS)

        said = self._run(sys.executable, "-m", "vitrine_models", "train", "--catalog",
                         path("sample"), "--arch", "autoencoder", "--init", "random",
                         "--label", "articleType", "--label", "baseColour", "--loss", "classify",
                         "--loss", "remember", "--epochs", "1", "--size", "64", "--eval-size",
                         "96", "--batch", "32", "--out", path("trained.pt"))
        self.assertIn("epoch 1  validation_p10", said)
        _, card = bundle.load(path("trained.pt"))
        self.assertEqual(card.name, "vitrine-autoencoder")

        self._program("vitrine-indexer", f"--catalog={path('sample')}", f"--index={path('index')}",
                      f"--model={path('trained.pt')}", "--once")
        server = self._serve(path("index"))
        for photo in photos[:3]:
            answer = json.loads(self._program("vitrine", "search", f"--server={server}",
                                              f"--image={photo.path}", "--k=5", "--format=json"))
            self.assertEqual(answer["hits"][0]["product_id"], photo.product_id)
            self.assertGreaterEqual(answer["hits"][0]["score"], 0.998)

        self._program("vitrine", "eval", f"--catalog={path('sample')}",
                      f"--model={path('trained.pt')}", "--label=articleType", "--k=5",
                      "--views=0", "--no-speed", f"--report={path('report')}")
        with open(path("report/metrics.csv"), newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        self.assertEqual({row["blocks"] for row in rows} - {""}, {"shape", "colour", "all"})
        self.assertTrue(any(float(row["value"] or 0) > 0 for row in rows
                            if row["measure"] == "precision"), rows[:3])


if __name__ == "__main__":
    unittest.main()
