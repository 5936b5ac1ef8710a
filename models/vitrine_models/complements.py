"""Learns from pairs of products what goes with what, for `vitrine-indexer --complements`."""

import argparse
import hashlib
import os
import sys
from typing import Dict, List, Sequence, Tuple

import numpy as np

from vitrine_models import blank_filling, linear_complements, pairs as pairs_file
from vitrine_models.bundle import Block
from vitrine_models.linear_complements import Catalogue, Key, Pairs, Projection, Settings
from vitrine_models.progress import Progress

_VERSION = 1
_FEW_QUESTIONS = 100


def _package():
    try:
        import vitrine
    except ImportError:
        raise ValueError("the Python package vitrine is missing: pip install clients/python") from None
    return vitrine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = Settings()
    parser.add_argument("--pairs", metavar="FILE", required=True,
                        help="a CSV file with the columns product_a,product_b and, if you like, weight")
    parser.add_argument("--server", metavar="HOST:PORT",
                        help="the server whose products these are (default: $VITRINE_SERVER, else "
                             "127.0.0.1:50051)")
    parser.add_argument("--token-file", metavar="FILE", help="the token to show; role catalogue")
    parser.add_argument("--ca", metavar="FILE", help="who signs the server's certificate")
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", metavar="FILE", help="what vitrine-indexer --complements takes")
    out.add_argument("--evaluate", action="store_true", help="print the figures alone")
    parser.add_argument("--held-out", type=float, default=0.25, metavar="SHARE",
                        help="of the products, for the figures (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--rank", type=int, default=defaults.rank, help="default: %(default)s")
    parser.add_argument("--ridge", type=float, default=defaults.ridge,
                        help="how much is forgotten: of the vectors' mean variance "
                             "(default: %(default)s)")
    parser.add_argument("--min-pairs", type=int, default=defaults.min_pairs, metavar="N",
                        help="of two slots; fewer back off to all products (default: %(default)s)")
    parser.add_argument("--min-category-pairs", type=int, default=defaults.min_category_pairs,
                        metavar="N", help="of a category and a slot; fewer back off to the slot "
                                          "(default: %(default)s)")


def from_server(client) -> Tuple[Catalogue, str, List[Block]]:
    """The products with a vector and a slot of a server, its model's SHA-256 and blocks."""
    described = client.describe().proto
    slots = {one.category: one.slot for one in described.categories}
    blocks = [Block(block.name, block.dim, block.weight) for block in described.model.blocks]
    catalogue = Catalogue([], [], [], np.zeros((0, described.dim), np.float32))
    vectors = []
    progress = Progress("products", described.products)
    for product in client.list_products(vectors=True):
        progress.add(1)
        if not product.images:
            continue
        catalogue.ids.append(product.product_id)
        catalogue.categories.append(product.category)
        catalogue.slots.append(slots.get(product.category, ""))
        vectors.append(_mean([image.vector for image in product.images], blocks))
    if client.describe().proto.model.id != described.model.id:
        raise ValueError("the server went over to another model meanwhile; start again")
    if not vectors:
        raise ValueError("the server has no product")
    catalogue.vectors = np.stack(vectors).astype(np.float32)
    return catalogue, described.model.id, blocks


def _mean(vectors: Sequence[np.ndarray], blocks: Sequence[Block]) -> np.ndarray:
    """The mean of a product's pictures, normalised by blocks, as the server asks for a product."""
    if len(vectors) == 1:
        return vectors[0]
    parts, start = [], 0
    total = np.mean(vectors, axis=0, dtype=np.float64)
    for block in blocks:
        part = total[start:start + block.dim]
        start += block.dim
        parts.append(part / max(np.linalg.norm(part), 1e-12) * np.sqrt(block.weight))
    return np.concatenate(parts)


def known_pairs(catalogue: Catalogue, listed: Sequence[pairs_file.Pair], path: str) -> Pairs:
    """Those of which the catalogue has both; says on standard error what it lacks."""
    row_of = {product: row for row, product in enumerate(catalogue.ids)}
    rows, weights, unknown = [], [], []
    for pair in listed:
        ends = [row_of.get(pair.product_a), row_of.get(pair.product_b)]
        if None in ends:
            unknown.append(pair)
            continue
        rows.append(ends)
        weights.append(pair.weight)
    if unknown:
        first = unknown[0]
        lacking = next(one for one in (first.product_a, first.product_b) if one not in row_of)
        said = (f"{len(unknown)} of {len(listed)} pairs name a product that the index does not have, "
                f"the first in {path}:{first.line}: {lacking!r}")
        if not rows:
            raise ValueError(said)
        print(f"left out: {said}", file=sys.stderr)
    found = linear_complements.both_ways(catalogue, np.array(rows), np.array(weights, float))
    if not len(found.rows):
        raise ValueError(f"no pair of {path} is of two slots: both products of each are of one, or "
                         "their categories have none (vitrine-server --slots)")
    same = len(rows) - len(found.rows) // 2
    if same:
        print(f"left out: {same} pairs within one slot, or of a category without a slot",
              file=sys.stderr)
    return found


def evaluate(catalogue: Catalogue, pairs: Pairs, blocks: Sequence[Block], settings: Settings,
             share: float, seed: int) -> Dict[str, blank_filling.Figures]:
    """Figures by what a score is made; those of pairs that the fit has not seen."""
    train, test, held = blank_filling.hold_out(catalogue, pairs, share, seed)
    asked = blank_filling.questions(catalogue, test, held, seed)
    if not len(train.rows) or not len(asked.products):
        return {}
    projections = linear_complements.fit(catalogue, train, settings)
    scorers = {
        "learned": blank_filling.learned(catalogue, projections),
        "nearest neighbour": blank_filling.nearest(catalogue, np.ones(catalogue.vectors.shape[1])),
        "the server's rule": blank_filling.nearest(catalogue, blank_filling.rule_emphasis(blocks)),
        "random": blank_filling.lots(seed),
    }
    print(f"held out: {len(asked.products)} questions about {len(set(asked.products))} products; "
          f"fitted to {len(train.rows) // 2} pairs")
    if len(asked.products) < _FEW_QUESTIONS:
        print("that is few: the figures say little")
    print(f"{'':20} {'fill in the blank':>20} {'compatibility AUC':>20}")
    found = {}
    for name, scorer in scorers.items():
        one = found[name] = blank_filling.figures(asked, scorer)
        print(f"{name:20} {one.filled.value:12.3f} ± {one.filled.error:.3f}"
              f" {one.auc.value:12.3f} ± {one.auc.error:.3f}", flush=True)
    return found


def serialised(model: str, blocks: Sequence[Block], projections: Dict[Key, Projection]) -> bytes:
    """The file; see proto/vitrine/v1/complements.proto."""
    _package()
    from vitrine.v1 import complements_pb2
    message = complements_pb2.Complements(version=_VERSION, model=model)
    for block in blocks:
        message.blocks.add(name=block.name, dim=block.dim, weight=block.weight)
    for (category, slot, to_slot), one in projections.items():
        message.projections.add(
            category=category, slot=slot, to_slot=to_slot, pairs=one.pairs, rank=len(one.right),
            right=one.right.ravel(), left=one.left.ravel(), bias=one.bias)
    inner = message.SerializeToString(deterministic=True)
    return complements_pb2.ComplementsFile(
        sha256=hashlib.sha256(inner).digest(), complements=inner).SerializeToString()


def _settings(args: argparse.Namespace) -> Settings:
    if not 0 < args.held_out < 1:
        raise ValueError(f"--held-out {args.held_out}: it is a share between 0 and 1")
    if not 1 <= args.rank <= 512:
        raise ValueError(f"--rank {args.rank}: it is 1 to 512")
    if not 1e-6 <= args.ridge <= 1e6:
        raise ValueError(f"--ridge {args.ridge}: it is 1e-6 to 1e6")
    if args.min_pairs < 2 or args.min_category_pairs < 2:
        raise ValueError("--min-pairs and --min-category-pairs are at least 2")
    return Settings(rank=args.rank, ridge=args.ridge, min_pairs=args.min_pairs,
                    min_category_pairs=args.min_category_pairs)


def complements(args: argparse.Namespace) -> None:
    settings = _settings(args)
    listed = pairs_file.read(args.pairs)
    vitrine = _package()
    try:
        with vitrine.Client(args.server, token_file=args.token_file, ca=args.ca) as client:
            catalogue, model, blocks = from_server(client)
    except vitrine.Error as error:
        raise RuntimeError(f"the server: {error}") from None
    pairs = known_pairs(catalogue, listed, args.pairs)
    figures = evaluate(catalogue, pairs, blocks, settings, args.held_out, args.seed)
    if not figures:
        print("too few pairs to hold any out")
    if args.evaluate:
        return
    projections = linear_complements.fit(catalogue, pairs, settings, progress=True)
    if not projections:
        raise ValueError(f"no slot has {settings.min_pairs} pairs; bring more, or lower --min-pairs")
    content = serialised(model, blocks, projections)
    staging = f"{args.out}.staging"
    with open(staging, "wb") as file:
        file.write(content)
    os.replace(staging, args.out)
    kinds = [sum(1 for category, slot, _ in projections if (bool(category), bool(slot)) == kind)
             for kind in ((True, True), (False, True), (False, False))]
    print(f"{args.out}: {kinds[0]} projections of a category, {kinds[1]} of a slot, {kinds[2]} of "
          f"all products; {len(content) / 1e6:.1f} MB, for model {model[:12]}")
