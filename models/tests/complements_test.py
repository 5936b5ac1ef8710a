"""From a listing of products and pairs to a file, without a server."""

import argparse
import contextlib
import hashlib
import io
import types
import unittest

import numpy as np

from vitrine_models import complements, linear_complements as linear, pairs
from vitrine_models.bundle import Block

try:
    from vitrine.v1 import complements_pb2
except ImportError:
    complements_pb2 = None

_BLOCKS = [Block("shape", 4, 0.8), Block("colour", 4, 0.2)]


def _catalogue(count):
    """Shoes' colour is the opposite of the top's that goes with it: product i with i + 1."""
    draw = np.random.default_rng(1)
    vectors = draw.standard_normal((count, 8)).astype(np.float32)
    vectors[1::2, 4:] = -vectors[::2, 4:]
    for start, weight in ((0, 0.8), (4, 0.2)):
        part = vectors[:, start:start + 4]
        part *= np.sqrt(weight) / np.linalg.norm(part, axis=1, keepdims=True)
    slots = ["shoes" if i % 2 else "top" for i in range(count)]
    return linear.Catalogue([f"p{i}" for i in range(count)], slots, slots, vectors)


class _Client:
    """What a server tells, in the client's own shapes."""

    def __init__(self, products, models=("m" * 64,)):
        self.products, self.models = products, list(models)

    def describe(self):
        model = types.SimpleNamespace(
            id=self.models.pop(0) if len(self.models) > 1 else self.models[0], blocks=_BLOCKS)
        return types.SimpleNamespace(proto=types.SimpleNamespace(
            categories=[types.SimpleNamespace(category="Shirts", slot="top")], model=model, dim=8,
            products=len(self.products)))

    def list_products(self, vectors):
        assert vectors
        return iter(self.products)


def _product(product_id, category, *vectors):
    return types.SimpleNamespace(product_id=product_id, category=category,
                                 images=[types.SimpleNamespace(vector=vector) for vector in vectors])


class ComplementsTest(unittest.TestCase):

    def test_takes_products_as_the_server_asks_for_them(self):
        a, b = np.zeros(8, np.float32), np.zeros(8, np.float32)
        a[0] = b[1] = 0.8 ** 0.5
        a[4] = b[4] = 0.2 ** 0.5
        with contextlib.redirect_stderr(io.StringIO()):
            catalogue, model, _ = complements.from_server(_Client([
                _product("1", "Shirts", a), _product("2", "Shirts", a, b), _product("3", "Perfume", b),
                _product("4", "Shirts")]))
        self.assertEqual(catalogue.ids, ["1", "2", "3"])
        self.assertEqual(catalogue.slots, ["top", "top", ""])
        np.testing.assert_allclose(catalogue.vectors[1, :2], [0.4 ** 0.5, 0.4 ** 0.5], rtol=1e-6)
        self.assertAlmostEqual(float(catalogue.vectors[1, 4]), 0.2 ** 0.5, places=6)
        self.assertEqual(model, "m" * 64)

    def test_a_change_of_model_under_way_is_noticed(self):
        with contextlib.redirect_stderr(io.StringIO()), \
                self.assertRaisesRegex(ValueError, "another model"):
            complements.from_server(_Client([_product("1", "Shirts", np.ones(8, np.float32))],
                                            ["a" * 64, "b" * 64]))

    def test_says_which_products_are_not_there(self):
        catalogue = _catalogue(4)
        listed = [pairs.Pair("p0", "p1", 1.0, 2), pairs.Pair("p2", "p9", 1.0, 3)]
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            found = complements.known_pairs(catalogue, listed, "pairs.csv")
        self.assertEqual(found.rows.tolist(), [[0, 1], [1, 0]])
        self.assertIn("1 of 2 pairs", said.getvalue())
        self.assertIn("pairs.csv:3: 'p9'", said.getvalue())
        with self.assertRaisesRegex(ValueError, "pairs.csv:3: 'p9'"):
            complements.known_pairs(catalogue, listed[1:], "pairs.csv")
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaisesRegex(ValueError, "two slots"):
            complements.known_pairs(catalogue, [pairs.Pair("p0", "p2", 1.0, 2)], "pairs.csv")

    def test_beats_its_opponents_where_there_is_something_to_learn(self):
        catalogue = _catalogue(2000)
        rows = np.arange(2000).reshape(-1, 2)
        # Each top goes with some more shoes of nearly the same colour.
        cosines = catalogue.vectors[::2, 4:] @ catalogue.vectors[1::2, 4:].T
        more = np.argsort(cosines, axis=1)[:, :8] * 2 + 1
        rows = np.stack([np.repeat(rows[:, 0], 8), more.ravel()], 1)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            figures = complements.evaluate(
                catalogue, linear.both_ways(catalogue, rows, np.ones(len(rows))), _BLOCKS,
                linear.Settings(rank=8), 0.25, 1)
        for name in ("nearest neighbour", "the server's rule", "random"):
            for one in ("filled", "auc"):
                learned, other = getattr(figures["learned"], one), getattr(figures[name], one)
                self.assertGreater(learned.value - 3 * learned.error, other.value, (name, one))
        self.assertIn("fill in the blank", said.getvalue())

    @unittest.skipIf(complements_pb2 is None, "the Python package vitrine is not installed")
    def test_writes_what_the_protocol_says(self):
        one = linear.Projection(7, np.arange(16, dtype=np.float32).reshape(2, 8),
                                np.arange(16, dtype=np.float32).reshape(8, 2),
                                np.ones(8, np.float32))
        content = complements.serialised("a" * 64, _BLOCKS, {("", "top", "shoes"): one})
        file = complements_pb2.ComplementsFile.FromString(content)
        self.assertEqual(file.sha256, hashlib.sha256(file.complements).digest())
        message = complements_pb2.Complements.FromString(file.complements)
        self.assertEqual((message.version, message.model), (1, "a" * 64))
        self.assertEqual([(block.name, block.dim) for block in message.blocks],
                         [("shape", 4), ("colour", 4)])
        projection = message.projections[0]
        self.assertEqual((projection.category, projection.slot, projection.to_slot, projection.pairs,
                          projection.rank), ("", "top", "shoes", 7, 2))
        # Row by row.
        self.assertEqual(list(projection.right)[:9], list(range(9)))
        self.assertEqual(list(projection.left)[:3], [0, 1, 2])

    def test_wrong_flags_are_refused(self):
        parser = argparse.ArgumentParser()
        complements.add_arguments(parser)
        for flag, value in (("--rank", "0"), ("--rank", "513"), ("--ridge", "0"), ("--ridge", "nan"),
                            ("--held-out", "1"), ("--min-pairs", "1")):
            args = parser.parse_args(["--pairs=p", "--out=o", f"{flag}={value}"])
            with self.assertRaisesRegex(ValueError, flag):
                complements.complements(args)


if __name__ == "__main__":
    unittest.main()
