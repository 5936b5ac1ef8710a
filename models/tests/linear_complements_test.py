"""Projections that are known are found again, and few pairs back off."""

import unittest

import numpy as np

from vitrine_models import linear_complements as linear

_DIM = 24


def _catalogue(count, seed=1):
    """Products of three slots, two categories each, with unit vectors."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((count, _DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    slots = [("top", "shoes", "bag")[i % 3] for i in range(count)]
    categories = [f"{slot}-{i // 3 % 2}" for i, slot in enumerate(slots)]
    return linear.Catalogue([str(i) for i in range(count)], categories, slots, vectors)


def _go_with(catalogue, matrix, of, to):
    """Each product of slot `of`, with that of `to` which is nearest to matrix @ its vector."""
    slots = np.asarray(catalogue.slots)
    rows, others = np.flatnonzero(slots == of), np.flatnonzero(slots == to)
    wanted = catalogue.vectors[rows] @ matrix.T
    return np.stack([rows, others[(wanted @ catalogue.vectors[others].T).argmax(1)]], 1)


def _pairs(rows):
    return linear.Pairs(rows, np.ones(len(rows)))


def _agreement(projection, matrix, catalogue):
    """The mean cosine of what a projection foretells and matrix @ x."""
    found, wanted = projection.of(catalogue.vectors), catalogue.vectors @ matrix.T
    cosines = (found * wanted).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    return cosines.mean()


class LinearComplementsTest(unittest.TestCase):

    def setUp(self):
        draw = np.random.default_rng(5)
        self.turns = [np.linalg.qr(draw.standard_normal((_DIM, _DIM)))[0] for _ in range(2)]

    def test_finds_a_known_projection(self):
        catalogue = _catalogue(6000)
        found = linear.fit(catalogue, _pairs(_go_with(catalogue, self.turns[0], "top", "shoes")),
                           linear.Settings(rank=_DIM, ridge=0.1, prior_pairs=10))
        self.assertGreater(_agreement(found["", "top", "shoes"], self.turns[0], catalogue), 0.95)
        # Not for want of a test that could fail:
        self.assertLess(_agreement(found["", "top", "shoes"], self.turns[1], catalogue), 0.5)

    def test_a_low_rank_keeps_the_main_directions(self):
        catalogue = _catalogue(6000)
        draw = np.random.default_rng(2)
        narrow = draw.standard_normal((_DIM, 3)) @ draw.standard_normal((3, _DIM))
        found = linear.fit(catalogue, _pairs(_go_with(catalogue, narrow, "top", "shoes")),
                           linear.Settings(rank=3, ridge=0.1, prior_pairs=10))
        one = found["", "top", "shoes"]
        self.assertEqual((one.right.shape, one.left.shape), ((3, _DIM), (_DIM, 3)))
        self.assertGreater(_agreement(one, narrow, catalogue), 0.8)

    def test_each_slot_and_category_has_its_own_where_it_has_pairs_enough(self):
        catalogue = _catalogue(6000)
        rows = np.concatenate([_go_with(catalogue, self.turns[0], "top", "shoes"),
                               _go_with(catalogue, self.turns[1], "bag", "shoes")])
        found = linear.fit(catalogue, _pairs(rows),
                           linear.Settings(rank=_DIM, ridge=0.1, prior_pairs=10,
                                           min_category_pairs=500))
        self.assertEqual(set(found), {
            ("", "", "shoes"), ("", "top", "shoes"), ("", "bag", "shoes"),
            ("top-0", "top", "shoes"), ("top-1", "top", "shoes"),
            ("bag-0", "bag", "shoes"), ("bag-1", "bag", "shoes")})
        for slot, turn in (("top", self.turns[0]), ("bag", self.turns[1])):
            for key in (("", slot, "shoes"), (f"{slot}-0", slot, "shoes")):
                self.assertGreater(_agreement(found[key], turn, catalogue), 0.9, key)

    def test_backs_off(self):
        catalogue = _catalogue(6000)
        few = _go_with(catalogue, self.turns[1], "bag", "shoes")[:20]
        rows = np.concatenate([_go_with(catalogue, self.turns[0], "top", "shoes"), few])
        found = linear.fit(catalogue, _pairs(rows), linear.Settings(min_pairs=30,
                                                                    min_category_pairs=10 ** 6))
        self.assertEqual(set(found), {("", "", "shoes"), ("", "top", "shoes")})
        self.assertIs(linear.choose(found, "top-0", "top", "shoes"), found["", "top", "shoes"])
        self.assertIs(linear.choose(found, "bag-0", "bag", "shoes"), found["", "", "shoes"])
        self.assertIsNone(linear.choose(found, "top-0", "top", "bag"))

    def test_few_pairs_of_a_slot_stay_near_what_all_have(self):
        catalogue = _catalogue(6000)
        rows = np.concatenate([_go_with(catalogue, self.turns[0], "top", "shoes"),
                               _go_with(catalogue, self.turns[1], "bag", "shoes")[:40]])
        found = linear.fit(catalogue, _pairs(rows), linear.Settings(
            rank=_DIM, ridge=0.1, prior_pairs=10 ** 6, min_category_pairs=10 ** 6))
        both = [found[key].of(catalogue.vectors) for key in (("", "bag", "shoes"), ("", "", "shoes"))]
        self.assertLess(np.abs(both[0] - both[1]).max(), 0.05)

    def test_a_pair_of_weight_two_is_two_pairs(self):
        catalogue = _catalogue(300)
        rows = _go_with(catalogue, self.turns[0], "top", "shoes")
        settings = linear.Settings(rank=_DIM, prior_pairs=0.0)
        weights = np.ones(len(rows))
        weights[::2] = 2
        weighed = linear.fit(catalogue, linear.Pairs(rows, weights), settings)
        twice = linear.fit(catalogue, _pairs(np.concatenate([rows, rows[::2]])), settings)
        np.testing.assert_allclose(weighed["", "top", "shoes"].of(catalogue.vectors),
                                   twice["", "top", "shoes"].of(catalogue.vectors), atol=1e-4)

    def test_pairs_within_a_slot_or_without_one_are_left_out(self):
        catalogue = _catalogue(12)
        catalogue.slots[1] = ""
        pairs = linear.both_ways(catalogue, np.array([[0, 3], [0, 1], [0, 2]]), np.array([1., 2., 3.]))
        self.assertEqual(pairs.rows.tolist(), [[0, 2], [2, 0]])
        self.assertEqual(pairs.weights.tolist(), [3, 3])


if __name__ == "__main__":
    unittest.main()
