"""Modules of other people: what is taken, and what is refused with which words."""

import os
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch
from torch import nn

from tests import vision_transformer
from vitrine_models import bundle, image, modules

_HALF = (0.5, 0.5, 0.5)


class _Untyped(nn.Module):
    """Plain Python that TorchScript does not compile."""

    def __init__(self, answer):
        super().__init__()
        self.linear = nn.Linear(3, 100)
        self.answer = answer

    def forward(self, x, **unused):
        return self.answer(self.linear(x.mean((2, 3))))


def traced():
    return _Untyped(lambda y: y)


def tuple_of_two():
    return _Untyped(lambda y: (y, y))


def tokens():
    return _Untyped(lambda y: y[:, None])


def one_vector_for_all():
    return _Untyped(lambda y: y.mean(0, keepdim=True))


def mixes_its_batch():
    return _Untyped(lambda y: y - y.mean(0))


def not_finite():
    module = traced()
    with torch.no_grad():
        module.linear.weight[2, 1] = float("nan")
    return module


def divides_by_zero():
    return _Untyped(lambda y: y / 0)


def takes_64_pixels():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 64))


def double():
    return _Untyped(lambda y: y.double())


def fails():
    raise IndexError("no weights")


class Enlarges(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(x, size=(8, 8), mode="bilinear").flatten(1)


def no_module():
    return "no module"


def _load(name: str, size: int = 32) -> nn.Module:
    return modules.load(name if ":" in name else f"tests.modules_test:{name}", size, _HALF, _HALF)


class Load(unittest.TestCase):

    def _pixels(self, count: int) -> torch.Tensor:
        return torch.rand(count, 3, 256, 256, generator=torch.Generator().manual_seed(2)) * 255

    def test_a_vision_transformer_sees_the_engines_resize(self):
        network = _load("tests.vision_transformer:create")
        self.assertEqual(network.width, vision_transformer.WIDTH)
        pixels = self._pixels(2).round()
        small = np.stack([image.resize_area(x.permute(1, 2, 0).numpy().astype(np.uint8), 32, 32)
                          for x in pixels])
        small = torch.from_numpy(small).permute(0, 3, 1, 2) / 255.0
        with torch.inference_mode():
            # The engine rounds to whole pixels, which the network's input does not.
            torch.testing.assert_close(network(pixels),
                                       vision_transformer.create().eval()((small - 0.5) / 0.5),
                                       rtol=0.02, atol=0.05)

    def test_at_256_pixels_nothing_is_resized(self):
        network = _load("traced", 256)
        with torch.inference_mode():
            torch.testing.assert_close(network(self._pixels(2)),
                                       network.module((self._pixels(2) / 255 - 0.5) / 0.5))

    def test_what_cannot_be_scripted_is_traced_for_any_number_of_pictures(self):
        network = _load("traced")
        self.assertIsInstance(network.module, torch.jit.ScriptModule)
        self.assertEqual(network.width, 100)
        with torch.inference_mode():
            for count in (1, 5):
                self.assertEqual(tuple(network(self._pixels(count)).shape), (count, 100))

    def test_names_no_operator_that_libtorch_1_13_has_not(self):
        network = _load("Enlarges")
        self.assertIsNone(bundle.newer_operator(bundle.script(network)))
        self.assertEqual(network.width, 192)

    def test_refuses_by_name_and_remedy(self):
        for name, message in (
                ("tuple_of_two", r"returns a tuple, not a tensor \[N, width\]; wrap it"),
                ("tokens", r"returns \(3, 1, 100\) for 3 pictures; \(3, width\) is right"),
                ("one_vector_for_all", r"returns \(1, 100\) for 3 pictures"),
                ("mixes_its_batch", "another vector for a picture alone"),
                ("not_finite", "the weight linear.weight holds numbers that are not finite"),
                ("divides_by_zero", "returns numbers that are not finite"),
                ("takes_64_pixels", r"fails on float32 \(3, 3, 32, 32\): "),
                ("no_module", r"no_module\(\) returned a str, no nn.Module"),
                ("nothing", "tests.modules_test has no nothing"),
                ("double", "returns torch.float64; torch.float32 is right"),
                ("fails", r"fails\(\) fails with a IndexError: no weights"),
                ("nowhere.at_all:create", "nowhere.at_all cannot be imported .* PYTHONPATH"),
                (":create", "package:factory is right")):
            with self.subTest(name), self.assertRaisesRegex(ValueError, message):
                _load(name)

    def test_refuses_a_package_that_is_no_python(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(sys, "path", [folder]):
            with open(os.path.join(folder, "no_python.py"), "w", encoding="utf-8") as out:
                out.write("def create(:\n")
            with self.assertRaisesRegex(ValueError, "importing no_python fails with a SyntaxError"):
                _load("no_python:create")

    def test_refuses_a_normalisation_that_is_none(self):
        for mean, std, message in (((0.5, 0.5, 127.0), _HALF, "127.0.*0 to 1"),
                                   (_HALF, (0.5, 0.0, 0.5), "above 0")):
            with self.assertRaisesRegex(ValueError, message):
                modules.load("tests.modules_test:traced", 32, mean, std)
        with self.assertRaisesRegex(ValueError, "--size is 0"):
            _load("traced", 0)


if __name__ == "__main__":
    unittest.main()
