"""The losses against values worked by hand, and what each must leave alone."""

import math
import unittest

import torch

from vitrine_models import losses

M = losses.MISSING


class ClassifyTest(unittest.TestCase):

    def test_rows_without_a_label_do_not_count(self):
        logits = torch.tensor([[2.0, 0.0], [0.0, 9.0]])
        alone = losses.classify(logits[:1], torch.tensor([0]), 0.0)
        both = losses.classify(logits, torch.tensor([0, M]), 0.0)
        # -log(e^2 / (e^2 + 1))
        self.assertAlmostEqual(alone.item(), math.log(1 + math.exp(-2)), places=6)
        self.assertAlmostEqual(both.item(), alone.item(), places=6)

    def test_no_label_at_all_is_zero_and_has_a_gradient(self):
        logits = torch.zeros(2, 3, requires_grad=True)
        loss = losses.classify(logits, torch.tensor([M, M]), 0.1)
        loss.backward()
        self.assertEqual(loss.item(), 0.0)

    def test_the_cosine_head_heeds_directions_alone(self):
        torch.manual_seed(1)
        head = losses.CosineClassifier(4, 3)
        features = torch.randn(2, 4)
        self.assertTrue(torch.allclose(head(features), head(5 * features), atol=1e-5))
        self.assertLessEqual(head(features).abs().max().item(), 16.0 + 1e-4)


class SupervisedContrastiveTest(unittest.TestCase):

    def test_against_a_hand_worked_example(self):
        # Rows 0 and 1 are alike, row 2 is at a right angle; temperature 1.
        features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        loss = losses.supervised_contrastive(features, torch.tensor([0, 0, 1]), None, 1.0)
        # Rows 0 and 1 each: -log(e^1 / (e^1 + e^0)); row 2 has no positive and does not ask.
        self.assertAlmostEqual(loss.item(), math.log(1 + math.exp(-1)), places=6)

    def test_a_pair_of_one_sender_is_neither_positive_nor_negative(self):
        features = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]])
        labels = torch.tensor([0, 0, 0, 1])
        senders = torch.tensor([5, 5, 6, 7])
        got = losses.supervised_contrastive(features, labels, senders, 1.0)
        # Row 0 compares with rows 2 (positive) and 3; row 1 likewise; row 2 with 0, 1, 3.
        def part(ask, positives, rest):
            unit = [features[ask] @ features[i] for i in positives + rest]
            total = math.log(sum(math.exp(s) for s in unit))
            return -sum(s.item() - total for s in unit[:len(positives)]) / len(positives)
        want = (part(0, [2], [3]) + part(1, [2], [3]) + part(2, [0, 1], [3])) / 3
        self.assertAlmostEqual(got.item(), want, places=5)

    def test_nothing_to_compare_is_zero(self):
        loss = losses.supervised_contrastive(torch.ones(2, 3), torch.tensor([0, 1]))
        self.assertEqual(loss.item(), 0.0)


class TripletTest(unittest.TestCase):

    def test_against_a_hand_worked_example(self):
        anchor = torch.tensor([[1.0, 0.0]])
        # |a - p|^2 = 2 - 2 * 0.6 = 0.8; |a - n|^2 = 2 - 2 * 0.8 = 0.4.
        positive, negative = torch.tensor([[0.6, 0.8]]), torch.tensor([[0.8, 0.6]])
        self.assertAlmostEqual(losses.triplet(anchor, positive, negative, 0.2).item(), 0.6,
                               places=6)
        self.assertEqual(losses.triplet(anchor, negative, -anchor, 0.2).item(), 0.0)

    def test_batch_hard_takes_the_farthest_positive_and_the_nearest_negative(self):
        angles = torch.tensor([0.0, 0.3, 1.0, 0.5, 2.0])
        features = torch.stack((angles.cos(), angles.sin()), dim=1)
        labels = torch.tensor([0, 0, 0, 1, M])
        got = losses.batch_hard_triplet(features, labels, 0.2)
        def d(i, j):
            return 2 - 2 * math.cos(abs(angles[i] - angles[j]))
        # Row 3 has no positive; row 4 no label.
        want = sum(max(0.0, d(i, far) - d(i, 3) + 0.2) for i, far in ((0, 2), (1, 2), (2, 0))) / 3
        self.assertAlmostEqual(got.item(), want, places=5)


class OthersTest(unittest.TestCase):

    def test_self_retrieval_is_least_where_each_view_finds_its_own(self):
        eye = torch.eye(3)
        right = losses.self_retrieval(eye, eye, temperature=1.0).item()
        # -log(e / (e + 4)): the other two photos have two views each.
        self.assertAlmostEqual(right, math.log((math.e + 4) / math.e), places=6)
        self.assertGreater(losses.self_retrieval(eye, eye.roll(1, 0), temperature=1.0).item(),
                           right)

    def test_a_photo_that_comes_twice_is_no_rival_of_itself(self):
        eye = torch.eye(3)
        twice = torch.cat((eye, eye[:1]))
        got = losses.self_retrieval(twice, twice, torch.tensor([4, 5, 6, 4]), 1.0).item()
        # The two of photo 4 are compared with two views each of 5 and 6; those with all six others.
        want = (math.log((math.e + 4) / math.e) + math.log((math.e + 6) / math.e)) / 2
        self.assertAlmostEqual(got, want, places=6)

    def test_remember_is_zero_for_the_same_direction(self):
        features = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
        self.assertAlmostEqual(losses.remember(features, 4 * features).item(), 0.0, places=6)
        self.assertAlmostEqual(losses.remember(features, -features).item(), 2.0, places=6)

    def test_neighbours_may_turn_but_not_change(self):
        torch.manual_seed(1)
        teacher = torch.randn(6, 2)
        turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
        self.assertAlmostEqual(losses.remember_neighbours(teacher @ turn, teacher).item(), 0.0,
                               places=5)
        self.assertGreater(losses.remember_neighbours(teacher.roll(1, 0), teacher).item(), 0.1)

    def test_all_have_finite_gradients(self):
        torch.manual_seed(1)
        features = torch.randn(8, 5, requires_grad=True)
        labels = torch.tensor([0, 0, 1, 1, 2, 2, M, M])
        total = (losses.supervised_contrastive(features, labels) +
                 losses.batch_hard_triplet(features, labels) +
                 losses.self_retrieval(features[:4], features[4:]) +
                 losses.remember(features, torch.randn(8, 5)) +
                 losses.remember_neighbours(features, torch.randn(8, 5)))
        total.backward()
        self.assertTrue(torch.isfinite(features.grad).all())


if __name__ == "__main__":
    unittest.main()
