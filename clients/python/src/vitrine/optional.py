"""Packages that are loaded when they are needed, and not before."""

from __future__ import annotations

import importlib
from typing import Any

from vitrine.errors import MissingDependency


def load(module: str, extra: str) -> Any:
    """The module; MissingDependency where it is not installed, with what to do."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = {"PIL": "Pillow"}.get(module.split(".")[0], module.split(".")[0])
        raise MissingDependency(
            f"this needs {package}, which is not there ({error}): pip install 'vitrine[{extra}]', "
            f"or apt install python3-{module.split('.')[0].lower()}",
            code="FAILED_PRECONDITION") from error
