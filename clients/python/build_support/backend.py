"""setuptools, which asks for a protobuf compiler only where there is none."""

from typing import Any, List

import stubs
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403


def get_requires_for_build_wheel(config_settings: Any = None) -> List[str]:
    return build_meta.get_requires_for_build_wheel(config_settings) + stubs.requirements()


def get_requires_for_build_editable(config_settings: Any = None) -> List[str]:
    return build_meta.get_requires_for_build_editable(config_settings) + stubs.requirements()
