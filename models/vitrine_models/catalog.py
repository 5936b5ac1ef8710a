"""Catalogues as the indexer reads them, and their split into training and validation.

The layouts (docs/catalogues.md) are read by one program, the indexer's own reader: what `vitrine
check DIR --format=jsonl` lists is what there is. The program is run where a folder is given; a
file that it wrote earlier is read where a file is, as on a machine that has no build.
"""

import collections
import dataclasses
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

# Values of a label that name no class; the clothing data set has them.
NO_CLASS = frozenset(("Not sure", "Skip", "Other"))
_MODELS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SPLIT_FILE = os.path.join(_MODELS, "validation_senders.txt")
_PROGRAM = "vitrine-pictures"
# Where no senders are known, this share of the products is for validation: one in so many.
_PRODUCTS_HELD_OUT = 5
# The reader writes a byte of a path that is not UTF-8 so (EscapePath in catalog_names.h).
_ESCAPED = re.compile(rb"%(25|[89A-Fa-f][0-9A-Fa-f])")


@dataclasses.dataclass(frozen=True)
class Photo:
    path: str
    product_id: str
    # "category" among them, and also under its own name ("label", "articleType").
    attributes: Dict[str, Any]

    @property
    def sender(self) -> Optional[str]:
        """Who took the photo; None where it is not known."""
        return text_of(self.attributes.get("sender_id"))

    @property
    def group(self) -> str:
        """Photos of one group do not answer each other: the sender's, or else the product's."""
        return self.sender or f"product {self.product_id}"

    @property
    def category(self) -> str:
        return self.attributes.get("category", "")

    @property
    def classed(self) -> bool:
        """Whether the category names a class, so that the photo may count in quality figures."""
        return bool(self.category) and self.category not in NO_CLASS


def text_of(value: Any) -> Optional[str]:
    """An attribute's value as a label: 148.0 is "148", a list is its texts; None where none is."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, list):
        return ", ".join(sorted(value))
    return value


def _program() -> str:
    """The path of the program that reads catalogues."""
    folders = [os.environ.get("VITRINE_BIN"),
               os.path.join(os.path.dirname(_MODELS), "build", "bin")]
    for folder in folders:
        path = shutil.which(_PROGRAM, path=folder) if folder else None
        if path:
            return path
    path = shutil.which(_PROGRAM)
    if not path:
        raise ValueError(
            f"{_PROGRAM}, which reads catalogues, is not there: run ./dev build in the repository, "
            "or name its folder in VITRINE_BIN; or give, instead of the folder, a file that "
            "`vitrine check DIR --format=jsonl` wrote where it is there")
    return path


def _run_reader(directory: str, flags: Sequence[str]) -> List[str]:
    done = subprocess.run([_program(), "check", directory, "--format=jsonl", *flags],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # 1 says that something is wrong with it, and lists the rest.
    if done.returncode not in (0, 1):
        reason = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise ValueError(reason.split(": ", 1)[-1] if reason.startswith(_PROGRAM) else reason)
    return done.stdout.decode().split("\n")


def _file(root: str, path: str) -> str:
    raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), path.encode())
    return os.path.join(root, os.fsdecode(raw))


def read(source: str, layout: str = "auto", product_pattern: str = "",
         category_attribute: str = "") -> List[Photo]:
    """The photos that the indexer would index, in byte order of their paths.

    `source` is the catalogue's folder, or a listing, or several of them one after another in one
    file. The rest are the indexer's flags of that name; a listing was made with its own. Raises
    ValueError where it is no catalogue.
    """
    if os.path.isfile(source):
        with open(source, encoding="utf-8") as listing:
            lines = listing.read().split("\n")
        root = None
    else:
        flags = [f"--layout={layout}"]
        flags += [f"--product-pattern={product_pattern}"] if product_pattern else []
        flags += [f"--category-attribute={category_attribute}"] if category_attribute else []
        lines = _run_reader(source, flags)
        root = source
    try:
        photos, troubles = _listed(lines, root)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{source} is neither a catalogue's folder nor a listing as `vitrine check "
                         f"DIR --format=jsonl` writes it ({error})") from error
    if not photos:
        raise ValueError(f"{source} holds no picture that would be indexed; `vitrine check "
                         f"{source}` says why")
    for what, count, catalog in troubles:
        if count:
            print(f"{source}: {count} {'pictures are ' if what == 'refused' else ''}{what}; "
                  f"`vitrine check {catalog}` names them", file=sys.stderr)
    return photos


def _listed(lines: Sequence[str], folder: Optional[str]
            ) -> Tuple[List[Photo], List[Tuple[str, int, str]]]:
    """The photos, and what is wrong with how many of which catalogue; each begins with its head."""
    photos: List[Photo] = []
    troubles: List[Tuple[str, int, str]] = []
    head: Dict[str, Any] = {}
    for line in filter(None, lines):
        found = json.loads(line)
        if not head or "catalog" in found:
            head, root = found, folder or found["catalog"]
            troubles += [(what, head[what], root) for what in ("refused", "problems")]
        else:
            photos.append(_photo(root, found, head["category_attribute"]))
    if not head:
        raise ValueError("it is empty")
    return photos, troubles


def evenly(photos: List[Photo], limit: int) -> List[Photo]:
    """At most `limit` photos, evenly from the whole; all where it is 0."""
    if not limit or limit >= len(photos):
        return photos
    return [photos[i * len(photos) // limit] for i in range(limit)]


def _photo(root: str, picture: Dict[str, Any], category_attribute: str) -> Photo:
    attributes = dict(picture["attributes"])
    if picture["category"]:
        attributes["category"] = picture["category"]
        if category_attribute:
            attributes[category_attribute] = picture["category"]
    return Photo(_file(root, picture["path"]), picture["product_id"], attributes)


def labels(photos: Sequence[Photo], name: str) -> List[Optional[str]]:
    """The attribute `name` of each photo; None where it has none, or one that names no class.

    Raises ValueError, naming the attributes that are there, where no photo has it.
    """
    found = [text_of(photo.attributes.get(name)) for photo in photos]
    if not any(found):
        known = sorted({key for photo in photos for key in photo.attributes})
        raise ValueError(f"no photo has the label {name!r}; the catalogue has "
                         f"{', '.join(known) if known else 'none at all'}")
    return [None if value in NO_CLASS else value for value in found]


def left_out(values: Sequence[Optional[str]], named: Sequence[str], name: str) -> np.ndarray:
    """bool [len(values)]: which labels are among `named`.

    Raises ValueError where one of those is no photo's label `name`.
    """
    odd = sorted(set(named) - set(values))
    if odd:
        raise ValueError(f"--leave-out names {odd[0]!r}, which no photo has as {name}")
    return np.isin(np.array([value or "" for value in values]), list(named))


def held_out(product_id: str) -> bool:
    """Whether a product is for validation, where senders are unknown.

    The rule, which the evaluation shares: the first 8 bytes of the SHA-256 of the id, as a
    big-endian number, are a multiple of 5.
    """
    digest = hashlib.sha256(product_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _PRODUCTS_HELD_OUT == 0


def read_split(split_file: str, photos: Sequence[Photo], source: str) -> np.ndarray:
    """bool [len(photos)]: which are for validation. Raises ValueError if all or none are.

    Those by the senders in `split_file`; a photo without a sender goes by its product's id. Where
    no photo has a sender, the file that is shipped says nothing, and held_out() decides.
    """
    if split_file == SPLIT_FILE and not any(photo.sender for photo in photos):
        rule = "the split by product"
        validation = np.array([held_out(photo.product_id) for photo in photos])
    else:
        rule = split_file
        held = set(read_lines(split_file))
        validation = np.array([(photo.sender or photo.product_id) in held for photo in photos])
    if not validation.any() or validation.all():
        raise ValueError(f"{rule} holds {'all' if validation.all() else 'none'} of the photos of "
                         f"{source}; a split needs both kinds: choose another with --split-file")
    return validation


def pick_validation_senders(photos: List[Photo], share: float, seed: int) -> List[str]:
    """Senders drawn by `seed` that hold at most `share` of the photos, in the order of their ids.

    A sender with a fifth of that share or more is passed over: cross-sender figures of a few
    large senders would say little.
    """
    def by_id(sender: str):
        return len(sender), sender

    count = collections.Counter(photo.sender for photo in photos if photo.sender)
    if not count:
        raise ValueError("no photo has a sender_id: such a catalogue is split by product, without "
                         "a file")
    senders = sorted(count, key=by_id)
    random.Random(seed).shuffle(senders)
    limit = share * len(photos)
    picked, held = [], 0
    for sender in senders:
        if count[sender] < limit / 5 and held + count[sender] <= limit:
            picked.append(sender)
            held += count[sender]
    return sorted(picked, key=by_id)


def read_lines(path: str) -> List[str]:
    with open(path, encoding="utf-8") as lines:
        return [line.strip() for line in lines if line.strip()]


def write_senders(path: str, senders: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(sender + "\n" for sender in senders)
