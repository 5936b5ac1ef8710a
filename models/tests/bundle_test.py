"""The shipped bundle, and the bundle format."""

import json
import os
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch
from torch import nn

from vitrine_models import bundle

SHIPPED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                       "vitrine-lite0.pt")


def _noise(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(count, 3, 16, 16, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(256, 256), mode="bilinear")
    return (smooth * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


class ShippedBundle(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.module, cls.card = bundle.load(SHIPPED)

    def _embed(self, pictures: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.module(pictures).clone()

    def test_is_at_most_10_mb(self):
        self.assertLessEqual(os.path.getsize(SHIPPED), 10_000_000)

    def test_card_names_two_blocks(self):
        self.card.validate()
        self.assertEqual([(b.name, b.dim) for b in self.card.blocks],
                         [("shape", 384), ("colour", 128)])
        self.assertEqual(self.card.licence, "Apache-2.0")

    def test_returns_float32_rows(self):
        vectors = self._embed(_noise(3))
        self.assertEqual((tuple(vectors.shape), vectors.dtype), ((3, 512), torch.float32))

    def test_is_finite_and_not_tiny_on_constant_pictures(self):
        colours = [(v, v, v) for v in (0, 1, 127, 254, 255)]
        colours += [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (12, 34, 56)]
        pictures = torch.tensor(colours, dtype=torch.uint8)[:, None, None].expand(-1, 256, 256, 3)
        vectors = self._embed(pictures.contiguous())
        self.assertTrue(torch.isfinite(vectors).all())
        start = 0
        typical = self._embed(_noise(8))
        for block in self.card.blocks:
            columns = slice(start, start + block.dim)
            start += block.dim
            shortest = vectors[:, columns].norm(dim=1).min()
            self.assertGreater(shortest, 0.05 * typical[:, columns].norm(dim=1).mean())

    def test_row_does_not_depend_on_its_batch(self):
        pictures = _noise(5)
        together = self._embed(pictures)
        for i in range(len(pictures)):
            alone = self._embed(pictures[i:i + 1])[0]
            self.assertLess((alone - together[i]).abs().max().item(), 1e-4)

    def test_is_deterministic(self):
        pictures = _noise(2)
        self.assertTrue(torch.equal(self._embed(pictures), self._embed(pictures)))

    def test_frozen_graph_computes_in_float32_alone(self):
        """Loading as the daemons do leaves no cast of a weight to be done at each call."""
        for cast in self.module.graph.findAllNodes("aten::to"):
            self.assertNotEqual(next(cast.inputs()).node().kind(), "prim::Constant")
        self.assertNotIn("Half", str(self.module.graph))


class Format(unittest.TestCase):

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.path = os.path.join(self._folder.name, "m.pt")

    def _card(self, **changes) -> bundle.Card:
        fields = dict(name="n", version="1", input_size=256, resize="squash",
                      blocks=[bundle.Block("shape", 64, 1.0)], precision="float32", origin="o",
                      licence="l", trained_on="t")
        fields.update(changes)
        return bundle.Card(**fields)

    class Mean(nn.Module):

        def __init__(self, dim: int = 64):
            super().__init__()
            self.linear = nn.Linear(3, dim)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x.float().mean((1, 2)))

    def test_round_trip_keeps_module_and_card(self):
        module = self.Mean().eval()
        bundle.save(module, self._card(), self.path)
        loaded, card = bundle.load(self.path)
        self.assertEqual(card, self._card())
        x = _noise(2)
        with torch.no_grad():
            np.testing.assert_allclose(loaded(x).numpy(), module(x).numpy(), rtol=1e-5, atol=1e-4)

    class Attention(nn.Module):

        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(64, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = x.float().mean(3)[:, ::16, ::4] / 255.0
            return self.attend(tokens, tokens, tokens, need_weights=False)[0].mean(1)

    def test_attention_is_written_in_operators_of_1_13(self):
        """A newer PyTorch has an operator for it, which LibTorch 1.13 does not know."""
        module = self.Attention().eval()
        bundle.save(module, self._card(), self.path)
        loaded, _ = bundle.load(self.path)
        self.assertNotIn("scaled_dot_product_attention", str(torch.jit.load(self.path).inlined_graph))
        x = _noise(2)
        with torch.inference_mode():
            np.testing.assert_allclose(loaded(x).numpy(), module(x).numpy(), rtol=1e-4, atol=1e-4)

    class FirstOfMany(Mean):

        def __init__(self):
            super().__init__(64 * 1024)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x.float().mean((1, 2)))[:, :64]

    def test_numbers_that_half_precision_would_lose_keep_theirs(self):
        for scale in (1e9, 1e-9):
            module = self.FirstOfMany()
            with torch.no_grad():
                module.linear.weight.mul_(scale)
                module.linear.bias.zero_()
            bundle.save(module, self._card(), self.path)
            x = _noise(2)
            with torch.inference_mode():
                torch.testing.assert_close(bundle.load(self.path)[0](x), module(x), rtol=1e-4,
                                           atol=0)

    def test_what_is_rounded_before_comes_back_to_the_bit(self):
        module = self.FirstOfMany()
        x = _noise(2)
        with torch.inference_mode():
            before = module(x)
            bundle.round_as_stored(module)
            rounded = module(x)
            bundle.save(module, self._card(), self.path)
            self.assertTrue(torch.equal(bundle.load(self.path)[0](x), rounded))
        self.assertFalse(torch.equal(before, rounded))

    def test_refuses_weights_that_are_not_finite(self):
        module = self.Mean()
        with torch.no_grad():
            module.linear.bias[3] = float("nan")
        with self.assertRaisesRegex(ValueError, "the weight linear.bias"):
            bundle.save(module, self._card(), self.path)
        self.assertFalse(os.path.exists(self.path))

    def test_refuses_a_file_that_returns_numbers_that_are_not_finite(self):
        module = self.Mean()
        with torch.no_grad():
            module.linear.bias[3] = float("inf")
        torch.jit.script(module).save(self.path, _extra_files={"card.json": self._card().to_json()})
        with self.assertRaisesRegex(ValueError, "not finite"):
            bundle.load(self.path)

    def test_large_weights_take_half_the_room(self):
        bundle.save(self.FirstOfMany(), self._card(), self.path)
        # 3 * 65536 weights and 65536 biases of 2 bytes, and a little frame.
        self.assertLess(os.path.getsize(self.path), 2 * 4 * 65536 + 20000)
        vectors = bundle.load(self.path)[0](_noise(1))
        self.assertEqual(vectors.dtype, torch.float32)

    def test_same_module_gives_the_same_bytes(self):
        module = self.Mean()
        bundle.save(module, self._card(), self.path)
        other = os.path.join(self._folder.name, "other.pt")
        bundle.save(module, self._card(), other)
        with open(self.path, "rb") as a, open(other, "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_refuses_a_file_without_a_card(self):
        torch.jit.script(self.Mean()).save(self.path)
        with self.assertRaisesRegex(ValueError, "card.json"):
            bundle.load(self.path)

    def test_refuses_a_module_of_another_width(self):
        bundle.save(self.Mean(128), self._card(), self.path)
        with self.assertRaisesRegex(ValueError, r"\(1, 128\)"):
            bundle.load(self.path)

    def test_refuses_a_bad_card(self):
        blocks = [bundle.Block("shape", 64, 0.5), bundle.Block("colour", 64, 0.4)]
        for changes, message in (
                (dict(input_size=224), "224"),
                (dict(resize="stretch"), "stretch"),
                (dict(blocks=[bundle.Block("shape", 100, 1.0)]), "100"),
                (dict(blocks=blocks), "0.9"),
                (dict(blocks=[]), "no block"),
                (dict(blocks=[bundle.Block("shape", 4160, 1.0)]), "4096 is the most"),
                (dict(precision="float16"), "float16")):
            with self.assertRaisesRegex(ValueError, message):
                self._card(**changes).validate()

    def test_refuses_a_card_with_a_field_missing(self):
        fields = json.loads(self._card().to_json())
        del fields["licence"]
        with self.assertRaisesRegex(ValueError, "licence"):
            bundle.Card.from_json(json.dumps(fields))

    def test_refuses_a_card_whose_fields_are_of_another_kind(self):
        fields = json.loads(self._card().to_json())
        for change, message in (({"input_size": "256"}, "input_size is '256'; it must be a whole"),
                                ({"licence": None}, "licence is None; it must be a text"),
                                ({"blocks": 3}, "blocks must be a list of objects"),
                                ({"blocks": [{"name": "shape", "dim": 64.9, "weight": 1}]},
                                 "with a name, a dim and a weight"),
                                ({"blocks": [{"name": "", "dim": 64, "weight": 1}]},
                                 "a block has no name"),
                                ({"blocks": [{"name": "shape"}]}, "with a name, a dim and a weight")):
            with self.subTest(change), self.assertRaisesRegex(ValueError, message):
                bundle.Card.from_json(json.dumps({**fields, **change}))
        with self.assertRaisesRegex(ValueError, "a JSON list, not an object"):
            bundle.Card.from_json("[]")

    def test_refuses_a_file_that_is_no_torchscript_by_name_and_remedy(self):
        torch.save({"weight": torch.zeros(2)}, self.path)
        with self.assertRaisesRegex(ValueError, f"{self.path} is no bundle.* export` makes one"):
            bundle.load(self.path)
        with self.assertRaisesRegex(ValueError, "/no/such.pt is not there"):
            bundle.load("/no/such.pt")

    def test_refuses_a_module_that_fails_or_returns_no_tensor(self):
        class Pair(torch.nn.Module):
            def forward(self, x: torch.Tensor):
                return x, x

        class Product(torch.nn.Module):
            def forward(self, x: torch.Tensor):
                return torch.mm(x.float().flatten(1), torch.ones(7, 7))

        for module, message in ((Pair(), "returns a tuple, not a tensor"),
                                (Product(), "fails on uint8")):
            torch.jit.script(module.eval()).save(self.path,
                                                 _extra_files={"card.json": self._card().to_json()})
            with self.subTest(message), self.assertRaisesRegex(ValueError,
                                                               f"{self.path} {message}"):
                bundle.load(self.path)

    def test_a_file_that_fails_its_check_is_not_kept(self):
        bundle.save(self.Mean(), self._card(), self.path)
        with open(self.path, "rb") as data:
            former = data.read()

        def check(path):
            self.assertNotEqual(path, self.path)
            raise RuntimeError("no")
        with self.assertRaisesRegex(RuntimeError, "no"):
            bundle.save(self.Mean(), self._card(), self.path, check)
        with open(self.path, "rb") as data:
            self.assertEqual(data.read(), former)
        self.assertEqual(os.listdir(self._folder.name), [os.path.basename(self.path)])

    def test_names_an_operator_that_libtorch_1_13_has_not(self):
        newer = mock.Mock(inlined_graph="%3 = aten::_upsample_lanczos2d_aa(%1, %2)")
        self.assertEqual(bundle.newer_operator(newer), "aten::_upsample_lanczos2d_aa")
        self.assertIsNone(bundle.newer_operator(torch.jit.script(self.Mean())))


if __name__ == "__main__":
    unittest.main()
