"""What a training is to do: its flags, and all that decides what is learned."""

import argparse
import dataclasses
import math
from typing import Dict, List

import torch

from vitrine_models import bundle, catalog, networks, teachers

LOSSES = ("classify", "supcon", "triplet", "self", "autoencoder", "remember", "neighbours")
LEARNING = ("classify", "supcon", "triplet", "self")
REMEMBERING = ("remember", "neighbours")
_DEFAULT_LOSSES = ("classify:1", "supcon:0.5", "remember:2", "neighbours:1")
_DEFAULT_AVERAGE = 0.75


@dataclasses.dataclass
class Plan:
    """All that decides what is learned; a checkpoint is resumed under the same plan only."""
    arch: str
    init: str
    labels: List[str]
    losses: Dict[str, float]
    left_out: List[str]
    triplets: str
    size: int
    eval_size: int
    epochs: int
    batch: int
    rate: float
    head_rate: float
    smoothing: float
    weight_decay: float
    tune: int
    average: float
    seed: int
    limit: int
    teachers: List[str]
    mix: float
    photos: str = ""  # a digest of what is learned from

    def has(self, names) -> bool:
        return any(name in self.losses for name in names)

    def needs_labels(self) -> bool:
        return self.has(("classify", "supcon")) or (self.has(("triplet",)) and not self.triplets)

    def spaces(self) -> List[str]:
        """The spaces that the losses need, as Spaces takes them; none where features serve."""
        return (["learned"] if self.has(LEARNING) else []) + (
            ["kept"] if self.has(REMEMBERING) else [])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", default="efficientnet_lite0", choices=networks.ARCHITECTURES,
                        help="default: %(default)s")
    parser.add_argument("--catalog", metavar="DIR", required=True,
                        help="photos to learn from: a folder of any layout, or its listing")
    parser.add_argument("--label", metavar="ATTRIBUTE", action="append", default=[],
                        help="attribute to tell apart, one head each; may be given again "
                        "(default: category)")
    parser.add_argument("--loss", metavar="NAME[:WEIGHT]", action="append", default=[],
                        help=f"what to minimise: {', '.join(LOSSES)}; may be given again "
                        f"(default: {' '.join(_DEFAULT_LOSSES)})")
    parser.add_argument("--triplets", metavar="FILE",
                        help="CSV with the columns anchor, positive, negative (product ids), for "
                        "--loss triplet; without it, the hardest of each batch are taken")
    parser.add_argument("--teacher", metavar="WHAT[:WEIGHT]", action="append", default=[],
                        help="what remember and neighbours hold the network to, in each view: a "
                        "FILE.checkpoint of a training, or as published "
                        f"{', '.join(networks.PACKAGED)}; may be given again (default: what the "
                        "network was, in whole photos)")
    parser.add_argument("--mix", type=float, default=0.0, metavar="SHARE",
                        help="of the views that another one is mixed into, which shows a network "
                        "more of what its teachers see (default: %(default)s)")
    parser.add_argument("--init", default="imagenet", metavar="WHAT",
                        help="imagenet, random, or the FILE of a state dict, checkpoint or bundle "
                        "(default: %(default)s)")
    parser.add_argument("--split-file", metavar="FILE", default=catalog.SPLIT_FILE,
                        help="validation senders, one a line (default: %(default)s)")
    parser.add_argument("--leave-out", metavar="FILE",
                        help="values of the first label, one a line, that are never trained on, to "
                        "see what is forgotten, as left_out_categories.txt")
    parser.add_argument("--size", type=int, default=160, help="views' side (default: %(default)s)")
    parser.add_argument("--eval-size", type=int, default=192,
                        help="side at which the bundle reads pictures (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=14, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=2e-4,
                        help="highest learning rate of the network (default: %(default)s)")
    parser.add_argument("--head-rate", type=float, default=2e-3,
                        help="and of what begins at random (default: %(default)s)")
    parser.add_argument("--smoothing", type=float, default=0.1,
                        help="of labels (default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.02, help="default: %(default)s")
    parser.add_argument("--tune", type=int, default=0, metavar="N",
                        help="train the last N convolutions alone; 0: all (default: %(default)s)")
    parser.add_argument("--average", type=float, metavar="SHARE",
                        help="of the trained weights in those that are exported; the rest are those "
                        f"that training began with (default: {_DEFAULT_AVERAGE}; 1 for --init "
                        "random and for --teacher)")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="take N photos at most, evenly from the whole: for a trial")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--compile", action="store_true",
                        help="let PyTorch 2 compile the network first; it needs a C++ compiler, and "
                        "EfficientNet-Lite0 trains by 2/5 faster for it on a CPU with AVX-512")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    for name, what in (("origin", "where the weights come from"), ("licence", "of the weights")):
        parser.add_argument(f"--{name}", metavar="TEXT", help=f"{what}, for the bundle's card")
    parser.add_argument("--out", metavar="FILE", required=True,
                        help="the bundle to write; beside it come FILE.checkpoint, from which a "
                        "training that was cut off goes on, and FILE.png, its curves")


def plan_of(args: argparse.Namespace) -> Plan:
    """Raises ValueError, naming the flag, where the arguments make no sense."""
    if args.compile and not hasattr(torch, "compile"):
        raise ValueError(f"--compile needs PyTorch 2; this is {torch.__version__}")
    weights: Dict[str, float] = {}
    for text in args.loss or _DEFAULT_LOSSES:
        name, _, weight = text.partition(":")
        if name in weights:
            raise ValueError(f"--loss {name} is given twice")
        if name not in LOSSES:
            raise ValueError(f"--loss {name!r} is not one of {', '.join(LOSSES)}")
        try:
            weights[name] = float(weight or 1.0)
        except ValueError as error:
            raise ValueError(f"--loss {text}: {weight!r} is no weight; write {name}:0.5") from error
        if not 0 < weights[name] < math.inf:
            raise ValueError(f"--loss {text}: a weight is above 0")
    if args.eval_size > bundle.INPUT_SIZE:
        raise ValueError(f"--eval-size is {args.eval_size}; it is {bundle.INPUT_SIZE} at most, as "
                         "that is what a bundle is given")
    bundle.check_out(args.out, args.init)
    twice = [label for label in args.label if args.label.count(label) > 1]
    if twice:
        raise ValueError(f"--label {twice[0]} is given twice")
    for name, least in (("size", 32), ("eval_size", 32), ("epochs", 1), ("batch", 3), ("limit", 0),
                        ("tune", 0), ("seed", 0), ("weight_decay", 0)):
        if not least <= getattr(args, name) < math.inf:
            raise ValueError(f"--{name.replace('_', '-')} is {getattr(args, name)}; "
                             f"it is {least} at least, and finite")
    for name in ("rate", "head_rate"):
        if not 0 < getattr(args, name) < math.inf:
            raise ValueError(f"--{name.replace('_', '-')} is {getattr(args, name)}; it is above 0")
    if not 0 <= args.smoothing < 1:
        raise ValueError(f"--smoothing is {args.smoothing}; it is 0 at least and below 1")
    average = args.average
    if average is None:
        average = 1.0 if args.init == "random" or args.teacher else _DEFAULT_AVERAGE
    if not 0 < average <= 1:
        raise ValueError(f"--average is {average}; it lies above 0 and is 1 at most")
    if average < 1 and args.init == "random":
        raise ValueError(f"--average is {average}, but --init random knows nothing to keep: leave it 1")
    if average < 1 and args.teacher:
        raise ValueError(f"--average is {average}, but what --teacher taught is exported as it is, with "
                         "the map that was learned along: leave it 1")
    if args.triplets and "triplet" not in weights:
        raise ValueError("--triplets is read for --loss triplet, which is not among the losses")
    for text in args.teacher:
        teachers.check(text, args.out)
    if args.teacher and not set(weights) & set(REMEMBERING):
        raise ValueError(f"--teacher is for --loss {' and '.join(REMEMBERING)}, of which none is "
                         "among the losses")
    if not 0 <= args.mix <= 1:
        raise ValueError(f"--mix is {args.mix}; it is 0 at least and 1 at most")
    if args.mix and (not args.teacher or set(weights) - set(REMEMBERING)):
        raise ValueError("--mix is for a training by --teacher alone: no label and no photo is that of "
                         "a mixed view; give it with --loss remember and neighbours and no other")
    left_out = catalog.read_lines(args.leave_out) if args.leave_out else []
    return Plan(args.arch, args.init, args.label or ["category"], weights, left_out,
                args.triplets or "", args.size, args.eval_size, args.epochs, args.batch, args.rate,
                args.head_rate, args.smoothing, args.weight_decay, args.tune, average, args.seed,
                args.limit, args.teacher, args.mix)
