"""python -m vitrine_models COMMAND: make and run bundles."""

import argparse
import os
import sys

import torch

from vitrine_models import catalog, complements, embed, export, measure, outfits, plans, train


def _split(args: argparse.Namespace) -> None:
    photos = catalog.read(args.catalog)
    senders = catalog.pick_validation_senders(photos, args.share, args.seed)
    catalog.write_senders(args.out, senders)
    held = sum(photo.sender in senders for photo in photos)
    print(f"{args.out}: {len(senders)} senders, {held} of {len(photos)} photos")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vitrine_models", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("train", help="train a network on a catalogue, into a bundle")
    plans.add_arguments(command)
    command.set_defaults(run=train.train)

    command = commands.add_parser("export", help="make a bundle and measure it")
    export.add_arguments(command)
    command.set_defaults(run=export.export)

    command = commands.add_parser("measure", help="retrieval figures and speed of a bundle")
    measure.add_arguments(command)
    command.set_defaults(run=measure.measure)

    command = commands.add_parser("embed", help="print the raw vectors of pictures as JSON lines")
    embed.add_arguments(command)
    command.set_defaults(run=embed.embed)

    command = commands.add_parser("complements", help="learn from pairs what goes with what")
    complements.add_arguments(command)
    command.set_defaults(run=complements.complements)

    command = commands.add_parser("outfits", help="draw pairs of sample garments by a hidden rule")
    outfits.add_arguments(command)
    command.set_defaults(run=outfits.outfits)

    command = commands.add_parser("split", help="draw validation senders by seed")
    command.add_argument("--catalog", metavar="DIR", required=True)
    command.add_argument("--share", type=float, default=0.2, help="of the photos (default: %(default)s)")
    command.add_argument("--seed", type=int, default=2, help="default: %(default)s")
    command.add_argument("--out", metavar="FILE", required=True)
    command.set_defaults(run=_split)

    args = parser.parse_args()
    # PyTorch 1.13 takes some virtual machines of several cores for one of one core.
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        args.run(args)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"vitrine_models: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
