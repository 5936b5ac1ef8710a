"""Puts the stubs of the protocol, which are made of the proto files, into what is built."""

import os
import shutil
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, "build_support"))
import stubs  # noqa: E402


class BuildPy(build_py):

    def run(self) -> None:
        super().run()
        # What is installed to be edited is read where it lies.
        stubs.generate(os.path.join(_HERE, "src") if getattr(self, "editable_mode", False)
                       else self.build_lib)


class Sdist(sdist):

    def make_release_tree(self, base_dir: str, files: "list[str]") -> None:
        super().make_release_tree(base_dir, files)
        for name in (*stubs.PROTOS, stubs.SERVICE_CONFIG):
            target = os.path.join(base_dir, "proto", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(stubs.proto_root(), name), target)
        licence = os.path.join(_HERE, "..", "..", "LICENSE")
        if os.path.isfile(licence):
            shutil.copyfile(licence, os.path.join(base_dir, "LICENSE"))


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
