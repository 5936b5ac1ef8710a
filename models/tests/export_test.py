"""Exporting end to end, on a catalogue of drawn pictures."""

import argparse
import contextlib
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import numpy as np
from PIL import Image
import torch
from torch import nn

from tests import vision_transformer
from vitrine_models import bundle, export, image, networks, projection

_KINDS = ("Hat", "Shoes", "Dress")


def wide_100() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, 100))


class Export(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = folder.name
        environment = mock.patch.dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.root, "cache"))
        environment.start()
        cls.addClassCleanup(environment.stop)
        random = np.random.default_rng(1)
        cls.rows = []
        for i in range(24):
            coarse = random.integers(0, 255, (5, 4, 3), dtype=np.uint8)
            coarse[..., i % 3] //= 4
            Image.fromarray(coarse).resize((48, 60)).save(os.path.join(cls.root, f"{i}.png"))
            cls.rows.append({"path": f"{i}.png", "product_id": f"p{i}", "category": _KINDS[i % 3],
                             "attributes": {"sender_id": str(i // 2), "size": "S" if i else "XL",
                                            "one": "same"}})
        cls.split = os.path.join(cls.root, "validation.txt")
        with open(cls.split, "w", encoding="utf-8") as out:
            out.write("8\n9\n10\n11\n")
        cls.weights = os.path.join(cls.root, "autoencoder.pt")
        cls.state = networks.random_init("autoencoder", 1).state_dict()
        torch.save(networks.checkpoint("autoencoder", cls.state, 256), cls.weights)
        cls.out = os.path.join(cls.root, "bundle.pt")

    def _listing(self, rows) -> str:
        path = os.path.join(self.root, "listing.jsonl")
        head = {"catalog": self.root, "category_attribute": "", "refused": 0, "problems": 0}
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in [head, *rows])
        return path

    def _export(self, *flags: str, rows=None) -> str:
        parser = argparse.ArgumentParser()
        export.add_arguments(parser)
        if rows is not None:
            flags += ("--catalog", self._listing(rows))
        args = parser.parse_args([*flags, "--split-file", self.split, "--out", self.out])
        with contextlib.redirect_stdout(io.StringIO()) as said, \
                contextlib.redirect_stderr(io.StringIO()) as warned:
            export.export(args)
        return said.getvalue() + warned.getvalue()

    def _autoencoder(self, *flags: str, rows=None) -> str:
        return self._export("--arch", "autoencoder", "--weights", self.weights, *flags, rows=rows)

    def test_an_autoencoder_becomes_a_small_bundle_with_colours(self):
        said = self._autoencoder("--trained-on", "nothing", rows=self.rows)
        _, card = bundle.load(self.out)
        self.assertEqual([(b.name, b.dim, b.weight) for b in card.blocks],
                         [("shape", 384, 0.83), ("colour", 128, 0.17)])
        self.assertIn("network: nothing; projection: PCA of 16 photos", card.trained_on)
        self.assertLess(os.path.getsize(self.out), 4_000_000)
        for line in ("pooled features: 8 queries", "shape alone: 8", "shape and colour: 8",
                     "agree with those measured"):
            self.assertIn(line, said)

    def test_without_colour_there_is_one_block(self):
        self._autoencoder("--no-colour", rows=self.rows)
        _, card = bundle.load(self.out)
        self.assertEqual([(b.name, b.dim, b.weight) for b in card.blocks], [("shape", 384, 1.0)])

    def test_without_a_projection_the_features_are_as_they_are(self):
        self._autoencoder("--no-colour", "--projection", "none")
        module, card = bundle.load(self.out)
        self.assertEqual(card.dim, 512)
        pictures = torch.randint(0, 256, (2, 256, 256, 3), dtype=torch.uint8,
                                 generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            expected = networks.load("autoencoder", self.weights)(
                pictures.permute(0, 3, 1, 2).float())
            cosine = torch.cosine_similarity(module(pictures), expected)
        self.assertGreater(float(cosine.min()), 0.9999)

    def test_a_class_of_one_photo_is_left_out_with_a_warning(self):
        said = self._autoencoder("--projection", "discriminant", "--no-colour", rows=[
            {**row, "category": "Belt" if i == 0 else row["category"]}
            for i, row in enumerate(self.rows)])
        self.assertIn("leaves out classes of a single photo: Belt", said)
        self.assertIn("discriminant analysis of 16", bundle.load(self.out)[1].trained_on)

    def test_refuses_labels_that_tell_nothing_apart(self):
        for label, message in (("colour", "no photo has the label 'colour'; .*category, one, "),
                               ("one", "two classes of at least two photos each.* has 1"),
                               ("size", "two classes of at least two photos each.* has 1")):
            with self.subTest(label), self.assertRaisesRegex(ValueError, message):
                self._autoencoder("--projection", "discriminant", "--label", label, rows=self.rows)

    def test_a_vision_transformer_becomes_a_bundle(self):
        self._export("--module", "tests.vision_transformer:create", "--size", "32", "--projection",
                     "none", "--no-colour", "--mean", "0.48", "0.46", "0.41", "--std", "0.27",
                     "0.26", "0.28")
        module, card = bundle.load(self.out)
        self.assertEqual(card.dim, vision_transformer.WIDTH)
        self.assertNotIn("scaled_dot_product_attention",
                         str(torch.jit.load(self.out).inlined_graph))
        flat = torch.tensor([200, 100, 50], dtype=torch.uint8).expand(1, 256, 256, 3).contiguous()
        mean = torch.tensor([0.48, 0.46, 0.41]).view(1, 3, 1, 1)
        std = torch.tensor([0.27, 0.26, 0.28]).view(1, 3, 1, 1)
        x = (flat[:, :32, :32].permute(0, 3, 1, 2) / 255.0 - mean) / std
        with torch.inference_mode():
            torch.testing.assert_close(module(flat), vision_transformer.create().eval()(x),
                                       rtol=2e-3, atol=2e-3)

    def test_what_was_traced_becomes_a_bundle(self):
        self._export("--module", "tests.modules_test:traced", "--size", "32", "--projection",
                     "none", "--no-colour")
        module, card = bundle.load(self.out)
        self.assertEqual(card.dim, 128)
        pictures = torch.randint(0, 256, (3, 256, 256, 3), dtype=torch.uint8)
        with torch.inference_mode():
            torch.testing.assert_close(module(pictures)[1:2], module(pictures[1:2]))

    def test_an_odd_width_is_filled_up(self):
        pictures = torch.randint(0, 256, (2, 256, 256, 3), dtype=torch.uint8)
        flags = ("--module", "tests.export_test:wide_100", "--size", "32", "--no-colour")
        self._export(*flags, "--projection", "none")
        module, card = bundle.load(self.out)
        self.assertEqual(card.dim, 128)
        vector = module(pictures)[0]
        self.assertTrue((vector[100:] == 0).all())
        self.assertTrue((vector[:100] != 0).all())
        self._export(*flags, "--projection", "pca", rows=self.rows)
        module, card = bundle.load(self.out)
        self.assertEqual((card.dim, tuple(module(pictures).shape)), (128, (2, 128)))

    def test_a_network_reads_at_the_size_of_its_training_or_as_told(self):
        other = os.path.join(self.root, "at96.pt")
        torch.save(networks.checkpoint("autoencoder", self.state, 96), other)
        pictures = torch.randint(0, 256, (2, 256, 256, 3), dtype=torch.uint8)
        def vectors(*flags):
            self._export("--arch", "autoencoder", *flags, "--no-colour", "--projection", "none")
            with torch.inference_mode():
                return bundle.load(self.out)[0](pictures)
        at_96 = vectors("--weights", other)
        self.assertTrue(torch.equal(at_96, vectors("--weights", self.weights, "--size", "96")))
        self.assertFalse(torch.equal(at_96, vectors("--weights", self.weights)))
        with self.assertRaisesRegex(ValueError, "--size is 300; it lies between 32 and 256"):
            vectors("--weights", self.weights, "--size", "300")

    def test_a_learned_projection_is_that_of_the_checkpoint(self):
        network = networks.load("autoencoder", self.weights)
        learned = nn.Linear(network.width, 64)
        path = os.path.join(self.root, "taught.pt")
        torch.save(networks.checkpoint("autoencoder", self.state, 256, learned), path)
        photos = np.stack([np.asarray(image.to_input(image.decode(
            os.path.join(self.root, row["path"])), 256, "crop"))
            for row in self.rows if int(row["attributes"]["sender_id"]) < 8])
        pictures = torch.from_numpy(photos)
        with torch.inference_mode():
            features = network(pictures.permute(0, 3, 1, 2).float())
        for catalog, expected in (
                ((), learned), (("--catalog", self._listing(self.rows)),
                                projection.learned(learned, features.numpy(), 0.5))):
            self._export("--arch", "autoencoder", "--weights", path, "--projection", "learned",
                         "--no-colour", *catalog)
            module, card = bundle.load(self.out)
            self.assertEqual(card.dim, 64)
            with torch.inference_mode():
                self.assertGreater(torch.nn.functional.cosine_similarity(
                    module(pictures), expected(features)).min().item(), 0.999)
        with self.assertRaisesRegex(ValueError, "holds no projection: those that"):
            self._autoencoder("--projection", "learned")
        with self.assertRaisesRegex(ValueError, "give --weights FILE"):
            self._export("--arch", "efficientnet_lite0", "--projection", "learned")

    def test_a_projection_is_not_fitted_on_what_is_left_out(self):
        path = os.path.join(self.root, "left_out.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.write("Hat\n")
        self._autoencoder("--leave-out", path, rows=self.rows)
        # A third of the 16 photos that are not for validation are hats.
        self.assertRegex(bundle.load(self.out)[1].trained_on, "PCA of 1[01] photos")
        with open(path, "a", encoding="utf-8") as out:
            out.write("Scarf\n")
        with self.assertRaisesRegex(ValueError, "'Scarf', which no photo has as category"):
            self._autoencoder("--leave-out", path, rows=self.rows)
        with self.assertRaisesRegex(ValueError, "--leave-out names photos of a catalogue"):
            self._autoencoder("--leave-out", path, "--projection", "none")

    def test_a_bundle_that_fails_its_check_does_not_replace_the_former(self):
        self._autoencoder("--no-colour", rows=self.rows)
        with open(self.out, "rb") as data:
            former = data.read()
        with mock.patch.object(export.evaluate, "scaled", side_effect=lambda raw, _: 0 * raw), \
                self.assertRaisesRegex(RuntimeError, "does not return what was measured"):
            self._autoencoder("--no-colour", rows=self.rows)
        with open(self.out, "rb") as data:
            self.assertEqual(data.read(), former)
        self.assertEqual([name for name in os.listdir(self.root) if name.startswith("bundle.pt.")], [])

    def test_a_trial_takes_a_part_of_the_photos(self):
        self._autoencoder("--limit", "12", rows=self.rows)
        self.assertIn("PCA of 8 photos", bundle.load(self.out)[1].trained_on)
        with self.assertRaisesRegex(ValueError, "--limit is -1"):
            self._autoencoder("--limit", "-1", rows=self.rows)

    def test_a_label_that_is_named_must_be_there(self):
        with self.assertRaisesRegex(ValueError, "no photo has the label 'colour'"):
            self._autoencoder("--label", "colour", rows=self.rows)

    def test_says_why_nothing_is_measured(self):
        self.assertIn("nothing is measured: all photos for validation that have a label are 'same'",
                      self._autoencoder("--label", "one", "--no-colour", rows=self.rows))

    def test_refuses_files_that_say_too_little(self):
        colours = os.path.join(self.root, "colours.csv")
        with open(colours, "w", encoding="utf-8") as out:
            out.write("picture,colour\n")
        with self.assertRaisesRegex(ValueError, "lacks the column image"):
            self._autoencoder("--colours-file", colours, rows=self.rows)
        with self.assertRaisesRegex(ValueError, "would replace the file that the weights"):
            with mock.patch.object(self, "out", self.weights):
                self._autoencoder(rows=self.rows)
        with self.assertRaisesRegex(ValueError, "is a folder; name a file in it"):
            with mock.patch.object(self, "out", self.root):
                self._autoencoder(rows=self.rows)
        with self.assertRaisesRegex(ValueError, "--size is 0"):
            self._autoencoder("--size", "0", rows=self.rows)

    def test_refuses_flags_that_do_not_go_together(self):
        for flags, message in (
                (("--arch", "autoencoder"), "give --catalog DIR, or --projection none"),
                (("--arch", "autoencoder", "--projection", "none"), "no weights for autoencoder"),
                (("--arch", "autoencoder", "--colour-weight", "1"), "--colour-weight is 1.0"),
                (("--module", "a:b", "--weights", "c", "--projection", "none"), "its own")):
            with self.subTest(flags), self.assertRaisesRegex(ValueError, message):
                self._export(*flags)


if __name__ == "__main__":
    unittest.main()
