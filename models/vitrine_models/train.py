"""Trains a network on a catalogue, epoch by epoch, and exports what it has become.

What is exported is the mean, weight by weight, of the network before and after (WiSE-FT, Wortsman
et al. 2022): between the two lie networks that know nearly all that the tuned one has learned and
have forgotten little of what the other knew. Its projection is fitted anew (projection.py). A
network that was trained by teachers (teachers.py) is exported as it is, with the map that it learned
to come to their vectors by.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import sys
from typing import ContextManager, Dict, List, Optional

import numpy as np
import torch
from torch import nn

from vitrine_models import (batches, curves, errors, export, losses, networks, plans, progress,
                            projection, spaces, teachers, training_data)

_TRAINING = "training"
# Newer ones than 1.13 must be told that a file of our own may hold more than tensors.
_TRUSTED = {"weights_only": False}
_BFLOAT16_CAPABILITY = (8, 0)
# What plans did not have at first, as trainings went on that began then.
_ADDED = {"teachers": [], "mix": 0.0}


class Model(nn.Module):
    """The network, the spaces its features are read in, and what training alone needs."""

    def __init__(self, plan: plans.Plan, classes: List[int]):
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


def _mixed(pixels: torch.Tensor, share: float, random: np.random.Generator) -> torch.Tensor:
    """`share` of the views [n, 3, side, side] mixed with the next one's (Zhang et al. 2018)."""
    if not share:
        return pixels
    part = np.where(random.random(len(pixels)) < share, random.random(len(pixels)), 1.0)
    weight = torch.from_numpy(part).to(pixels)[:, None, None, None]
    return pixels * weight + pixels.roll(1, 0) * (1.0 - weight)


def _parts(plan: plans.Plan, model: Model, features: torch.Tensor, pixels: torch.Tensor,
           rows: torch.Tensor, labels: torch.Tensor, senders: torch.Tensor,
           teacher: Optional[torch.Tensor]) -> Dict[str, torch.Tensor]:
    """Each loss of a batch. `features` is [n, width], or [2 n, width] of two views, of which `pixels`
    are the first; `rows` [n] are the photos; `labels` is [labels, n], `senders` [n], `teacher`
    [n, dim]."""
    count = len(pixels)
    learned = model.spaces.part("learned", features) if plan.has(plans.LEARNING) else None
    kept = model.spaces.part("kept", features[:count]) if plan.has(plans.REMEMBERING) else None
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

    def __init__(self, plan: plans.Plan, data: "training_data.Data", device: torch.device, compiled: bool):
        self.plan, self.data, self.device = plan, data, device
        torch.manual_seed(plan.seed)
        self.model = Model(plan, [len(names) for names in data.names])
        self.model.to(device, memory_format=torch.channels_last)
        self.network = torch.compile(self.model.network) if compiled else self.model.network
        self.before = {name: tensor.clone()
                       for name, tensor in self.model.network.state_dict().items()}
        self.teachers = teachers.Teachers(plan.teachers).to(device) if plan.teachers else None
        self.remembered = self._remembered() if plan.has(plans.REMEMBERING) else None
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

    def _remembered(self) -> Optional[torch.Tensor]:
        """Lets the kept space begin where it should end. Returns what the network sees in the photos
        to learn from before it is trained; None where there are teachers, who see each view anew."""
        data, kept = self.data, self.model.spaces.map("kept")
        told = len(data.labels) > 0 and len(data.names[0]) > 1
        labels = data.labels[0].numpy() if told else None
        asked = list(self.teachers.networks) if self.teachers else []
        seen, *theirs = data.features([self.model.network, *asked], self.device)
        if self.teachers:
            wanted = self.teachers.fit(theirs, labels, kept.out_features)
            self.teachers.to(self.device)
            kept.load_state_dict(projection.least_squares(seen, wanted.numpy()).state_dict())
            return None
        if labels is None:
            fitted = projection.pca(seen, kept.out_features)
        else:
            fitted = projection.discriminant(seen, labels, labels != losses.MISSING,
                                             kept.out_features)
        kept.load_state_dict(fitted.state_dict())
        with torch.inference_mode():
            return fitted(torch.from_numpy(seen))

    def _narrow(self) -> ContextManager:
        """Lets networks run in bfloat16 on a GPU that has it, at twice the speed and more."""
        able = (self.device.type == "cuda" and
                torch.cuda.get_device_capability(self.device) >= _BFLOAT16_CAPABILITY)
        return torch.autocast("cuda", torch.bfloat16) if able else contextlib.nullcontext()

    def _taught(self, inputs: torch.Tensor, rows: torch.Tensor) -> Optional[torch.Tensor]:
        """What the kept space must come to: [n, dim] of photos `rows` [n], seen as `inputs`."""
        if self.teachers:
            with torch.no_grad():
                with self._narrow():
                    seen = self.teachers.see(inputs[:len(rows)])
                return self.teachers(seen)
        return None if self.remembered is None else self.remembered[rows].to(self.device)

    def epoch(self, number: int, drawer: batches.Views, meter: progress.Progress
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
        for batch in drawer.load(order, self.batch, [plan.seed, number], views):
            pixels = [torch.from_numpy(view).to(self.device).permute(0, 3, 1, 2).float()
                      for view in batch.views]
            rows = torch.from_numpy(batch.rows)
            inputs = _mixed(torch.cat(pixels), plan.mix, random)
            taught = self._taught(inputs, rows)
            with self._narrow():
                features = self.network(inputs)
            parts = _parts(plan, self.model, features.float(), pixels[0], rows.to(self.device),
                           data.labels[:, rows].to(self.device),
                           data.senders[rows].to(self.device), taught)
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
                    "remembered": self.remembered,
                    "taught": self.teachers.fitted() if self.teachers else None,
                    "optimiser": self.optimiser.state_dict(),
                    "schedule": self.schedule.state_dict()}, inner)
        # Readers of weights trust no pickle; what only a training reads is bytes to them.
        learned = self.model.spaces.map("kept") if self.plan.teachers else None
        state = {**networks.checkpoint(self.plan.arch, self.averaged(), self.plan.eval_size,
                                       learned),
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
        plan = {**_ADDED, **state["plan"]}
        changed = [name for name, value in dataclasses.asdict(self.plan).items()
                   if plan.get(name) != value]
        if changed == ["photos"]:
            raise ValueError(f"{path} was trained on other photos, labels, triplets or teachers than "
                             "those that are there now; remove it to begin anew")
        if changed:
            name = changed[0]
            raise ValueError(f"{path} was trained with {name} {plan.get(name)!r}, not "
                             f"{getattr(self.plan, name)!r}; remove it to begin anew")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = state["history"]
        # On another machine, what is fitted anew can lie turned.
        if state.get("remembered") is not None:
            self.remembered = state["remembered"].cpu()
        if self.teachers:
            self.teachers.restore(state["taught"])
        return state["epochs"]


def _print_row(row: Dict[str, float]) -> None:
    print("  ".join([f"epoch {row['epoch']}"] + [
        f"{name} {value:.4f}" for name, value in row.items() if name != "epoch"]), flush=True)


def _export(args: argparse.Namespace, plan: plans.Plan, checkpoint: str) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    values = {
        "arch": plan.arch, "weights": checkpoint, "catalog": args.catalog,
        "split-file": args.split_file, "label": plan.labels[0] if args.label or plan.needs_labels() else "",
        "projection": "learned" if plan.teachers else "discriminant" if plan.needs_labels() else "pca",
        "limit": plan.limit, "leave-out": args.leave_out, "origin": args.origin,
        "licence": args.licence,
        "trained-on": f"{plan.init}, then {plan.epochs} epochs of "
                      f"{os.path.basename(os.path.abspath(args.catalog))} "
                      f"({' '.join(f'{name}:{weight:g}' for name, weight in plan.losses.items())})"
                      + (f", taught by {', '.join(map(os.path.basename, plan.teachers))}"
                         if plan.teachers else
                         f", {plan.average:g} of it averaged with what it began as"),
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
    plan = plans.plan_of(args)
    checkpoint = args.out + ".checkpoint"
    device = _device(args.device)
    curves.check()
    data = training_data.Data(args.catalog, args.split_file, plan.labels, plan.left_out,
                              plan.triplets, plan.limit, asked=bool(args.label),
                              needed=plan.needs_labels(), eval_size=plan.eval_size)
    print(f"{len(data.train)} photos to learn from, {int(data.validation.sum())} to validate on, "
          f"{int(data.left_out.sum())} left out; {device}", file=sys.stderr)
    plan.photos = teachers.digest(plan.teachers, data.digest())
    trainer = _Trainer(plan, data, device, args.compile)
    done = trainer.resume(checkpoint) if os.path.isfile(checkpoint) else 0
    if not done:
        trainer.history = [{"epoch": 0, **data.measure(trainer.model, device)}]
    else:
        print(f"{checkpoint} has seen {done} of {plan.epochs} epochs", file=sys.stderr)
    for row in trainer.history:
        _print_row(row)
    if done < plan.epochs:
        drawer = batches.Views(
            batches.Pictures([data.photos[row].path for row in data.train], plan.size))
        meter = progress.Progress("training, photos",
                                  (plan.epochs - done) * trainer.steps * trainer.batch)
        try:
            for number in range(done, plan.epochs):
                means = trainer.epoch(number, drawer, meter)
                trainer.history.append(
                    {"epoch": number + 1, **data.measure(trainer.model, device), **means})
                _print_row(trainer.history[-1])
                trainer.save(checkpoint, number + 1)
                curves.draw(trainer.history, f"{plan.arch} on {args.catalog}", args.out + ".png")
        finally:
            drawer.close()
    _export(args, plan, checkpoint)
