"""Architectures and the weights that they take or refuse."""

import importlib.util
import os
import tempfile
import unittest

import torch
from torch import nn

from vitrine_models import bundle, networks

_HAS_TORCHVISION = importlib.util.find_spec("torchvision") is not None
_needs_torchvision = unittest.skipUnless(_HAS_TORCHVISION, "torchvision is not there")


def _pixels(count: int = 2, side: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(5)) * 255


class _Mirror(nn.Module):
    width = 3

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels


class Architectures(unittest.TestCase):

    def test_each_gives_as_many_features_as_it_says(self):
        for arch in networks.ARCHITECTURES:
            if not _HAS_TORCHVISION and arch in networks.TORCHVISION:
                continue
            with self.subTest(arch), torch.inference_mode():
                network = networks.create(arch)
                self.assertFalse(network.training)
                self.assertEqual(tuple(network(_pixels(1)).shape), (1, network.width))

    def test_small_ones_are_scripted_without_a_change(self):
        for arch in ("autoencoder", "efficientnet_lite0") + (
                ("mobilenet_v3_small",) if _HAS_TORCHVISION else ()):
            with self.subTest(arch), torch.inference_mode():
                network = networks.random_init(arch, 1)
                torch.testing.assert_close(torch.jit.script(network)(_pixels()), network(_pixels()))

    def test_the_same_seed_gives_the_same_network_and_leaves_other_draws_alone(self):
        torch.manual_seed(9)
        expected = torch.rand(3)
        torch.manual_seed(9)
        first, second, other = (networks.random_init("autoencoder", seed) for seed in (1, 1, 2))
        self.assertTrue(torch.equal(torch.rand(3), expected))
        with torch.inference_mode():
            self.assertTrue(torch.equal(first(_pixels()), second(_pixels())))
            self.assertFalse(torch.equal(first(_pixels()), other(_pixels())))

    def test_an_unknown_name_is_answered_with_those_there_are(self):
        with self.assertRaisesRegex(ValueError, "'alexnet'.*vgg16, resnet50.*efficientnet_lite2"):
            networks.create("alexnet")

    def test_the_decoder_gives_back_pictures(self):
        encoder = networks.random_init("autoencoder", 1)
        decoder = networks.Decoder(encoder.width).eval()
        with torch.inference_mode():
            picture = decoder(encoder(_pixels(2, 128)))
        self.assertEqual(tuple(picture.shape), (2, 3, networks.Decoder.SIZE, networks.Decoder.SIZE))
        self.assertTrue(((picture >= 0) & (picture <= 255)).all())


class Resizing(unittest.TestCase):

    def test_is_bilinear_and_the_same_in_a_script(self):
        pixels = _pixels(2)
        resized = networks.Resized(_Mirror(), 48)
        wanted = nn.functional.interpolate(pixels, size=[48, 48], mode="bilinear",
                                           align_corners=False)
        self.assertTrue(torch.equal(resized(pixels), wanted))
        script = torch.jit.script(resized)
        self.assertTrue(torch.equal(script(pixels), wanted))
        # LibTorch 1.13 knows no script that names this one of F.interpolate's modes.
        self.assertNotIn("lanczos", str(script.inlined_graph))


class Weights(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "weights.pth")

    @_needs_torchvision
    def test_a_torchvision_state_dict_gives_its_pooled_features(self):
        import torchvision
        torch.manual_seed(3)
        whole = torchvision.models.mobilenet_v3_small(weights=None).eval()
        torch.save(whole.state_dict(), self.path)
        network = networks.load("mobilenet_v3_small", self.path)
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        with torch.inference_mode():
            expected = whole.features((_pixels() / 255 - mean) / std).mean((2, 3))
            torch.testing.assert_close(network(_pixels()), expected, rtol=1e-4,
                                       atol=1e-5 * float(expected.abs().max()))

    @_needs_torchvision
    def test_densenets_published_names_are_understood(self):
        state = networks.random_init("densenet121", 2).body.state_dict()
        old = {}
        for key, value in state.items():
            if not key.endswith("num_batches_tracked"):
                if "denselayer" in key:
                    for name in ("norm", "conv"):
                        key = key.replace(f".{name}1.", f".{name}.1.").replace(
                            f".{name}2.", f".{name}.2.")
                old[key] = value
        self.assertIn("features.denseblock1.denselayer1.norm.1.weight", old)
        torch.save(old, self.path)
        loaded = networks.load("densenet121", self.path).body.state_dict()
        for key, value in state.items():
            self.assertTrue(torch.equal(loaded[key], value), key)

    @_needs_torchvision
    def test_anothers_state_dict_is_told_apart_and_recognised(self):
        import torchvision
        torch.save(torchvision.models.mobilenet_v3_small(weights=None).state_dict(), self.path)
        with self.assertRaisesRegex(ValueError, r"no state dict of autoencoder: \d+ of its names "
                                    r"differ: it lacks body\.0\.weight; it has features\.0\.0\.weight"
                                    r".*looks like mobilenet_v3_small"):
            networks.load("autoencoder", self.path)

    def test_a_lite_state_dict_is_no_other_architectures(self):
        torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, self.path)
        for arch in ("efficientnet_lite0", "autoencoder"):
            with self.assertRaisesRegex(ValueError, f"no state dict of {arch}.*differ"):
                networks.load(arch, self.path)

    def test_a_checkpoint_comes_back(self):
        network = networks.random_init("autoencoder", 3)
        torch.save({**networks.checkpoint("autoencoder", network.state_dict(), 256), "epoch": 4}, self.path)
        with torch.inference_mode():
            self.assertTrue(torch.equal(networks.load("autoencoder", self.path)(_pixels()),
                                        network(_pixels())))

    def test_a_bundles_network_comes_back_and_is_no_other_architectures(self):
        card = bundle.Card("a", "1", 256, "crop", [bundle.Block("shape", 64, 1.0)], "float32", "", "", "")
        network = networks.random_init("autoencoder", 3)
        for inner, size in ((network, None), (networks.Resized(network, 128), 128)):
            bundle.save(bundle.Encoder(inner, nn.Linear(network.width, 64), None), card, self.path)
            self.assertEqual(networks.trained_size(self.path), size)
            with torch.inference_mode():
                # Its large tensors were stored in half precision.
                self.assertTrue(torch.allclose(networks.load("autoencoder", self.path)(_pixels()),
                                               network(_pixels()), atol=0.02))
            with self.assertRaisesRegex(ValueError, "a bundle, but not of efficientnet_lite0: .*lacks"):
                networks.load("efficientnet_lite0", self.path)
            os.remove(self.path)

    def test_the_shipped_bundles_network_is_one_to_go_on_from(self):
        path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                            "vitrine-lite0.pt")
        features = networks.load("efficientnet_lite0", path)(_pixels()).detach()
        self.assertEqual((features.shape[1], networks.trained_size(path)), (1280, 224))
        projection = torch.jit.load(path).float().projection
        pixels = torch.rand(1, 256, 256, 3).mul(255).to(torch.uint8)
        with torch.inference_mode():
            network = networks.Resized(networks.load("efficientnet_lite0", path), 224)
            wanted = torch.jit.load(path).float()(pixels)[:, :384]
            self.assertTrue(torch.allclose(
                projection(network(pixels.permute(0, 3, 1, 2).float())), wanted, atol=1e-3))

    def test_a_checkpoint_of_another_architecture_is_refused_by_name(self):
        torch.save(networks.checkpoint("autoencoder", networks.create("autoencoder").state_dict(), 256),
                   self.path)
        with self.assertRaisesRegex(ValueError, "a trained autoencoder, not efficientnet_lite0"):
            networks.load("efficientnet_lite0", self.path)

    def test_numbers_that_are_not_finite_are_refused_by_name(self):
        network = networks.create("autoencoder")
        for number in (float("nan"), float("inf")):
            with torch.no_grad():
                network.body[0].weight[0, 0, 0, 0] = number
            torch.save(networks.checkpoint("autoencoder", network.state_dict(), 256), self.path)
            with self.assertRaisesRegex(ValueError, r"body\.0\.weight holds numbers.*not finite"):
                networks.load("autoencoder", self.path)

    def test_what_is_no_state_dict_is_refused(self):
        def text(path):
            with open(path, "w", encoding="utf-8") as out:
                out.write("weights")

        for write, message in (
                (text, "no state dict"),
                (lambda path: torch.save([1, 2], path), "but a list"),
                (lambda path: torch.save({}, path), "but a dict"),
                (lambda path: torch.save({"epoch": 3}, path), "'epoch' is a int"),
                (lambda path: torch.save(nn.Linear(2, 2), path), "no state dict"),
                (lambda path: torch.jit.script(nn.Linear(2, 2)).save(path), "no state dict")):
            write(self.path)
            with self.assertRaisesRegex(ValueError, message):
                networks.load("autoencoder", self.path)
        with self.assertRaises(FileNotFoundError):
            networks.load("autoencoder", self.path + ".not")

    def test_without_weights_it_says_where_to_get_them(self):
        with self.assertRaisesRegex(ValueError, "no weights for resnet50.*--weights FILE"):
            networks.load("resnet50")


if __name__ == "__main__":
    unittest.main()
