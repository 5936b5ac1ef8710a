"""How the package is built: of a source distribution alone, and what it says without protoc."""

import glob
import importlib.util
import os
import subprocess
import sys
import unittest
from unittest import mock

from tests import programs

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_HAS_TOOLS = all(importlib.util.find_spec(name) for name in ("pip", "setuptools", "wheel"))


def _stubs():
    spec = importlib.util.spec_from_file_location(
        "stubs", os.path.join(_FOLDER, "build_support", "stubs.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@unittest.skipUnless(_stubs()._working_compiler()[0], "there is no protobuf compiler")
class Stubs(unittest.TestCase):

    @unittest.skipUnless(_HAS_TOOLS, "there is no pip, setuptools or wheel")
    def test_a_source_distribution_is_enough_for_a_wheel(self):
        folder = programs.scratch(self)

        def run(*command: str, cwd: str = _FOLDER) -> None:
            done = subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        run("setup.py", "-q", "egg_info", f"--egg-base={folder}", "sdist",
            f"--dist-dir={folder}")
        (archive,) = glob.glob(os.path.join(folder, "*.tar.gz"))
        run("-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation",
            f"--wheel-dir={folder}", archive, cwd=folder)
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        said = subprocess.run(
            [sys.executable, "-c",
             "import vitrine; from vitrine.v1 import catalog_pb2; print(vitrine.__file__); "
             "vitrine.Client('localhost:1', balance=True).close()"],
            cwd=folder, env={**os.environ, "PYTHONPATH": wheel}, capture_output=True, text=True,
            check=False)
        self.assertEqual(said.stdout.strip(), os.path.join(wheel, "vitrine", "__init__.py"),
                         said.stderr)

    def test_hold_no_version_of_the_compiler(self):
        folder = programs.scratch(self)
        _stubs().generate(folder)
        modules = glob.glob(os.path.join(folder, "vitrine", "*", "*_pb2.py"))
        self.assertEqual(len(modules), 4)
        for module in modules:
            with open(module, encoding="utf-8") as file:
                self.assertNotIn("runtime_version", file.read())


class NoCompiler(unittest.TestCase):

    def test_asks_for_one_and_says_which(self):
        stubs = _stubs()
        with mock.patch.object(stubs, "_compilers", return_value=[["/nope/protoc"], ["false"]]):
            self.assertEqual(stubs.requirements(), ["grpcio-tools"])
            with self.assertRaisesRegex(SystemExit, "protobuf-compiler(.|\n)*/nope/protoc"):
                stubs.generate(programs.scratch(self))


if __name__ == "__main__":
    unittest.main()
