"""Figures of fill in the blank, by hand."""

import unittest

import numpy as np

from vitrine_models import blank_filling as blank
from vitrine_models import linear_complements as linear
from vitrine_models.bundle import Block


def _catalogue(count, dim=4):
    vectors = np.random.default_rng(1).standard_normal((count, dim)).astype(np.float32)
    slots = ["top" if i % 2 else "shoes" for i in range(count)]
    return linear.Catalogue([str(i) for i in range(count)], [f"{slot}s" for slot in slots], slots,
                            vectors)


class BlankFillingTest(unittest.TestCase):

    def test_figures_are_those_of_a_hand_worked_example(self):
        asked = blank.Questions(np.array([0, 0, 1]), np.zeros((3, 4), np.int64))
        scores = np.array([[3., 1, 0, 0], [0, 1, 0, 0], [2, 2, 2, 0]])
        found = blank.figures(asked, lambda *_: scores)
        # Right, wrong, and one of three that tie.
        self.assertAlmostEqual(found.filled.value, 4 / 9)
        right, wrong = scores[:, 0], scores[:, 1:].ravel()
        by_hand = np.mean([(a > b) + (a == b) / 2 for a in right for b in wrong])
        self.assertAlmostEqual(found.auc.value, by_hand)
        self.assertGreater(found.filled.error, 0)

    def test_equal_scores_are_as_good_as_lots(self):
        asked = blank.Questions(np.arange(50), np.zeros((50, 4), np.int64))
        found = blank.figures(asked, lambda *_: np.zeros((50, 4)))
        self.assertEqual((found.filled.value, found.auc.value), (0.25, 0.5))

    def test_products_that_are_asked_for_are_in_no_pair_of_the_fit(self):
        catalogue = _catalogue(400)
        rows = np.random.default_rng(3).integers(400, size=(3000, 2))
        pairs = linear.both_ways(catalogue, rows, np.ones(len(rows)))
        train, test, held = blank.hold_out(catalogue, pairs, 0.25, seed=1)
        self.assertFalse(held[train.rows].any())
        self.assertTrue(held[test.rows].all())
        self.assertGreater(len(test.rows), 50)

        asked = blank.questions(catalogue, test, held, seed=1)
        partners = {(int(a), int(b)) for a, b in pairs.rows}
        for product, candidates in zip(asked.products, asked.candidates):
            self.assertIn((product, candidates[0]), partners)
            self.assertEqual(len(set(candidates)), 4)
            self.assertEqual(len({catalogue.categories[row] for row in candidates}), 1)
            for wrong in candidates[1:]:
                self.assertNotIn((product, wrong), partners)
                self.assertTrue(held[wrong])

    def test_there_is_no_question_without_others_of_the_kind(self):
        catalogue = _catalogue(6)
        pairs = linear.both_ways(catalogue, np.array([[0, 1]]), np.ones(1))
        asked = blank.questions(catalogue, pairs, np.ones(6, bool), seed=1)
        self.assertEqual(asked.candidates.shape, (0, 4))

    def test_what_was_learned_scores_as_the_server_orders(self):
        catalogue = _catalogue(40)
        one = linear.Projection(1, np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)[::-1],
                                np.zeros(4, np.float32))
        score = blank.learned(catalogue, {("", "top", "shoes"): one})
        found = score(np.array([1]), np.array([[0, 2, 4, 6]]))[0]
        query = catalogue.vectors[1][::-1]
        self.assertEqual(np.argsort(found).tolist(),
                         np.argsort(catalogue.vectors[[0, 2, 4, 6]] @ query).tolist())
        # Another slot has none.
        self.assertEqual(score(np.array([0]), np.array([[1, 3, 5, 7]])).tolist(), [[0, 0, 0, 0]])

    def test_the_rule_gives_colour_three_fifths(self):
        emphasis = blank.rule_emphasis([Block("shape", 2, 0.8), Block("colour", 1, 0.2)])
        np.testing.assert_allclose(emphasis, [0.5, 0.5, 3])
        self.assertEqual(blank.rule_emphasis([Block("all", 2, 1.0)]).tolist(), [1, 1])


if __name__ == "__main__":
    unittest.main()
