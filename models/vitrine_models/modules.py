"""Anyone's nn.Module as a network for a bundle: found by name, checked, resized for.

The module takes float32 [N, 3, size, size] pixels, normalised by a mean and a standard deviation
per colour, and returns float32 [N, width] for any N.
"""

import importlib
import math
from typing import Sequence

import torch
from torch import nn

from vitrine_models import bundle, errors, image

_TRIED = 3  # pictures


class Resized(nn.Module):
    """`module` behind the resize from a bundle's input: [N, 3, 256, 256] in 0..255 -> [N, width]."""

    def __init__(self, module: nn.Module, size: int, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        self.module = module
        self.resizes = size != bundle.INPUT_SIZE
        # The engine's own resize as a matrix: it is the same on both axes.
        self.register_buffer("rows", torch.from_numpy(
            image.resize_weights(bundle.INPUT_SIZE, size)).float())
        self.register_buffer("mean", 255.0 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255.0 * torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.resizes:
            x = torch.matmul(torch.matmul(self.rows, x), self.rows.t())
        # The loader may have made the module bfloat16; pixels come as float32.
        return self.module(((x - self.mean) / self.std).to(self.mean.dtype))


def _find(name: str) -> nn.Module:
    """What the function `factory` of `package` returns, for a name "package:factory"."""
    package, _, factory = name.partition(":")
    if not package or not factory:
        raise ValueError(f"--module is {name!r}; package:factory is right")
    try:
        found = importlib.import_module(package)
    except ImportError as error:
        raise ValueError(f"--module {name}: {package} cannot be imported ({error}); is it in the "
                         "working folder or in PYTHONPATH?") from error
    except Exception as error:  # It is anyone's code.
        raise ValueError(f"--module {name}: importing {package} fails with a "
                         f"{type(error).__name__}: {errors.first_line(error)}") from error
    if not hasattr(found, factory):
        raise ValueError(f"--module {name}: {package} has no {factory}")
    try:
        module = getattr(found, factory)()
    except Exception as error:  # So is this.
        raise ValueError(f"--module {name}: {factory}() fails with a {type(error).__name__}: "
                         f"{errors.first_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise ValueError(f"--module {name}: {factory}() returned a {type(module).__name__}, no "
                         "nn.Module")
    return module


def _check_output(name: str, output: object, count: int) -> None:
    if not torch.is_tensor(output):
        raise ValueError(f"--module {name} returns a {type(output).__name__}, not a tensor "
                         "[N, width]; wrap it in a module that picks the features")
    if output.dim() != 2 or output.shape[0] != count or not output.shape[1]:
        raise ValueError(f"--module {name} returns {tuple(output.shape)} for {count} pictures; "
                         f"({count}, width) is right")
    if output.dtype != torch.float32:
        raise ValueError(f"--module {name} returns {output.dtype}; torch.float32 is right")
    if not torch.isfinite(output).all():
        raise ValueError(f"--module {name} returns numbers that are not finite")


def _scripted(name: str, module: nn.Module, trial: torch.Tensor) -> nn.Module:
    """`module`, or its trace where TorchScript, or that of 1.13, does not understand its code."""
    try:
        newer = bundle.newer_operator(bundle.script(module))
        if newer is None:
            return module
        raise ValueError(f"LibTorch 1.13 has no {newer}")
    except Exception as reason:  # The compiler raises many kinds.
        try:
            # With gradients on, or PyTorch records fused kernels that 1.13 has not.
            with bundle.operators_of_1_13(), torch.enable_grad():
                return torch.jit.trace(module, trial[:2], check_trace=False)
        except Exception as error:
            raise ValueError(f"--module {name} can be neither scripted ({errors.first_line(reason)}) nor "
                             f"traced ({errors.first_line(error)})") from error


def load(name: str, size: int, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    """The module that `name` ("package:factory") makes, ready for a bundle; attribute width.

    Raises ValueError where it is no module that a bundle can hold, saying what it should be.
    """
    if not 1 <= size <= 1024:
        raise ValueError(f"--size is {size}; 1 to 1024 is right")
    if not (min(std) > 0 and all(0 <= one <= 1 for one in mean) and max(std) < math.inf):
        raise ValueError(f"--mean is {list(mean)} and --std {list(std)}; they are of pixels in 0 to "
                         "1, and --std is above 0")
    module = _find(name).eval().float()
    bundle.check_finite(module, f"--module {name}")
    trial = torch.randn(_TRIED, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        try:
            output = module(trial)
        except Exception as error:
            raise ValueError(f"--module {name} fails on float32 {tuple(trial.shape)}: "
                             f"{errors.first_line(error)}") from error
    _check_output(name, output, _TRIED)
    scripted = _scripted(name, module, trial)
    try:
        with torch.no_grad():
            again = scripted(trial[:1])
    except Exception as error:
        raise ValueError(f"--module {name} takes {_TRIED} pictures and fails on one: "
                         f"{errors.last_line(error)}") from error
    if again.shape != output[:1].shape or not torch.allclose(
            again, output[:1], rtol=1e-3, atol=1e-3 * float(output.abs().max())):
        raise ValueError(f"--module {name} gives another vector for a picture alone than in a "
                         "batch; a bundle's vectors do not depend on each other")
    network = Resized(scripted, size, mean, std).eval()
    network.width = output.shape[1]
    return network
