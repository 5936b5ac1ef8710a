"""The bundle: a network, its projection and the colour block as one TorchScript file."""

import contextlib
import copy
import dataclasses
import json
import math
import operator
import os
import tempfile
from typing import Callable, Dict, Iterator, List, Optional, Tuple

import torch
from torch import nn

from vitrine_models import errors, image

INPUT_SIZE = 256
CARD_FILE = "card.json"
# Larger tensors are stored in half precision; the loader makes them float32 again.
_HALF_FROM_ELEMENTS = 1 << 15
# Half precision rounds to 11 bits: an error of 2^-12 of a weight, and a third of that on average.
_HALF_ERROR = 1e-3
# Those that scripts of a newer PyTorch have been seen to name.
_NEWER_OPERATORS = ("aten::_upsample_lanczos2d_aa",)
# The engine's own limit (kMaxDim in model_card.cc).
MAX_DIM = 4096


@dataclasses.dataclass
class Block:
    """A run of `dim` numbers of the vector, scaled by the engine to length sqrt(weight)."""
    name: str
    dim: int
    weight: float


@dataclasses.dataclass
class Card:
    """What a bundle says of itself."""
    name: str
    version: str
    input_size: int
    resize: str
    blocks: List[Block]
    precision: str
    origin: str
    licence: str
    trained_on: str

    @property
    def dim(self) -> int:
        return sum(block.dim for block in self.blocks)

    def validate(self) -> None:
        """Raises ValueError, naming the field, where the engine would refuse the card."""
        if self.input_size != INPUT_SIZE:
            raise ValueError(f"card: input_size is {self.input_size}; it must be {INPUT_SIZE}")
        if self.resize not in image.RESIZE_MODES:
            raise ValueError(
                f"card: resize is {self.resize!r}; it must be one of {', '.join(image.RESIZE_MODES)}")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"card: precision is {self.precision!r}; use float32 or bfloat16")
        if not self.blocks:
            raise ValueError("card: it names no block")
        for block in self.blocks:
            if not block.name:
                raise ValueError("card: a block has no name")
            if block.dim <= 0 or block.dim % 64:
                raise ValueError(f"card: block {block.name} has {block.dim} numbers; "
                                 "a block's dim is a positive multiple of 64")
            if not block.weight > 0:
                raise ValueError(f"card: block {block.name} has weight {block.weight}, not above 0")
        if self.dim > MAX_DIM:
            raise ValueError(f"card: the blocks have {self.dim} numbers; {MAX_DIM} is the most")
        if len({block.name for block in self.blocks}) != len(self.blocks):
            raise ValueError("card: two blocks share a name")
        total = sum(block.weight for block in self.blocks)
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"card: the blocks' weights sum to {total}, not 1")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Card":
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError(f"card: it is a JSON {type(fields).__name__}, not an object")
        missing = {f.name for f in dataclasses.fields(Card)} - set(fields)
        if missing:
            raise ValueError(f"card: {', '.join(sorted(missing))} missing")
        for field in dataclasses.fields(Card):
            if field.type in (str, int) and type(fields[field.name]) is not field.type:
                raise ValueError(f"card: {field.name} is {fields[field.name]!r}; it must be "
                                 f"{'a text' if field.type is str else 'a whole number'}")
        card = Card(**{f.name: fields[f.name] for f in dataclasses.fields(Card)})
        try:
            card.blocks = [Block(str(b["name"]), operator.index(b["dim"]), float(b["weight"]))
                           for b in fields["blocks"]]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError("card: blocks must be a list of objects with a name, a dim and a weight "
                             f"({error!r})") from error
        card.validate()
        return card


class Encoder(nn.Module):
    """uint8 [N, 256, 256, 3] RGB -> float32 [N, dim]: the projected features, then the colour.

    `network` takes float32 [N, 3, 256, 256] pixels in 0..255. Without `colour` there is no such
    block.
    """

    def __init__(self, network: nn.Module, projection: nn.Module, colour: Optional[nn.Module]):
        super().__init__()
        self.network = network
        self.projection = projection
        self.colour = colour

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The permuted view is what torch calls channels_last: the convolutions need no copy.
        pixels = x.permute(0, 3, 1, 2).float()
        shape = self.projection(self.network(pixels)).float()
        if self.colour is not None:
            shape = torch.cat((shape, self.colour(pixels)), dim=1)
        return shape


def _plain_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                     attn_mask: Optional[torch.Tensor] = None, dropout_p: float = 0.0,
                     is_causal: bool = False, scale: Optional[float] = None,
                     enable_gqa: bool = False) -> torch.Tensor:
    """torch.nn.functional.scaled_dot_product_attention, in operators that PyTorch 1.13 has."""
    assert dropout_p == 0.0 and not is_causal and not enable_gqa
    factor = 1.0 / math.sqrt(query.size(-1)) if scale is None else scale
    weights = torch.matmul(query * factor, key.transpose(-2, -1))
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            weights = weights.masked_fill(attn_mask.logical_not(), float("-inf"))
        else:
            weights = weights + attn_mask
    return torch.matmul(torch.softmax(weights, dim=-1), value)


@contextlib.contextmanager
def operators_of_1_13() -> Iterator[None]:
    """Scripts of a newer PyTorch call what LibTorch 1.13 has not; within, they do not."""
    functional = nn.functional
    attention = getattr(functional, "scaled_dot_product_attention", None)
    if attention is None:
        yield
        return
    functional.scaled_dot_product_attention = _plain_attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = attention


def script(module: nn.Module) -> torch.jit.ScriptModule:
    """Scripts a copy of `module`, in eval mode: what save() writes, but for the half precision."""
    # A copy: scripting shares tensors, and the caller's keep their precision. Without gradients, or
    # a traced part's weights would become results of the copying.
    with operators_of_1_13(), torch.no_grad():
        return torch.jit.script(copy.deepcopy(module).eval())


def newer_operator(scripted: torch.jit.ScriptModule) -> Optional[str]:
    """An operator that LibTorch 1.13 has not and a script names all the same, if only in a branch
    that is never taken, as that of F.interpolate does."""
    return next((one for one in _NEWER_OPERATORS if one in str(scripted.inlined_graph)), None)


def check_finite(module: nn.Module, what: str) -> None:
    """Raises ValueError, naming the weight, where one of `module` is not a number or infinite."""
    bad = [name for name, tensor in module.named_parameters() if not torch.isfinite(tensor).all()]
    if bad:
        raise ValueError(f"{what}: the weight {bad[0]} holds numbers that are not finite")


def _fits_half(tensor: torch.Tensor) -> bool:
    """Whether half precision keeps `tensor`: neither its range nor its small numbers are lost."""
    if tensor.dtype != torch.float32 or tensor.numel() < _HALF_FROM_ELEMENTS:
        return False
    return bool((tensor.half().float() - tensor).norm() <= _HALF_ERROR * tensor.norm())


def round_as_stored(module: nn.Module) -> None:
    """Gives each number of `module` the value that a bundle of it will have.

    To be called before anything is fitted to what the module returns: where that lies close together
    and far from 0, rounding moves it farther than pictures differ.
    """
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if _fits_half(tensor):
                tensor.copy_(tensor.half())


def check_out(path: str, read: Optional[str] = None) -> None:
    """Raises ValueError where no file can be made at `path`, which --out names, or where it is the
    file `read`, whose weights it would replace."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f"--out: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"--out: nothing can be written to {folder}")
    if os.path.isdir(path):
        raise ValueError(f"--out: {path} is a folder; name a file in it")
    if read and os.path.exists(read) and os.path.exists(path) and os.path.samefile(read, path):
        raise ValueError(f"--out: {path} would replace the file that the weights are read from; "
                         "name another")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save(module: nn.Module, card: Card, path: str,
         check: Optional[Callable[[str], None]] = None) -> None:
    """Scripts `module` and writes it with its card to `path`, large weights in half precision.

    LibTorch 1.13 reads the file, whatever PyTorch runs this, as far as it has the operators that
    newer_operator() knows to be newer. `check`, where given, is called with the path of the file
    before it replaces a former one.
    """
    card.validate()
    check_finite(module, path)
    scripted = script(module)
    for tensors in (scripted.parameters(), scripted.buffers()):
        for tensor in tensors:
            tensor.requires_grad_(False)
            if _fits_half(tensor):
                tensor.data = tensor.data.half()
    # The archive's inner folder is named after the file: an in-between name would change its hash.
    buffer = scripted.save_to_buffer(_extra_files={CARD_FILE: card.to_json()})
    handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".",
                                         dir=os.path.dirname(os.path.abspath(path)))
    try:
        with open(handle, "wb") as out:
            out.write(buffer)
        if check:
            check(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.remove(temporary)
        raise


def load(path: str) -> Tuple[torch.jit.ScriptModule, Card]:
    """Loads a bundle as the daemons do: float32, frozen, ready for uint8 [N, 256, 256, 3].

    Raises ValueError, naming the file, where it is none.
    """
    extra: Dict[str, str] = {CARD_FILE: ""}
    if not os.path.isfile(path):
        raise ValueError(f"{path} is not there; `python3 -m vitrine_models export` makes a bundle")
    try:
        module = torch.jit.load(path, map_location="cpu", _extra_files=extra)
    except Exception as error:  # A broken file makes torch.jit.load raise nearly anything.
        raise ValueError(f"{path} is no bundle, which is a TorchScript file "
                         f"({errors.first_line(error)}); `python3 -m vitrine_models export` makes "
                         "one of a state dict or checkpoint") from error
    text = extra[CARD_FILE]
    if not text:
        raise ValueError(f"{path} has no {CARD_FILE}: it is TorchScript, but no bundle")
    try:
        card = Card.from_json(text.decode() if isinstance(text, bytes) else text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        module = torch.jit.freeze(module.eval().to(torch.float32))
        with torch.inference_mode():
            vector = module(torch.zeros(1, INPUT_SIZE, INPUT_SIZE, 3, dtype=torch.uint8))
    except Exception as error:  # So does a module that is no network of ours.
        raise ValueError(f"{path} fails on uint8 (1, {INPUT_SIZE}, {INPUT_SIZE}, 3) "
                         f"({errors.last_line(error)})") from error
    if not torch.is_tensor(vector):
        raise ValueError(f"{path} returns a {type(vector).__name__}, not a tensor (1, {card.dim})")
    if tuple(vector.shape) != (1, card.dim):
        raise ValueError(f"{path} returns {tuple(vector.shape)} for one picture; its card promises "
                         f"(1, {card.dim})")
    if not torch.isfinite(vector).all():
        raise ValueError(f"{path} returns numbers that are not finite")
    return module, card
