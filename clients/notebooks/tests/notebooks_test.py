"""Each notebook runs from top to bottom against real programs, and shows pictures."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import nbclient
import nbformat
from PIL import Image

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_ROOT = os.path.dirname(os.path.dirname(_FOLDER))
_BIN = os.environ.get("VITRINE_BIN") or os.path.join(_ROOT, "build", "bin")
_NOTEBOOKS = sorted(name for name in os.listdir(_FOLDER) if name.endswith(".ipynb"))
_HAS_PROGRAMS = all(os.path.isfile(os.path.join(_BIN, name)) for name in (
    "vitrine", "vitrine-eval", "vitrine-indexer", "vitrine-pictures", "vitrine-server"))
_PHOTOS = os.path.join(os.environ.get("VITRINE_SHARED") or os.path.join(
    os.path.dirname(_ROOT), "shared"), "data", "clothing-dataset")
_SECONDS = 600  # For one cell.
_INLINE = re.compile(r'<img src="data:image/(?:jpeg|png|webp);base64,([^"]+)"')


def _read(name):
    return nbformat.read(os.path.join(_FOLDER, name), as_version=4)


def _pictures(cell):
    """The pictures that a cell shows, decoded."""
    found = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/png" in data:
            found.append(data["image/png"])
        found += _INLINE.findall(data.get("text/html", ""))
    pictures = [Image.open(io.BytesIO(base64.b64decode(content))) for content in found]
    for picture in pictures:
        picture.load()
    return pictures


def _command(process):
    """The command line of a process; empty where it has ended."""
    try:
        with open(f"/proc/{process}/cmdline", encoding="utf-8") as words:
            return words.read()
    except OSError:
        return ""


def _said(notebook):
    return "".join(output.get("text", "") for cell in notebook.cells if cell.cell_type == "code"
                   for output in cell.outputs)


@unittest.skipUnless(_HAS_PROGRAMS, "the programs are not built: ./dev build")
class Notebooks(unittest.TestCase):
    """What the notebooks make is shared, as it is by those of a person."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="vitrine-notebooks-")
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)

    def _run(self, name, **environment):
        notebook = _read(name)
        kept = {"VITRINE_NOTEBOOKS": self.home, "VITRINE_BIN": _BIN, "VITRINE_SAMPLE": "120",
                "VITRINE_EPOCHS": "1", **environment}
        variables = {**os.environ, **kept}
        for other in ("VITRINE_SERVER", "VITRINE_CATALOG"):
            if other not in environment:
                variables.pop(other, None)
        # An error in any cell is raised.
        nbclient.NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3",
                                resources={"metadata": {"path": _FOLDER}}).execute(env=variables)
        # Those that it started have ended, and taken their logs along.
        logs = os.path.join(self.home, "log")
        self.assertEqual(os.listdir(logs) if os.path.isdir(logs) else [], [])
        return notebook

    def _assert_shows(self, notebook, least, cells):
        shown = {number: _pictures(cell) for number, cell in enumerate(notebook.cells)
                 if cell.cell_type == "code"}
        pictures = [picture for found in shown.values() for picture in found]
        self.assertGreaterEqual(len(pictures), least)
        self.assertGreaterEqual(sum(bool(found) for found in shown.values()), cells)
        for picture in pictures:
            self.assertGreaterEqual(min(picture.size), 32)
            # One colour alone is no picture of anything.
            self.assertGreater(len(picture.convert("RGB").resize((32, 32)).getcolors(1024)), 8)
        for output in (one for cell in notebook.cells for one in cell.get("outputs", ())):
            self.assertNotEqual(output.get("name"), "stderr", output.get("text"))

    def test_searches(self):
        notebook = self._run("1_search.ipynb")
        self._assert_shows(notebook, 100, 10)

    def test_completes_looks(self):
        self._assert_shows(self._run("2_looks.ipynb"), 40, 5)

    def test_compares_models(self):
        self._assert_shows(self._run("3_models.ipynb"), 60, 7)

    def test_maps_the_catalogue_and_finds_its_mistakes(self):
        notebook = self._run("4_map.ipynb")
        self._assert_shows(notebook, 10, 5)
        for what in ("that were put in twice", "that were given another's label"):
            found = re.search(rf"(\d) of the 6 products {what}", _said(notebook))
            self.assertGreaterEqual(int(found[1]), 4, found[0])

    def test_trains_promotes_and_rolls_back(self):
        notebook = self._run("5_own_model.ipynb")
        self._assert_shows(notebook, 50, 4)
        self.assertIn("epoch 1", _said(notebook))

    def test_asks_a_server_that_is_there(self):
        sample = os.path.join(self.home, "other")
        index = os.path.join(self.home, "other-index")
        for command in (("vitrine", "sample", f"--out={sample}", "--products=60", "--seed=3"),
                        ("vitrine-indexer", f"--catalog={sample}", f"--index={index}", "--once")):
            subprocess.run([os.path.join(_BIN, command[0]), *command[1:]], check=True,
                           capture_output=True)
        server = subprocess.Popen(
            [os.path.join(_BIN, "vitrine-server"), f"--index={index}", "--listen=127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

        def stop():
            server.terminate()
            server.communicate(timeout=30)
        self.addCleanup(stop)
        address = server.stdout.readline().split("listening on")[1].split()[0].rstrip(",;.")
        notebook = self._run("1_search.ipynb", VITRINE_SERVER=address)
        self._assert_shows(notebook, 100, 10)
        self.assertIn("60 products", _said(notebook))
        self.assertIsNone(server.poll())  # It was not for the notebook to stop.

    @unittest.skipUnless(shutil.which("setpriv"), "there is no setpriv")
    def test_leave_no_server_where_the_kernel_is_killed(self):
        kernel = subprocess.Popen(
            [sys.executable, "-c", "import playground\nshop = playground.open_shop()\n"
             "print(shop._server.process.pid, flush=True)\ninput()"],
            cwd=_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "VITRINE_NOTEBOOKS": os.path.join(self.home, "killed"),
                 "VITRINE_BIN": _BIN, "VITRINE_SAMPLE": "6"})
        server = int(kernel.stdout.readline())
        self.assertIn("vitrine-server", _command(server))
        kernel.kill()
        kernel.communicate()
        end = time.monotonic() + 60
        while "vitrine-server" in _command(server):
            self.assertLess(time.monotonic(), end, "the server goes on")
            time.sleep(0.05)

    @unittest.skipUnless(os.path.isdir(_PHOTOS), f"there are no photos in {_PHOTOS}")
    def test_shows_real_photos(self):
        folder = os.path.join(self.home, "photos")
        os.makedirs(os.path.join(folder, "images"))
        with open(os.path.join(_PHOTOS, "images.csv"), encoding="utf-8") as table:
            head, *lines = table.read().splitlines()
        lines = lines[::max(1, len(lines) // 80)]
        with open(os.path.join(folder, "images.csv"), "w", encoding="utf-8") as table:
            table.write("\n".join([head, *lines]) + "\n")
        for line in lines:
            name = line.split(",")[0] + ".jpg"
            shutil.copyfile(os.path.join(_PHOTOS, "images", name),
                            os.path.join(folder, "images", name))
        for name, least, cells in (("1_search.ipynb", 100, 9), ("2_looks.ipynb", 20, 4)):
            with self.subTest(name):
                self._assert_shows(self._run(name, VITRINE_CATALOG=folder), least, cells)


class Kept(unittest.TestCase):

    def test_there_are_five(self):
        self.assertEqual(len(_NOTEBOOKS), 5)

    def test_outputs_are_not(self):
        for name in _NOTEBOOKS:
            with self.subTest(name):
                notebook = _read(name)
                nbformat.validate(notebook)
                for cell in notebook.cells:
                    self.assertFalse(cell.get("outputs"), "jupyter nbconvert --clear-output "
                                     f"--inplace clients/notebooks/{name}")
                    self.assertIsNone(cell.get("execution_count"))

    def test_links_lead_somewhere(self):
        for name in _NOTEBOOKS:
            text = "\n".join(cell.source for cell in _read(name).cells
                             if cell.cell_type == "markdown")
            for link in re.findall(r"\]\(([^)#]+)", text):
                self.assertTrue(os.path.exists(os.path.join(_FOLDER, link)), f"{name}: {link}")


if __name__ == "__main__":
    unittest.main()
