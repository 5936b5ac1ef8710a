"""From a drawn catalogue and pairs by a rule to learned complements in a server's answers."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from vitrine_models import catalog

try:
    import vitrine
except ImportError:
    vitrine = None
_MODELS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PROGRAMS = ("vitrine", "vitrine-pictures", "vitrine-indexer", "vitrine-server")
try:
    _BIN = os.path.dirname(catalog._program())
except ValueError:
    _BIN = ""
_HAS_PROGRAMS = bool(_BIN) and all(os.path.isfile(os.path.join(_BIN, one)) for one in _PROGRAMS)
_PRODUCTS = 400


@unittest.skipUnless(_HAS_PROGRAMS, "the programs are not built: ./dev build")
@unittest.skipIf(vitrine is None, "the Python package vitrine is not installed")
class LearnedComplementsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, *command, status=0):
        done = subprocess.run(command, cwd=_MODELS, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, status,
                         f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def _program(self, name, *flags, status=0):
        return self._run(os.path.join(_BIN, name), *flags, status=status)

    def _models(self, *flags, status=0):
        return self._run(sys.executable, "-m", "vitrine_models", *flags, status=status)

    def _index(self, *flags, status=0):
        return self._program("vitrine-indexer", f"--catalog={self._path('sample')}",
                             f"--index={self._path('index')}", "--once", *flags, status=status)

    def _serve(self, *flags):
        """Starts a server, and returns its client."""
        server = subprocess.Popen(
            [os.path.join(_BIN, "vitrine-server"), "--listen=127.0.0.1:0", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def stop():
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)
        self.addCleanup(stop)
        said, address, serves = [], "", False
        for line in server.stdout:
            said.append(line)
            if "listening on" in line:
                address = line.split("listening on")[1].split()[0].rstrip(",;.")
            serves = serves or "serving generation" in line
            if address and serves:
                client = vitrine.Client(address)
                self.addCleanup(client.close)
                return client
        self.fail("the server ended: " + "".join(said))

    def _bases(self, answer):
        return {slot.slot: slot.basis for slot in answer.proto.complements}

    def test_are_learned_stored_served_backed_up_and_refused(self):
        self._program("vitrine", "sample", f"--out={self._path('sample')}",
                      f"--products={_PRODUCTS}", "--seed=7")
        self._models("outfits", f"--catalog={self._path('sample')}", "--pairs=1500",
                     f"--out={self._path('pairs.csv')}")
        self._index()
        client = self._serve(f"--index={self._path('index')}")
        by_rule = client.recommend(product="1")
        self.assertEqual(by_rule.proto.learned_complements, "")
        self.assertEqual(set(self._bases(by_rule).values()), {1})

        out = self._path("complements.pb")
        said = self._models("complements", f"--server={client.address}",
                            f"--pairs={self._path('pairs.csv')}", f"--out={out}")
        for expected in ("held out:", "learned", "nearest neighbour", "random", "MB, for model"):
            self.assertIn(expected, said)
        self._index(f"--complements={out}")
        digest = os.listdir(self._path("index/complements"))
        self.assertEqual(len(digest), 1)

        # The server that runs takes it up.
        while not client.recommend(product="1").proto.learned_complements:
            pass
        learned = client.recommend(product="1")
        self.assertEqual(learned.proto.learned_complements, digest[0])
        self.assertTrue(any(basis > 1 for basis in self._bases(learned).values()),
                        self._bases(learned))
        self.assertIn("sound", self._program("vitrine-indexer", f"--index={self._path('index')}",
                                             "--verify"))

        # So do a cache and a backup.
        self._program("vitrine", "backup", f"--index={self._path('index')}", self._path("backup"))
        for flags in ((f"--index={self._path('backup')}",),
                      (f"--index={self._path('index')}", f"--cache={self._path('cache')}")):
            other = self._serve(*flags).recommend(product="1")
            for slot in learned:
                self.assertEqual([hit.product_id for hit in other[slot]],
                                 [hit.product_id for hit in learned[slot]])
            self.assertEqual(self._bases(other), self._bases(learned))

        # What is of another model, cut, or no such file, is refused and changes nothing.
        with open(out, "rb") as file:
            content = file.read()
        from vitrine.v1 import complements_pb2
        foreign = complements_pb2.Complements.FromString(
            complements_pb2.ComplementsFile.FromString(content).complements)
        foreign.model = "b" * 64
        inner = foreign.SerializeToString()
        wrong = {
            "foreign": complements_pb2.ComplementsFile(
                sha256=hashlib.sha256(inner).digest(), complements=inner).SerializeToString(),
            "cut": content[:-100], "none": b"no such file",
        }
        for name, expected in (("foreign", "fitted to the vectors of model bbbb"),
                               ("cut", "is cut"), ("none", "holds no learned complements")):
            with open(self._path(name), "wb") as file:
                file.write(wrong[name])
            self.assertIn(expected, self._index(f"--complements={self._path(name)}", status=1))
        self.assertEqual(client.recommend(product="1").proto.learned_complements, digest[0])

        # Damage is found and named.
        path = self._path(os.path.join("index", "complements", digest[0]))
        with open(path, "r+b") as file:
            file.seek(1000)
            file.write(b"damage")
        self.assertIn(digest[0], self._program(
            "vitrine-indexer", f"--index={self._path('index')}", "--verify", status=1))
        self._index("--repair")
        self._index(f"--complements={out}")
        self._program("vitrine-indexer", f"--index={self._path('index')}", "--verify")
        self._index("--complements=none")
        while client.recommend(product="1").proto.learned_complements:
            pass
        self.assertEqual(set(self._bases(client.recommend(product="1")).values()), {1})


if __name__ == "__main__":
    unittest.main()
