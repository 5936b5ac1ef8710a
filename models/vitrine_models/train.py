"""Trains a network on a catalogue, epoch by epoch, and exports what it has become.

What is exported is the mean, weight by weight, of the network before and after (WiSE-FT, Wortsman
et al. 2022): between the two lie networks that know nearly all that the tuned one has learned and
have forgotten little of what the other knew. Its projection is fitted anew (projection.py).
"""

import argparse
import dataclasses
import io
import math
import os
import sys
from typing import Dict, List, Optional

import numpy as np
import torch
from torch import nn

from vitrine_models import (batches, bundle, catalog, curves, errors, export, losses, networks,
                            progress, projection, training_data, spaces)

LOSSES = ("classify", "supcon", "triplet", "self", "autoencoder", "remember", "neighbours")
_LEARNING = ("classify", "supcon", "triplet", "self")
_REMEMBERING = ("remember", "neighbours")
_DEFAULT_LOSSES = ("classify:1", "supcon:0.5", "remember:2", "neighbours:1")
_DEFAULT_AVERAGE = 0.75
_TRAINING = "training"
# Newer ones than 1.13 must be told that a file of our own may hold more than tensors.
_TRUSTED = {"weights_only": False}


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
    photos: str = ""  # a digest of what is learned from

    def has(self, names) -> bool:
        return any(name in self.losses for name in names)

    def needs_labels(self) -> bool:
        return self.has(("classify", "supcon")) or (self.has(("triplet",)) and not self.triplets)

    def spaces(self) -> List[str]:
        """The spaces that the losses need, as Spaces takes them; none where features serve."""
        return (["learned"] if self.has(_LEARNING) else []) + (
            ["kept"] if self.has(_REMEMBERING) else [])


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
    parser.add_argument("--init", default="imagenet", metavar="WHAT",
                        help="imagenet, random, or the FILE of a state dict or checkpoint "
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
                        f"that training began with (default: {_DEFAULT_AVERAGE}; 1 for --init random)")
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
        average = 1.0 if args.init == "random" else _DEFAULT_AVERAGE
    if not 0 < average <= 1:
        raise ValueError(f"--average is {average}; it lies above 0 and is 1 at most")
    if average < 1 and args.init == "random":
        raise ValueError(f"--average is {average}, but --init random knows nothing to keep: leave it 1")
    if args.triplets and "triplet" not in weights:
        raise ValueError("--triplets is read for --loss triplet, which is not among the losses")
    left_out = catalog.read_lines(args.leave_out) if args.leave_out else []
    return Plan(args.arch, args.init, args.label or ["category"], weights, left_out,
                args.triplets or "", args.size, args.eval_size, args.epochs, args.batch, args.rate,
                args.head_rate, args.smoothing, args.weight_decay, args.tune, average, args.seed,
                args.limit)


class Model(nn.Module):
    """The network, the spaces its features are read in, and what training alone needs."""

    def __init__(self, plan: Plan, classes: List[int]):
        super().__init__()
        self.network = (networks.random_init(plan.arch, plan.seed) if plan.init == "random" else
                        networks.load(plan.arch, None if plan.init == "imagenet" else plan.init,
                                      "--init"))
        names = plan.spaces()
        self.spaces = spaces.Spaces(self.network.width, names) if names else None
        self.heads = nn.ModuleList(
            losses.CosineClassifier(self.spaces.maps[0].out_features, count) for count in classes
        ) if "classify" in plan.losses else nn.ModuleList()
        self.decoder = (networks.Decoder(self.network.width) if "autoencoder" in plan.losses
                        else None)

    def vectors(self, features: torch.Tensor) -> torch.Tensor:
        return features if self.spaces is None else self.spaces(features)


def _tuned(network: nn.Module, last: int) -> List[nn.Parameter]:
    """The parameters from the last `last` convolutions on; those before are frozen."""
    if last <= 0:
        return list(network.parameters())
    modules = [m for m in network.modules() if not list(m.children())]
    places = [i for i, m in enumerate(modules) if isinstance(m, nn.Conv2d)]
    first = places[-min(last, len(places))]
    for module in modules[:first]:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
    return [p for module in modules[first:] for p in module.parameters()]


def _parts(plan: Plan, model: Model, features: torch.Tensor, pixels: torch.Tensor,
           rows: torch.Tensor, labels: torch.Tensor, senders: torch.Tensor,
           teacher: Optional[torch.Tensor]) -> Dict[str, torch.Tensor]:
    """Each loss of a batch. `features` is [n, width], or [2 n, width] of two views, of which `pixels`
    are the first; `rows` [n] are the photos; `labels` is [labels, n], `senders` [n], `teacher`
    [n, dim]."""
    count = len(pixels)
    learned = model.spaces.part("learned", features) if plan.has(_LEARNING) else None
    kept = model.spaces.part("kept", features[:count]) if plan.has(_REMEMBERING) else None
    first = None if learned is None else learned[:count]
    parts: Dict[str, torch.Tensor] = {}
    for name in plan.losses:
        if name == "classify":
            each = [losses.classify(head(first), one, plan.smoothing)
                    for head, one in zip(model.heads, labels)]
        elif name == "supcon":
            each = [losses.supervised_contrastive(first, one, senders) for one in labels]
        elif name == "triplet" and plan.triplets:
            each = [losses.triplet(first[0::3], first[1::3], first[2::3])]
        elif name == "triplet":
            each = [losses.batch_hard_triplet(first, one) for one in labels]
        elif name == "self":
            each = [losses.self_retrieval(first, learned[count:], rows)]
        elif name == "autoencoder":
            decoded = model.decoder(features[:count])
            each = [losses.reconstruct(networks.at_size(pixels, decoded.shape[-1]), decoded)]
        elif name == "remember":
            each = [losses.remember(kept, teacher)]
        else:
            each = [losses.remember_neighbours(kept, teacher)]
        parts[name] = torch.stack(each).mean()
    return parts


class _Trainer:
    """A training under way: what changes from step to step."""

    def __init__(self, plan: Plan, data: "training_data.Data", device: torch.device, compiled: bool):
        self.plan, self.data, self.device = plan, data, device
        torch.manual_seed(plan.seed)
        self.model = Model(plan, [len(names) for names in data.names])
        self.model.to(device, memory_format=torch.channels_last)
        self.network = torch.compile(self.model.network) if compiled else self.model.network
        self.before = {name: tensor.clone()
                       for name, tensor in self.model.network.state_dict().items()}
        self.teacher = self._remembered() if plan.has(_REMEMBERING) else None
        slow = _tuned(self.model.network, plan.tune)
        fast = [*self.model.heads.parameters()]
        if self.model.decoder is not None:
            fast += self.model.decoder.parameters()
        for name in plan.spaces():
            # The kept space begins where it should end, like the network; the rest begins anywhere.
            (slow if name == "kept" else fast).extend(self.model.spaces.map(name).parameters())
        groups = [{"params": slow, "lr": plan.rate}, {"params": fast, "lr": plan.head_rate}]
        self.optimiser = torch.optim.AdamW([group for group in groups if group["params"]],
                                           weight_decay=plan.weight_decay)
        self.batch = plan.batch // 3 * 3 if plan.triplets else plan.batch
        rows = len(data.order(plan.batch, np.random.default_rng(0)))
        self.steps = -(-rows // self.batch)
        total = plan.epochs * self.steps
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, [group["lr"] for group in self.optimiser.param_groups],
            # OneCycleLR divides by the steps of the rise but one: 0.2 of 5 are one.
            total_steps=total, pct_start=0.2 if total > 5 else 0.3)
        self.history: List[Dict[str, float]] = []

    def _remembered(self) -> torch.Tensor:
        """What the network sees before it is trained, which is what the kept space begins as."""
        seen = self.data.features(self.model.network, self.device)
        told = len(self.data.labels) > 0 and len(self.data.names[0]) > 1
        kept = self.model.spaces.map("kept")
        if not told:
            fitted = projection.pca(seen, kept.out_features)
        else:
            first = self.data.labels[0].numpy()
            fitted = projection.discriminant(seen, first, first != losses.MISSING, kept.out_features)
        kept.load_state_dict(fitted.state_dict())
        with torch.inference_mode():
            return fitted(torch.from_numpy(seen))

    def epoch(self, number: int, pictures: batches.Pictures, meter: progress.Progress
              ) -> Dict[str, float]:
        """Trains one epoch, and returns the mean of each loss."""
        plan, data = self.plan, self.data
        self.model.train()
        for module in self.model.network.modules():
            # Those that --tune has frozen keep what they have counted.
            if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
                module.eval()
        # What a network draws itself, such as the layers that it drops, goes on alike after a kill.
        torch.manual_seed(int(np.random.default_rng([plan.seed, number]).integers(1 << 31)))
        random = np.random.default_rng([plan.seed, number])
        order = data.order(plan.batch, random)
        views = 2 if "self" in plan.losses else 1
        sums: Dict[str, float] = {}
        count = 0
        for batch in batches.load(pictures, order, self.batch, [plan.seed, number], views):
            pixels = [torch.from_numpy(view).to(self.device).permute(0, 3, 1, 2).float()
                      for view in batch.views]
            rows = torch.from_numpy(batch.rows)
            parts = _parts(plan, self.model, self.network(torch.cat(pixels)), pixels[0],
                           rows.to(self.device), data.labels[:, rows].to(self.device),
                           data.senders[rows].to(self.device),
                           None if self.teacher is None else self.teacher[rows].to(self.device))
            total = sum(plan.losses[name] * part for name, part in parts.items())
            if not torch.isfinite(total):
                raise RuntimeError(f"the loss is {total.item()} in epoch {number + 1}; the "
                                   "checkpoint is of the epoch before: try a lower --rate")
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()
            self.optimiser.step()
            if self.schedule.last_epoch < self.schedule.total_steps:
                self.schedule.step()
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + part.item()
            count += 1
            meter.add(len(rows))
        return {name: value / count for name, value in sums.items()}

    def averaged(self) -> Dict[str, torch.Tensor]:
        """The weights to export."""
        return {name: torch.lerp(self.before[name], tensor, self.plan.average)
                if tensor.is_floating_point() else tensor
                for name, tensor in self.model.network.state_dict().items()}

    def save(self, path: str, epochs: int) -> None:
        inner = io.BytesIO()
        torch.save({"plan": dataclasses.asdict(self.plan), "history": self.history,
                    "epochs": epochs, "model": self.model.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "schedule": self.schedule.state_dict()}, inner)
        # Readers of weights trust no pickle; what only a training reads is bytes to them.
        state = {**networks.checkpoint(self.plan.arch, self.averaged(), self.plan.eval_size),
                 _TRAINING: torch.frombuffer(bytearray(inner.getvalue()), dtype=torch.uint8)}
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)

    def resume(self, path: str) -> int:
        """Goes on from a checkpoint, and returns how many epochs it has seen."""
        try:
            outer = torch.load(path, map_location="cpu", weights_only=True)
            state = torch.load(io.BytesIO(outer[_TRAINING].numpy().tobytes()),
                               map_location=self.device, **_TRUSTED)
        except Exception as error:  # torch.load lets through whatever it stumbles over.
            raise ValueError(f"{path} is there and is no checkpoint of a training "
                             f"({errors.first_line(error)}); move it away") from error
        changed = [name for name, value in dataclasses.asdict(self.plan).items()
                   if state["plan"].get(name) != value]
        if changed == ["photos"]:
            raise ValueError(f"{path} was trained on other photos, labels or triplets than those that "
                             "are there now; remove it to begin anew")
        if changed:
            name = changed[0]
            raise ValueError(f"{path} was trained with {name} {state['plan'].get(name)!r}, not "
                             f"{getattr(self.plan, name)!r}; remove it to begin anew")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = state["history"]
        return state["epochs"]


def _print_row(row: Dict[str, float]) -> None:
    print("  ".join([f"epoch {row['epoch']}"] + [
        f"{name} {value:.4f}" for name, value in row.items() if name != "epoch"]), flush=True)


def _export(args: argparse.Namespace, plan: Plan, checkpoint: str) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    values = {
        "arch": plan.arch, "weights": checkpoint, "catalog": args.catalog,
        "split-file": args.split_file, "label": plan.labels[0] if args.label or plan.needs_labels() else "",
        "projection": "discriminant" if plan.needs_labels() else "pca",
        "limit": plan.limit, "leave-out": args.leave_out, "origin": args.origin,
        "licence": args.licence,
        "trained-on": f"{plan.init}, then {plan.epochs} epochs of "
                      f"{os.path.basename(os.path.abspath(args.catalog))} "
                      f"({' '.join(f'{name}:{weight:g}' for name, weight in plan.losses.items())}), "
                      f"{plan.average:g} of it averaged with what it began as",
        "out": args.out}
    # Values may begin with a dash.
    flags = [f"--{name}={value}" for name, value in values.items() if value]
    export.export(parser.parse_args(flags))


def _device(name: Optional[str]) -> torch.device:
    """Raises ValueError where there is none of that name."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except Exception as error:  # What it is depends on how PyTorch was built.
        raise ValueError(f"--device {name} is not there ({errors.first_line(error)}); leave it out, "
                         "or take cpu") from error
    return device


def train(args: argparse.Namespace) -> None:
    plan = plan_of(args)
    checkpoint = args.out + ".checkpoint"
    device = _device(args.device)
    curves.check()
    data = training_data.Data(args.catalog, args.split_file, plan.labels, plan.left_out,
                              plan.triplets, plan.limit, asked=bool(args.label),
                              needed=plan.needs_labels(), eval_size=plan.eval_size)
    print(f"{len(data.train)} photos to learn from, {int(data.validation.sum())} to validate on, "
          f"{int(data.left_out.sum())} left out; {device}", file=sys.stderr)
    plan.photos = data.digest()
    trainer = _Trainer(plan, data, device, args.compile)
    done = trainer.resume(checkpoint) if os.path.isfile(checkpoint) else 0
    if not done:
        trainer.history = [{"epoch": 0, **data.measure(trainer.model, device)}]
    else:
        print(f"{checkpoint} has seen {done} of {plan.epochs} epochs", file=sys.stderr)
    for row in trainer.history:
        _print_row(row)
    if done < plan.epochs:
        pictures = batches.Pictures([data.photos[row].path for row in data.train], plan.size)
        meter = progress.Progress("training, photos",
                                  (plan.epochs - done) * trainer.steps * trainer.batch)
        for number in range(done, plan.epochs):
            means = trainer.epoch(number, pictures, meter)
            trainer.history.append(
                {"epoch": number + 1, **data.measure(trainer.model, device), **means})
            _print_row(trainer.history[-1])
            trainer.save(checkpoint, number + 1)
            curves.draw(trainer.history, f"{plan.arch} on {args.catalog}", args.out + ".png")
    _export(args, plan, checkpoint)
