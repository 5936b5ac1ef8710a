"""Training on drawn pictures: it learns, goes on after a kill, and refuses what makes no sense."""

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

from vitrine_models import bundle, networks, plans, train, training_data

_KINDS = ("hat", "shoe", "sock")
_PER_KIND = 10


def _draw(kind: int, random: np.random.Generator) -> np.ndarray:
    """Bars that lie, stand or cross, in any colour: a kind is told by its shape alone."""
    picture = np.full((80, 64, 3), random.integers(150, 256, 3), np.uint8)
    colour = random.integers(0, 120, 3)
    if kind != 1:
        picture[32:48] = colour
    if kind != 0:
        picture[:, 24:40] = colour
    return picture


class TrainTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.root = cls._folder.name
        random = np.random.default_rng(1)
        lines = [{"catalog": cls.root, "category_attribute": "articleType", "refused": 0,
                  "problems": 0}]
        for i in range(len(_KINDS) * _PER_KIND):
            kind = i % len(_KINDS)
            Image.fromarray(_draw(kind, random)).save(os.path.join(cls.root, f"{i}.png"))
            lines.append({"path": f"{i}.png", "product_id": f"p{i}", "category": _KINDS[kind],
                          "attributes": {"season": "Summer", "sender_id": str(i % 6),
                                         # Of every third photo the size is not known.
                                         **({"size": "SML"[i % 2]} if i % 3 else {})}})
        cls.listing = os.path.join(cls.root, "listing.jsonl")
        with open(cls.listing, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)
        cls.split = os.path.join(cls.root, "senders.txt")
        with open(cls.split, "w", encoding="utf-8") as out:
            out.write("0\n1\n")

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = os.path.join(folder.name, "bundle.pt")

    def run_train(self, *flags):
        parser = argparse.ArgumentParser()
        plans.add_arguments(parser)
        args = ["--catalog", self.listing, "--split-file", self.split, "--arch", "autoencoder",
                "--init", "random", "--size", "32", "--eval-size", "64", "--batch", "9",
                "--out", self.out]
        with contextlib.redirect_stdout(io.StringIO()) as said, \
                contextlib.redirect_stderr(io.StringIO()):
            train.train(parser.parse_args([*args, *flags]))
        return said.getvalue()

    def refuses(self, words, *flags):
        with self.assertRaisesRegex(ValueError, words):
            self.run_train(*flags)

    def test_writes_a_bundle_a_checkpoint_and_curves(self):
        said = self.run_train("--epochs", "2", "--loss", "classify", "--loss", "supcon:0.5",
                              "--loss", "remember", "--loss", "neighbours:0.5", "--licence",
                              "CC0-1.0", "--origin", "drawn")
        self.assertIn("epoch 2  validation_p10", said)
        module, card = bundle.load(self.out)
        self.assertEqual([block.name for block in card.blocks], ["shape", "colour"])
        self.assertEqual((card.licence, card.origin), ("CC0-1.0", "drawn"))
        self.assertEqual(tuple(module(torch.zeros(2, 256, 256, 3, dtype=torch.uint8)).shape),
                         (2, card.dim))
        with Image.open(self.out + ".png") as curves:
            self.assertGreater(curves.width, 500)

    def written(self):
        checkpoint = torch.load(self.out + ".checkpoint", weights_only=True)
        return {**checkpoint["network"], **checkpoint.get("vitrine_projection", {})}

    def test_goes_on_after_a_kill_as_if_there_had_been_none(
            self, losses=("--loss", "classify", "--loss", "self", "--loss", "remember")):
        flags = ("--epochs", "2", *losses)
        self.run_train(*flags)
        whole = self.written()
        os.remove(self.out + ".checkpoint")

        class Killed(BaseException):
            pass

        draw = train.curves.draw
        def kill(history, *rest):
            draw(history, *rest)
            raise Killed
        with mock.patch.object(train.curves, "draw", kill), self.assertRaises(Killed):
            self.run_train(*flags)
        self.run_train(*flags)
        resumed = self.written()
        self.assertEqual(set(whole), set(resumed))
        for name, tensor in whole.items():
            self.assertTrue(torch.equal(tensor, resumed[name]), name)

    def taught(self):
        """Flags to learn from a teacher that was trained on the labels."""
        teacher = self.out + ".teacher"
        self.run_train("--epochs", "2", "--loss", "classify")
        os.replace(self.out + ".checkpoint", teacher)
        return ["--loss", "remember", "--loss", "neighbours", "--mix", "0.5", "--rate", "0.002",
                "--teacher", f"{teacher}:0.5", "--teacher", teacher]

    def test_a_network_comes_to_see_what_its_teachers_see(self):
        said = self.run_train("--epochs", "8", *self.taught())
        losses = [float(line.split("remember ")[1].split()[0]) for line in said.split("\n")
                  if "remember" in line]
        self.assertEqual(len(losses), 8)
        self.assertLess(losses[-1], 0.8 * losses[0])

    def test_what_was_taught_is_exported_with_the_map_that_was_learned_along(self):
        self.run_train("--epochs", "1", *self.taught())
        checkpoint = torch.load(self.out + ".checkpoint", weights_only=True)
        network = networks.load("autoencoder", self.out + ".checkpoint")
        learned = networks.trained_projection(self.out + ".checkpoint", network.width)
        training = torch.load(io.BytesIO(checkpoint["training"].numpy().tobytes()),
                              **train._TRUSTED)["model"]
        self.assertTrue(torch.equal(learned.weight, training["spaces.maps.0.weight"]))
        _, card = bundle.load(self.out)
        self.assertIn("learned along", card.trained_on)

    def test_a_taught_network_goes_on_after_a_kill_as_if_there_had_been_none(self):
        self.test_goes_on_after_a_kill_as_if_there_had_been_none(self.taught())

    def test_refuses_teachers_that_are_none(self):
        taught = ("--epochs", "1", "--loss", "remember")
        self.refuses("no checkpoint that train wrote, and no architecture", *taught, "--teacher",
                     self.listing)
        self.refuses("no file efficientnet_lit1, .* those are efficientnet_lite0", *taught, "--teacher",
                     "efficientnet_lit1:0.2")
        self.refuses("with a weight above 0", *taught, "--teacher", "resnet50:0")
        self.refuses("published weights are at hand of efficientnet_lite0.* alone", *taught,
                     "--teacher", "resnet50")
        with open(self.out + ".checkpoint", "wb"):
            pass
        self.refuses("is a file that --out .* writes: name another", *taught, "--teacher",
                     self.out + ".checkpoint")
        teacher = ("--teacher", self.listing)
        self.refuses("--teacher is for --loss remember and neighbours", "--loss", "classify", *teacher)
        self.refuses("--mix is 2.0", *taught, *teacher, "--mix", "2")
        self.refuses("--mix is for a training by --teacher alone", *taught, "--mix", "0.5")
        self.refuses("--mix is for a training by --teacher alone", *taught, *teacher,
                     "--loss", "classify", "--mix", "0.5")
        self.refuses("--average is 0.5, but what --teacher taught", *taught, *teacher,
                     "--init", self.listing, "--average", "0.5")

    def test_refuses_to_go_on_with_another_teacher(self):
        taught = self.taught()
        self.run_train("--epochs", "1", *taught)
        state = torch.load(taught[-1], weights_only=True)
        state["more"] = torch.zeros(1)
        torch.save(state, taught[-1])
        self.refuses("trained on other photos, labels, triplets or teachers", "--epochs", "1", *taught)

    def test_a_network_that_draws_goes_on_after_a_kill_as_if_there_had_been_none(self):
        plain = networks._NORMALISED["autoencoder"]
        drawing = plain._replace(body=lambda: torch.nn.Sequential(*plain.body(),
                                                                  torch.nn.Dropout(0.5)))
        with mock.patch.dict(networks._NORMALISED, autoencoder=drawing):
            self.test_goes_on_after_a_kill_as_if_there_had_been_none()

    def test_refuses_a_checkpoint_of_other_photos(self):
        self.run_train("--epochs", "1", "--loss", "classify")
        other = os.path.join(self.root, "other_senders.txt")
        with open(other, "w", encoding="utf-8") as out:
            out.write("0\n2\n")
        self.refuses("trained on other photos", "--epochs", "1", "--loss", "classify",
                     "--split-file", other)

    def test_takes_any_number_of_steps(self):
        # 20 photos to learn from: five steps, one step, four steps.
        for epochs, batch in (("1", "4"), ("1", "20"), ("2", "9")):
            self.run_train("--epochs", epochs, "--batch", batch, "--loss", "classify")
            os.remove(self.out + ".checkpoint")

    def test_frozen_layers_keep_all_that_they_are(self):
        before = networks.random_init("autoencoder", 1).state_dict()
        self.run_train("--epochs", "1", "--loss", "classify", "--tune", "1")
        after = torch.load(self.out + ".checkpoint", weights_only=True)["network"]
        changed = [name for name in before if not torch.equal(before[name], after[name])]
        layers = [int(name.split(".")[1]) for name in before if name.startswith("body.")]
        self.assertEqual({int(name.split(".")[1]) for name in changed}, {max(layers)})

    def test_exports_the_mean_of_the_weights_before_and_after(self):
        before = networks.random_init("autoencoder", 5).state_dict()
        init = os.path.join(os.path.dirname(self.out), "before.pt")
        torch.save(networks.checkpoint("autoencoder", before, 64), init)
        found = {}
        for share in (1.0, 0.25):
            self.run_train("--epochs", "1", "--loss", "classify", "--init", init, "--average",
                           str(share))
            found[share] = torch.load(self.out + ".checkpoint", weights_only=True)["network"]
            os.remove(self.out + ".checkpoint")
        moved = 0.0
        for name, tensor in before.items():
            if tensor.is_floating_point():
                torch.testing.assert_close(found[0.25][name],
                                           0.75 * tensor + 0.25 * found[1.0][name])
                moved += float((found[1.0][name] - tensor).abs().sum())
        self.assertGreater(moved, 0.0)
        self.assertEqual(networks.trained_size(init), 64)

    def test_a_compiled_network_learns_the_same_where_pytorch_compiles(self):
        flags = ("--epochs", "1", "--loss", "classify", "--average", "1")
        if not hasattr(torch, "compile"):
            self.refuses("--compile needs PyTorch 2; this is 1", *flags, "--compile")
            return
        found = []
        for more in ((), ("--compile",)):
            self.run_train(*flags, *more)
            found.append(torch.load(self.out + ".checkpoint", weights_only=True)["network"])
            os.remove(self.out + ".checkpoint")
        for name, tensor in found[0].items():
            torch.testing.assert_close(found[1][name], tensor, rtol=0.02, atol=0.02, msg=name)

    def test_learns_to_tell_shapes_apart(self):
        said = self.run_train("--epochs", "20", "--loss", "classify", "--rate", "0.003",
                              "--head-rate", "0.02", "--smoothing", "0")
        losses = [float(line.split("classify ")[1]) for line in said.splitlines()
                  if "  classify " in line]
        self.assertEqual(len(losses), 20)
        self.assertLess(losses[-1], 0.8 * losses[0])

    def test_auto_encodes_where_there_are_no_labels(self):
        self.run_train("--epochs", "1", "--loss", "autoencoder", "--label", "category")
        _, card = bundle.load(self.out)
        self.assertEqual(card.blocks[0].name, "shape")

    def test_reads_triplets(self):
        path = os.path.join(self.root, "triplets.csv")
        with open(path, "w", encoding="utf-8") as out:
            # Senders 2 to 5 are to learn from: p2, p5, p8 and p11 are of one kind, p3 of another.
            out.write("anchor,positive,negative\np2,p5,p3\np8,p11,p9\np2,p8,p0\n")
        self.run_train("--epochs", "1", "--loss", "triplet", "--triplets", path)
        self.assertTrue(os.path.isfile(self.out))
        with open(path, "a", encoding="utf-8") as out:
            out.write("p2,nope,p3\n")
        self.refuses("line 5: the catalogue has no product 'nope'", "--loss", "triplet",
                     "--triplets", path, "--epochs", "1")
        with open(path, "w", encoding="utf-8") as out:
            out.write("anchor,positive\np2,p5\n")
        self.refuses("lacks the column negative", "--loss", "triplet", "--triplets", path)

    def test_triplets_need_no_label(self):
        bare = os.path.join(self.root, "bare.jsonl")
        with open(self.listing, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        with open(bare, "w", encoding="utf-8") as out:
            out.writelines(json.dumps({**row, "category": ""}) + "\n" for row in rows)
        path = os.path.join(self.root, "few_triplets.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write("anchor,positive,negative\np2,p5,p3\n")
        self.run_train("--catalog", bare, "--epochs", "1", "--loss", "triplet", "--triplets", path)
        self.assertIn("PCA of 20", bundle.load(self.out)[1].trained_on)
        self.refuses("no photo has the label 'category'", "--catalog", bare, "--loss", "triplet")
        self.refuses("has no triplet whose products.*1 have one.*beyond --limit", "--catalog", bare,
                     "--loss", "triplet", "--triplets", path, "--limit", "10")

    def test_any_photo_of_a_product_stands_for_it_in_a_triplet(self):
        path = os.path.join(self.root, "two_pictures.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write("anchor,positive,negative\np2,p5,p3\n")
        two = os.path.join(self.root, "two.jsonl")
        with open(self.listing, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        rows[1 + 8]["product_id"] = "p2"
        with open(two, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        data = training_data.Data(two, self.split, ["category"], [], path, 0, False, False, 64)
        drawn = {int(data.order(3, np.random.default_rng(seed))[0]) for seed in range(20)}
        self.assertEqual({data.photos[data.train[row]].path.rsplit("/", 1)[1] for row in drawn},
                         {"2.png", "8.png"})

    def test_what_is_left_out_is_never_learned_from(self):
        path = os.path.join(self.root, "left_out.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.write("sock\n")
        said = self.run_train("--epochs", "1", "--loss", "classify", "--leave-out", path)
        self.assertRegex(said, "epoch 1  validation_p10 .*left_out_p10 ")
        state = torch.load(self.out + ".checkpoint", weights_only=True)
        self.assertEqual(state["vitrine_network"], "autoencoder")
        data = training_data.Data(self.listing, self.split, ["category"], ["sock"], "", 0, False,
                                  True, 64)
        self.assertEqual(data.names, [["hat", "shoe"]])
        self.assertEqual({data.photos[row].category for row in data.train}, {"hat", "shoe"})
        self.assertIn("discriminant analysis of 10 photos", bundle.load(self.out)[1].trained_on)

    def test_two_labels_have_a_head_each_and_missing_values_do_not_count(self):
        said = self.run_train("--epochs", "1", "--loss", "classify", "--label", "category",
                              "--label", "size")
        self.assertIn("classify ", said)
        data = training_data.Data(self.listing, self.split, ["category", "size"], [], "", 0, True,
                                  True, 64)
        self.assertEqual(data.names, [["hat", "shoe", "sock"], ["M", "S"]])
        for place, row in enumerate(data.train):
            self.assertEqual(int(data.labels[1, place]) == -1,
                             "size" not in data.photos[row].attributes)

    def test_a_trial_takes_a_part_of_the_photos_and_exports_of_no_more(self):
        self.run_train("--epochs", "1", "--loss", "classify", "--limit", "15")
        self.assertIn("discriminant analysis of 10 photos", bundle.load(self.out)[1].trained_on)

    def test_refuses_a_label_that_is_not_there_or_has_one_value(self):
        self.refuses("no photo has the label 'colour'.*season", "--label", "colour")
        self.refuses("no photo has the label 'colour'.*season", "--label", "colour", "--loss",
                     "self")
        self.refuses("season has 1 value with two photos", "--label", "season")

    def test_refuses_flags_that_make_no_sense(self):
        self.refuses("--loss 'clasify' is not one of classify", "--loss", "clasify")
        self.refuses("no weight; write classify:0.5", "--loss", "classify:much")
        self.refuses("a weight is above 0", "--loss", "classify:-1")
        self.refuses("--epochs is 0", "--epochs", "0")
        self.refuses("--eval-size is 300; it is 256 at most", "--eval-size", "300")
        self.refuses("there is no folder /no/such", "--out", "/no/such/bundle.pt")
        self.refuses("--average is 1.5; it lies above 0", "--average", "1.5")
        self.refuses("--init random knows nothing to keep", "--average", "0.5")
        self.refuses("not among the losses", "--triplets", "x.csv")
        self.refuses("--seed is -1; it is 0 at least", "--seed", "-1")
        self.refuses("--rate is -1.0; it is above 0", "--rate", "-1")
        self.refuses("--head-rate is nan; it is above 0", "--head-rate", "nan")
        self.refuses("--smoothing is 2.0; it is 0 at least and below 1", "--smoothing", "2")
        self.refuses("--device nope is not there", "--device", "nope")
        self.refuses("--weight-decay is inf", "--weight-decay", "inf")
        self.refuses("--loss classify is given twice", "--loss", "classify", "--loss", "classify:2")
        self.refuses("--label size is given twice", "--label", "size", "--label", "size")
        self.refuses("no weights for resnet50 .* give --init FILE", "--arch", "resnet50", "--init",
                     "imagenet")

    def test_refuses_a_checkpoint_of_another_plan_or_of_nothing(self):
        self.run_train("--epochs", "1", "--loss", "classify")
        self.refuses("was trained with seed 1, not 2", "--epochs", "1", "--loss", "classify",
                     "--seed", "2")
        with open(self.out + ".checkpoint", "wb") as out:
            out.write(b"no checkpoint")
        self.refuses("is no checkpoint of a training", "--epochs", "1", "--loss", "classify")
        with open(self.out + ".checkpoint", "wb"):
            pass
        self.refuses("is no checkpoint of a training", "--epochs", "1", "--loss", "classify")


if __name__ == "__main__":
    unittest.main()
