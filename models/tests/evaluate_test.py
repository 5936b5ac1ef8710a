"""Figures against hand-worked examples."""

import unittest

import numpy as np

from vitrine_models import bundle, evaluate, projection


class Retrieval(unittest.TestCase):

    def test_equals_the_hand_worked_example(self):
        # One query; by similarity: right, wrong, right, wrong; two relevant in all.
        queries = np.array([[1.0, 0.0]])
        gallery = np.array([[0.9, 0.0], [0.8, 0.0], [0.7, 0.0], [0.1, 0.0]])
        labels = np.array(["a", "b", "a", "b"])
        groups = np.array(["1", "2", "3", "4"])
        got = evaluate.retrieval(queries, gallery, np.array(["a"]), labels, np.array(["0"]), groups,
                                 k=3)
        self.assertAlmostEqual(got.precision, 2 / 3)
        # Precision 1 at the first, 2/3 at the third, over min(3, 2) relevant.
        self.assertAlmostEqual(got.mean_average_precision, (1 + 2 / 3) / 2)

    def test_never_counts_the_querys_own_group(self):
        vectors = np.eye(3)[[0, 0, 1]]
        labels = np.array(["a", "a", "a"])
        groups = np.array(["x", "x", "y"])
        got = evaluate.retrieval(vectors[:1], vectors, labels[:1], labels, groups[:1], groups, k=2)
        # Of two answers only the third row may come; the other place counts as wrong.
        self.assertAlmostEqual(got.precision, 1 / 2)
        self.assertAlmostEqual(got.mean_average_precision, 1.0)

    def test_counts_lacking_answers_as_wrong(self):
        vectors = np.eye(2)
        labels = np.array(["a", "a"])
        groups = np.array(["x", "y"])
        got = evaluate.retrieval(vectors, vectors, labels, labels, groups, groups, k=10)
        self.assertAlmostEqual(got.precision, 1 / 10)

    def test_scales_blocks_to_their_weights(self):
        blocks = [bundle.Block("a", 2, 0.8), bundle.Block("b", 1, 0.2)]
        got = evaluate.scaled(np.array([[3.0, 4.0, -7.0]]), blocks)
        np.testing.assert_allclose(got, [[0.6 * 0.8 ** 0.5, 0.8 * 0.8 ** 0.5, -(0.2 ** 0.5)]])

    def test_a_classifier_tells_what_the_vectors_hold_and_no_more(self):
        random = np.random.default_rng(5)
        labels = np.array(["a", "b", "c"] * 60)
        telling = np.eye(3)[np.tile([0, 1, 2], 60)] + random.normal(0, 0.1, (180, 3))
        silent = random.normal(0, 1, (180, 3))
        def accuracy(vectors):
            return evaluate.classifier_accuracy(vectors[:120], labels[:120], vectors[120:],
                                                labels[120:])
        self.assertEqual(accuracy(telling), 1.0)
        self.assertLess(accuracy(silent), 0.6)

    def test_self_retrieval_is_the_share_that_finds_itself(self):
        gallery = np.eye(3)
        views = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]])
        self.assertEqual(evaluate.self_retrieval(views, gallery, [0, 1]), 0.5)


class Projection(unittest.TestCase):

    def test_favours_what_tells_classes_apart(self):
        random = np.random.default_rng(3)
        # Number 0 tells the classes apart; number 1 varies more, and says nothing.
        labels = np.array(["a", "b"] * 100)
        features = random.normal(0, 1, (200, 6)) * [0.3, 5, 0.1, 0.1, 0.1, 0.1]
        features[:, 0] += np.where(labels == "a", 1.0, -1.0)
        linear = projection.discriminant(features.astype(np.float32), labels, np.ones(200, bool), 2,
                                         0.1, 4.0)
        out = features @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
        np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
        unit = out / np.linalg.norm(out, axis=1, keepdims=True)
        same = labels[:, None] == labels[None]
        cosine = unit @ unit.T
        self.assertGreater(cosine[same].mean() - cosine[~same].mean(), 1.0)

    def test_refuses_a_single_class(self):
        with self.assertRaisesRegex(ValueError, "two classes"):
            projection.discriminant(np.eye(4, dtype=np.float32), np.array(["a"] * 4),
                                    np.ones(4, bool), 2)

    def test_a_pca_keeps_dot_products_and_spreads_them_over_all_numbers(self):
        random = np.random.default_rng(4)
        features = (random.normal(0, 1, (300, 64)) * np.geomspace(10, 0.1, 64)).astype(np.float32)
        linear = projection.pca(features, 64)
        out = features @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
        centred = features - features.mean(0)
        ratio = (out ** 2).sum() / (centred ** 2).sum()
        # The map is rounded to half precision: 11 bits.
        np.testing.assert_allclose(out @ out.T, ratio * (centred @ centred.T), atol=3e-3)
        self.assertGreater(np.ptp(centred.std(0)), 9.0)
        spread = out.std(0)
        self.assertLess(spread.max() / spread.min(), 5.0)


if __name__ == "__main__":
    unittest.main()
